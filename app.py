"""What gunicorn and the flask command load."""

from mailsetup.cli.served import served_app

app = served_app()
