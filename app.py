"""What gunicorn and the flask command load."""

import sys

from mailsetup.cli.bare import bare_app, needs_no_settings
from mailsetup.core.errors import SettingsError

NOT_STARTED = 3  # gunicorn gives up at this status; at another it would try for ever

if needs_no_settings(sys.argv):
    app = bare_app()
else:
    from mailsetup.application import create_app

    try:
        app = create_app()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(NOT_STARTED)
