"""`make run`: everything on this machine until Ctrl-C.

`python -m mailsetup.cli.development [FOLDER]`; the folder is var/ unless named, the port is PORT in the environment.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from mailsetup.cli.development.folder import ROOT, Folder
from mailsetup.cli.development.run import Run
from mailsetup.core.errors import MailsetupError
from mailsetup.core.processes import die_with_parent

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked for the end; passes every handler of errors."""


def main() -> int:
    """Runs until asked to stop; 1 when something could not start."""
    if "MAKELEVEL" in os.environ:
        # A killed make must not leave us behind.
        die_with_parent(signal.SIGTERM)
    port = os.environ.get("PORT", "8000")
    if not port.isdigit() or not 0 < int(port) < 65536:
        print(f"PORT is {port}; it must be a number from 1 to 65535.", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var"
    return _until_stopped(Run(Folder(folder.absolute()), web_port=int(port)))


def _until_stopped(run: Run) -> int:
    _on_signals(_stop)
    code = 0
    try:
        run.start()
        run.watch()
    except Stopped:
        code = 0
    except MailsetupError as error:
        print(error, file=sys.stderr)
        code = 1
    finally:
        _on_signals(lambda _number, _frame: run.kill())
        run.stop()
    return code


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Another signal while we unwind must not break off the unwinding.
    _on_signals(signal.SIG_IGN)
    raise Stopped


def _on_signals(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    for number in STOP_SIGNALS:
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
