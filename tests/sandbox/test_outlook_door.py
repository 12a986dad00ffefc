from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from tests.sandbox.conftest import OUTLOOK


def a_mail(sender: str = "ar@contoso.com") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "me@example.org", "Hello"
    mail.set_content("Hi")
    return mail


def test_it_takes_a_mail_of_an_app_with_xoauth2(box: Any, customer: Any) -> None:
    with customer.outlook() as talk:
        token = customer.token(OUTLOOK)
        talk.auth("XOAUTH2", lambda challenge=None: f"user=ar@contoso.com\x01auth=Bearer {token}\x01\x01")
        talk.send_message(a_mail())
    assert [mail.subject for mail in box.inbox("me@example.org")] == ["Hello"]
