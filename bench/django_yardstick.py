"""Run by an environment of its own: queues and sends mail with django-post_office or django-mailer, prints seconds.

`python django_yardstick.py post_office|mailer DATABASE HOST PORT COUNT`, where HOST is PostgreSQL's socket folder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import django
from django.conf import settings
from django.core.management import call_command
from django.db import transaction

PART = ("x" * 69 + "\n") * 146
TOGETHER = 100
WORDS = ("Your invoice", "ar@northwind.example", ["customer@fabrikam.example"])


def configure(package: str, database: str, host: str, port: int) -> None:
    """A project with nothing else in it."""
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", package],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": database,
                "HOST": host,
                "USER": "mailsetup",
                "CONN_MAX_AGE": None,
            }
        },
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        MAILER_EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)


def _committed(count: int) -> Iterator[int]:
    """As many calls, a commit for each hundred of them."""
    for start in range(0, count, TOGETHER):
        with transaction.atomic():
            yield from range(start, min(start + TOGETHER, count))


def post_office(count: int) -> None:
    from post_office import mail
    from post_office.mail import send_queued_mail_until_done

    subject, sender, recipients = WORDS
    for _ in _committed(count):
        mail.send(recipients, sender, subject=subject, message=PART, html_message=f"<pre>{PART}</pre>")
    send_queued_mail_until_done()


def mailer(count: int) -> None:
    from mailer import send_html_mail
    from mailer.engine import send_all

    subject, sender, recipients = WORDS
    for _ in _committed(count):
        send_html_mail(subject, PART, f"<pre>{PART}</pre>", sender, recipients)
    send_all()


def main() -> None:
    package, database, host, port, count = sys.argv[1:6]
    configure(package, database, host, int(port))
    began = time.monotonic()
    {"post_office": post_office, "mailer": mailer}[package](int(count))
    print(time.monotonic() - began)


if __name__ == "__main__":
    main()
