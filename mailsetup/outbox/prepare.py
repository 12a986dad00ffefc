"""From a claimed message to the mail a service sends: frozen bytes and the recipients still to be reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import update
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput, NotFound, UnsealError
from mailsetup.mail_services.base import Mail
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import attempts, bodies, explanations
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.freeze import finish
from mailsetup.outbox.models import WAITING, messages
from mailsetup.outbox.queue import sender_of

log = structlog.get_logger()


Owner = Callable[[Session], OutboundConfig]


def prepared(session: Session, message: Claimed, sealed: bytes | None, now: datetime, *, config: Owner) -> Mail | None:
    """As `mail_of`; None when the mail cannot be sent, and then that is written down as the end of this try."""
    try:
        return mail_of(session, message, sealed, now, config=config)
    except InvalidInput as error:
        attempts.record_unfit(session, message, explanations.unfit(str(error)), now)
    except NotFound:
        attempts.record_unfit(session, message, explanations.CONTENT_GONE, now)
    except UnsealError:
        log.error("body_does_not_open", message=str(message.id))
        attempts.record_fault(session, message, explanations.CONTENT_SEALED, now)
    return None


def mail_of(
    session: Session,
    message: Claimed,
    sealed: bytes | None,
    now: datetime,
    *,
    config: Owner,
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
