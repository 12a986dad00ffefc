"""What gunicorn and the flask command load."""

import sys

from mailsetup.application import create_app
from mailsetup.core.errors import SettingsError

NOT_STARTED = 3  # gunicorn gives up at this status; at another it would try for ever

try:
    app = create_app()
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(NOT_STARTED)
