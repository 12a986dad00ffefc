"""The application of this process, whichever command started it."""

from __future__ import annotations

import sys

from flask import Flask

from mailsetup.cli.bare import bare_app, is_command, needs_no_settings
from mailsetup.core import db
from mailsetup.core.errors import SettingsError
from mailsetup.core.heartbeats import WEB
from mailsetup.workspaces.starting import refuse_unsafe_start

NOT_STARTED = 3  # gunicorn gives up at this status; at another it would try for ever


def served_app() -> Flask:
    """The product, or only the commands that need no settings; a wrong setting ends the process with a sentence."""
    if needs_no_settings(sys.argv):
        return bare_app()
    from mailsetup import watchdog
    from mailsetup.application import create_app

    try:
        app = create_app()
        if not is_command(sys.argv):
            refuse_unsafe_start(db.engine())
            watchdog.watch(WEB)
        return app
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(NOT_STARTED)
