"""The embedded Valkey as a process of its own: `python -m mailsetup.cli.valkey FOLDER`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

from mailsetup.core.errors import MailsetupError
from mailsetup.core.valkey import EmbeddedValkey


def main(folder: Path) -> int:
    """Serves until asked to stop; ends with 1 when the server ends by itself."""
    server = EmbeddedValkey(folder)
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        server.start()
        server.wait()
    except MailsetupError as error:
        print(error, file=sys.stderr)
    finally:
        server.stop()
    return 1


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
