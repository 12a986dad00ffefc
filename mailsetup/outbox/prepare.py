"""From a claimed message to the mail a service sends: frozen bytes and the recipients still to be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from mailsetup.mail_services.base import Mail
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import bodies
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.freeze import finish
from mailsetup.outbox.models import WAITING, messages
from mailsetup.outbox.queue import sender_of


def mail_of(
    session: Session,
    message: Claimed,
    sealed: bytes | None,
    now: datetime,
    *,
    config: Callable[[Session], OutboundConfig],
) -> Mail:
    """The mail out of its sealed bytes, frozen now if it was not yet. Raises InvalidInput, NotFound, UnsealError."""
    content = bodies.opened(session, message.workspace_id, message.id, sealed)
    recipients = tuple(entry["address"] for entry in message.recipients if entry["state"] == WAITING)
    if message.frozen:
        return Mail(message.envelope_sender, recipients, content, message.message_id, message.handle)
    return _frozen_now(session, message, content, recipients, config(session), now)


def _frozen_now(
    session: Session,
    message: Claimed,
    content: bytes,
    recipients: tuple[str, ...],
    config: OutboundConfig,
    now: datetime,
) -> Mail:
    frozen = finish(content, sender_of(config), when=now)
    bodies.replace(session, message.workspace_id, message.id, frozen.content)
    facts = {
        "frozen": True,
        "message_id": frozen.message_id,
        "from_address": frozen.from_address,
        "envelope_sender": config.from_address,
        "size": len(frozen.content),
    }
    session.connection().execute(update(messages).where(messages.c.id == message.id).values(**facts))
    return Mail(config.from_address, recipients, frozen.content, frozen.message_id)
