"""Sends the letters of people's accounts through the operator's own mail server."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.egress import Door
from mailsetup.core.errors import EgressError, SettingsError
from mailsetup.core.queues import enqueue_after_commit
from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import Mail
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.operator_mail import OperatorMailer
from mailsetup.mail_services.values import ascii_address
from mailsetup.workspaces.letters import INVITATION, JOB, RESET, SIGN_UP, VALID_FOR
from mailsetup.workspaces.models import Letter
from mailsetup.workspaces.tokens import new_token, token_hash

TEMPLATES = Path(__file__).parents[2] / "templates" / "email"
PRODUCT = "mailsetup"
# Where the link in the mail leads; a letter without one needs no token.
PATHS = {SIGN_UP: "/sign-up/", RESET: "/sign-in/new-password/", INVITATION: "/invitations/"}
DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
KEPT = timedelta(days=8)
LINE = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A letter this job alone sends, with the token made for it."""

    letter_id: uuid.UUID
    purpose: str
    email: str
    token: Secret
    detail: dict[str, Any]


def send_due() -> None:
    """Sends every letter that is due, one after the other."""
    while (letter_id := _next()) is not None:
        with session_scope() as session:
            claimed = _claim(session, letter_id)
        if claimed is not None:
            _send(claimed)


def _next() -> uuid.UUID | None:
    with session_scope() as session:
        return _due(session)


def _claim(session: Session, letter_id: uuid.UUID) -> Claimed | None:
    """The letter, when this job alone sends it; a silent one only counts as sent."""
    letter, token, now = session.get_one(Letter, letter_id), new_token(), utcnow()
    values = {
        "token_hash": token_hash(token),
        "attempts": letter.attempts + 1,
        "next_attempt_at": now + DELAYS[min(letter.attempts, len(DELAYS) - 1)],
        "expires_at": now + VALID_FOR[letter.purpose],
        "sent_at": now if letter.silent else None,
    }
    mine = update(Letter).where(Letter.id == letter.id, Letter.attempts == letter.attempts, Letter.sent_at.is_(None))
    result = session.execute(mine.values(**values))
    if letter.silent or not isinstance(result, CursorResult) or result.rowcount != 1:
        return None
    return Claimed(letter.id, letter.purpose, letter.email, Secret(token), dict(letter.detail))


def _due(session: Session) -> uuid.UUID | None:
    wanted = select(Letter.id).where(
        Letter.sent_at.is_(None), Letter.next_attempt_at <= utcnow(), Letter.attempts <= len(DELAYS)
    )
    return session.scalar(wanted.order_by(Letter.next_attempt_at).limit(1))


def _send(claimed: Claimed) -> None:
    try:
        _mailer().send(_mail(claimed))
    except (TransportError, EgressError, SettingsError) as error:
        # It is due again by itself; what the server said could quote the link.
        log.warning("letter_not_sent", letter=str(claimed.letter_id), error=type(error).__name__)
        return
    with session_scope() as session:
        session.execute(update(Letter).where(Letter.id == claimed.letter_id).values(sent_at=utcnow()))


def _mailer() -> OperatorMailer:
    """The operator named this host in the settings, so the door lets it be anywhere. Raises SettingsError."""
    current = settings.current()
    if not can_write():
        raise SettingsError("MAILSETUP_OPERATOR_SMTP_URL is missing.")
    door = Door.trusted(ca_bundle=current.ca_bundle, smtp_proxy=current.smtp_proxy)
    return OperatorMailer(current.operator_smtp_url, current.operator_from, door, base_url=current.base_url)


def can_write() -> bool:
    """Whether the operator gave us a mail server to write to people with."""
    current = settings.current()
    return bool(current.operator_smtp_url and current.operator_from)


def _mail(claimed: Claimed) -> Mail:
    sender = settings.current().operator_from
    message = write_letter(claimed, sender=sender)
    return Mail(sender, (ascii_address(claimed.email),), message.as_bytes(policy=SMTP), message["Message-ID"])


def write_letter(claimed: Claimed, *, sender: str) -> EmailMessage:
    """The mail: plain text, so that nothing in it can be more than text."""
    base, path = settings.current().base_url, PATHS.get(claimed.purpose, "")
    facts = {
        "product": PRODUCT,
        "base_url": base,
        "link": f"{base}{path}{claimed.token.reveal()}" if path else "",
        "email": claimed.email,
        **claimed.detail,
    }
    message = EmailMessage()
    message["From"] = Address(PRODUCT, addr_spec=sender)
    message["To"] = Address(addr_spec=ascii_address(claimed.email))
    message["Subject"] = _rendered(f"{claimed.purpose}/subject.txt", facts)
    message["Date"] = format_datetime(utcnow())
    message["Message-ID"] = f"<letter-{claimed.letter_id}-{new_token()[:8]}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834 section 5: nobody's absence notice answers it
    message.set_content(_rendered(f"{claimed.purpose}/body.txt", facts) + "\n")
    return message


def _rendered(name: str, facts: dict[str, Any]) -> str:
    return _environment().get_template(name).render(facts).strip()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Our own, as workers have no web application to ask; only plain text is made here."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=False)  # noqa: S701
    environment.filters["line"] = lambda text: " ".join(str(text).split())[:LINE]
    return environment


def upkeep(session: Session) -> None:
    """Rings for what is due and forgets what is long over. The caller commits."""
    session.execute(delete(Letter).where(Letter.expires_at < utcnow() - KEPT))
    if _due(session) is not None:
        enqueue_after_commit(session, JOB)
