"""The mail that a test sends: a real one, as any other mail of the setup would be."""

from __future__ import annotations

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any

from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import Mail
from mailsetup.mail_services.values import ascii_address

SUBJECT = "Test mail: this address can send"
_TEXT = """\
This is a test mail.

It was sent by {started_by} to find out whether mail from {from_address} works.
It arrived, so it does. Nothing needs to be done.

Way: {label}
Test: {run_id}
"""


def build_test_mail(settings: Mapping[str, Any], *, recipient: str, started_by: str, label: str, run_id: str) -> Mail:
    """A mail from the setup's address to the recipient, in the bytes that are sent (RFC 5322, CRLF)."""
    sender, recipient = ascii_address(str(settings["from_address"])), ascii_address(recipient)
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(str(settings.get("from_name") or ""), sender)
    message["To"] = _address("", recipient)
    message["Subject"] = SUBJECT
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEXT.format(started_by=started_by, from_address=sender, label=label, run_id=run_id))
    return Mail(sender, (recipient,), message.as_bytes(), str(message["Message-ID"]))


def _address(name: str, address: str) -> Address:
    return Address(display_name=name, addr_spec=address)
