"""The database and the demo person, ready before the first page: `python -m mailsetup.cli.development.prepare`.

`flask db upgrade` and `flask demo` in one process and without Flask, as the start is waiting for it.
"""

from __future__ import annotations

import sys

from mailsetup import settings
from mailsetup.cli import database
from mailsetup.cli.demo import demo
from mailsetup.core.errors import SettingsError


def main() -> int:
    """Migrates, makes the demo person where there is none, and prints how to sign in."""
    try:
        settings.start(settings.load())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    database.upgrade()
    demo.main([], standalone_mode=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
