"""Becomes another program that ends when its parent ends: `python -m mailsetup.cli.child [--environment FILE] COMMAND`.

The file holds NAME='value' lines as a shell reads them; it keeps secrets out of command lines and of the process
manager's configuration.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from mailsetup.core.processes import die_with_parent


def read_environment(path: Path) -> dict[str, str]:
    """The variables in the file."""
    pairs = (word.partition("=") for word in shlex.split(path.read_text(encoding="utf-8")))
    return {name: value for name, _, value in pairs}


def main(arguments: list[str]) -> None:
    """Never returns: this process becomes the command."""
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        # The parent went before we could ask to be told.
        sys.exit(1)
    if arguments[0] == "--environment":
        os.environ.update(read_environment(Path(arguments[1])))
        arguments = arguments[2:]
    os.execvp(arguments[0], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
