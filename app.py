"""What gunicorn and the flask command load."""

from mailsetup.application import create_app

app = create_app()
