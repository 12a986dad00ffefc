"""The product's web process without the limit of calls a minute, which is not what is measured."""

from mailsetup.cli.served import served_app

app = served_app()
app.config["API_RATE"] = "1000000 per minute"
