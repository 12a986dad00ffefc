"""The mail a notice becomes: plain text and HTML, with values quoted, never believed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from mailsetup.alerts.chat import heading_of, lines_of
from mailsetup.alerts.facts import NoticeFacts
from mailsetup.core.clock import utcnow
from mailsetup.mail_services import values

TEMPLATES = Path(__file__).parents[2] / "templates"
PRODUCT = "mailsetup"
SUBJECT_LIMIT = 180
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def write_letter(notices: Sequence[NoticeFacts], *, sender: str) -> EmailMessage:
    """The mail to one address, about one notice or several at once.

    Its Message-ID is the notice's own, so that a repeat can be told from a new one. Raises ValueError when the
    address is none.
    """
    message = EmailMessage()
    facts = notices[0]
    name = "alert" if len(notices) == 1 else "digest"
    domain = sender.rpartition("@")[2]
    message["From"] = Address(f"{PRODUCT} alerts", addr_spec=sender)
    message["To"] = Address(addr_spec=values.email_address(facts.target))
    message["Subject"] = header_text(_rendered(f"{name}/subject.txt", notices))
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = f"<notice-{facts.notice_id}@{domain}>"
    if facts.alert_id and len(notices) == 1:
        # Mail programs put everything with the same reference into one conversation.
        message["References"] = f"<alert-{facts.alert_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: nobody's absence notice answers it
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_plain(_rendered(f"{name}/body.txt", notices)))
    message.add_alternative(_rendered(f"{name}/body.html", notices), subtype="html")
    return message


def header_text(text: str) -> str:
    """A text that stays one header line; encoded words in it are broken up (CVE-2024-6923)."""
    line = " ".join(_CONTROL.sub(" ", text).split()).replace("=?", "= ?")
    return line if len(line) <= SUBJECT_LIMIT else line[: SUBJECT_LIMIT - 1] + "…"


def _plain(text: str) -> str:
    """The text without the blank lines that template blocks leave behind."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in text.splitlines())).strip() + "\n"


def _rendered(name: str, notices: Sequence[NoticeFacts]) -> str:
    lines = [(heading_of(facts), lines_of(facts)) for facts in notices]
    pairs = list(zip(notices, lines, strict=True))
    return _environment().get_template(name).render(n=notices[0], notices=pairs, product=PRODUCT)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Our own, as workers have no web application to ask."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "email"),
        autoescape=select_autoescape(["html"], default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = lambda text: " ".join(_CONTROL.sub(" ", str(text)).split())
    return environment
