"""The public door: a mail becomes a row, in the caller's own transaction."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, TypedDict, Unpack

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.core import queues, walls
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.core.ids import new_id
from mailsetup.mail_services import registry
from mailsetup.outbound.configs import default_config
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import bodies, intake, quota
from mailsetup.outbox.freeze import Frozen, Sender, freeze
from mailsetup.outbox.models import PRIORITIES, QUEUED, WAITING, Message
from mailsetup.workspaces.models import Workspace

_GATHERED = "mailsetup.gathered_mail"
DRAIN = "mailsetup.outbox.jobs.drain"
EXPIRES_AFTER = timedelta(days=5)
LATEST_SEND = timedelta(days=365)
KEY_KEPT = timedelta(days=7)
KEY_LIMIT = 255
# What no database keeps, and no request carries: NUL, and halves of letters.
_NO_TEXT = re.compile(r"[\x00\ud800-\udfff]")
METADATA_LIMIT, METADATA_TEXT_LIMIT = 20, 500


class Options(TypedDict, total=False):
    """What else may be said about a mail; every entry may be left out."""

    idempotency_key: str | None
    send_at: datetime | None
    priority: str
    expires_at: datetime | None
    metadata: Mapping[str, str] | None
    recipients: Sequence[str] | None  # the envelope, where it is not what To, Cc and Bcc say
    created_by: str
    request_hash: str  # a repeat under the same key must have the same


def queue_mail(
    session: Session,
    workspace: Workspace,
    message: EmailMessage,
    *,
    config: OutboundConfig | None = None,
    **options: Unpack[Options],
) -> Message:
    """Queues a mail in the caller's transaction: it commits or rolls back with it.

    `config` is the setup to send through, by default the workspace's default setup; while there is none
    the mail waits for the first. A repeated `idempotency_key` returns the first message for 7 days.
    Raises InvalidInput by field, QuotaReached, Conflict when the key was used for another `request_hash`.
    """
    walls.admit(session, workspace.id)
    known = _earlier(session, workspace.id, options)
    if known is not None:
        return known
    _check_options(workspace, config, options)
    _admit(session, workspace.id)
    config = config or _default(session, workspace.id)
    when = options.get("send_at") or utcnow()
    frozen = freeze(message, sender_of(config) if config else None, when=when, recipients=options.get("recipients"))
    _check_size(config, len(frozen.content))
    row = _row(workspace.id, config, frozen, options)
    if not options.get("idempotency_key"):
        _put(session, row, frozen)
        return row
    try:
        with session.begin_nested():
            _insert(session, [row], [_body(session, row, frozen)])
    except IntegrityError:
        return _the_winner(session, workspace.id, options)
    return row


def sender_of(config: OutboundConfig) -> Sender:
    """What the setup says about the From header."""
    return Sender(config.from_address, str(config.settings.get("from_name") or ""))


def _earlier(session: Session, workspace_id: uuid.UUID, options: Options) -> Message | None:
    key = options.get("idempotency_key")
    if not key:
        return None
    query = select(Message).where(Message.workspace_id == workspace_id, Message.idempotency_key == key)
    found = session.scalars(query).one_or_none()
    if found is None:
        return None
    if found.created_at < utcnow() - KEY_KEPT:
        session.execute(update(Message).where(Message.id == found.id).values(idempotency_key=None))
        return None
    if options.get("request_hash", "") != found.request_hash:
        raise Conflict("This Idempotency-Key was already used for another mail; use a new key for a new mail.")
    return found


def _the_winner(session: Session, workspace_id: uuid.UUID, options: Options) -> Message:
    found = _earlier(session, workspace_id, options)
    if found is None:
        raise Conflict("The same Idempotency-Key is being used at this moment; send the request again.")
    return found


def _check_options(workspace: Workspace, config: OutboundConfig | None, options: Options) -> None:
    wrong = {**_wrong_times(options), **_wrong_words(options)}
    if config is not None and config.workspace_id != workspace.id:
        wrong["config"] = "There is no such setup in this workspace."
    if wrong:
        raise InvalidInput(wrong)


def _check_size(config: OutboundConfig | None, size: int) -> None:
    """Better refused now than after it was taken in: whoever queues it can still send a link instead."""
    if config is None:
        return
    try:
        refusal = registry.get(config.kind).size_refusal(config.settings, size)
    except NotFound:
        return  # The kind is no longer there: its mail waits for a person all the same.
    if refusal:
        raise InvalidInput({"": refusal})


def _wrong_times(options: Options) -> dict[str, str]:
    now, send_at, expires_at = utcnow(), options.get("send_at"), options.get("expires_at")
    wrong = {}
    for name, value in (("send_at", send_at), ("expires_at", expires_at)):
        if value is not None and value.tzinfo is None:
            wrong[name] = "Give a time with its zone, like 2027-03-31T15:05:00Z."
        elif value is not None and value > now + LATEST_SEND:
            wrong[name] = "This is more than a year ahead."
    if not wrong and expires_at is not None and expires_at <= max(send_at or now, now):
        wrong["expires_at"] = "The mail would expire before it is sent."
    return wrong


def _wrong_words(options: Options) -> dict[str, str]:
    wrong = {}
    if options.get("priority", "normal") not in PRIORITIES:
        wrong["priority"] = f"Choose one of {', '.join(PRIORITIES)}."
    key = options.get("idempotency_key")
    if key and (len(key) > KEY_LIMIT or not key.isprintable()):
        wrong["idempotency_key"] = f"An Idempotency-Key has at most {KEY_LIMIT} printable characters."
    metadata = options.get("metadata") or {}
    if len(metadata) > METADATA_LIMIT or not all(_plain(text) for pair in metadata.items() for text in pair):
        wrong["metadata"] = f"Metadata are at most {METADATA_LIMIT} texts of {METADATA_TEXT_LIMIT} characters each."
    return wrong


def _plain(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= METADATA_TEXT_LIMIT and not _NO_TEXT.search(text)


def _row(workspace_id: uuid.UUID, config: OutboundConfig | None, frozen: Frozen, options: Options) -> Message:
    now = utcnow()
    send_at = options.get("send_at") or now
    values = {
        "id": new_id(),
        "workspace_id": workspace_id,
        "config_id": config.id if config else None,
        "status": QUEUED,
        "priority": PRIORITIES[options.get("priority", "normal")],
        "next_attempt_at": max(send_at, now),
        "expires_at": options.get("expires_at") or max(send_at, now) + EXPIRES_AFTER,
        "message_id": frozen.message_id,
        "from_address": frozen.from_address,
        "envelope_sender": config.from_address if config else frozen.from_address,
        "recipients": [{"address": address, "state": WAITING} for address in frozen.recipients],
        "recipients_text": " ".join(frozen.recipients).lower(),
        "subject": frozen.subject,
        "size": len(frozen.content),
        # Without a setup the From may still turn out to be one that it does not send as.
        "frozen": frozen.complete and config is not None,
        "idempotency_key": options.get("idempotency_key") or None,
        "request_hash": options.get("request_hash", ""),
        "metadata": dict(options.get("metadata") or {}),
        "created_by": options.get("created_by", "")[:254],
        "created_at": now,
    }
    return intake.row_of(values)


@dataclass
class _Gathered:
    """Mails that wait for each other; `default` is the setup that was found for the first of them.

    `number` is how many there will be at most, and `room` how many more of them the quota lets in.
    """

    number: int
    room: int = 0
    rows: list[Message] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    default: OutboundConfig | None = None


@contextmanager
def together(session: Session, number: int = quota.TOGETHER) -> Iterator[None]:
    """Mails of one workspace, at most `number`, that are queued in here are written at its end, all at once.

    Those under an idempotency key are written when they come, as each has to see the others.
    """
    gathered = session.info[_GATHERED] = _Gathered(number)
    try:
        yield
    finally:
        del session.info[_GATHERED]
    if gathered.rows:
        _insert(session, gathered.rows, gathered.contents)


def _default(session: Session, workspace_id: uuid.UUID) -> OutboundConfig | None:
    gathered: _Gathered | None = session.info.get(_GATHERED)
    if gathered is None:
        return default_config(session, workspace_id)
    gathered.default = gathered.default or default_config(session, workspace_id)
    return gathered.default


def _admit(session: Session, workspace_id: uuid.UUID) -> None:
    gathered: _Gathered | None = session.info.get(_GATHERED)
    if gathered is None:
        quota.admit(session, workspace_id)
        return
    if not gathered.room:
        gathered.room = quota.admit(session, workspace_id, number=gathered.number, unwritten=len(gathered.rows))
    gathered.room -= 1


def _put(session: Session, row: Message, frozen: Frozen) -> None:
    gathered: _Gathered | None = session.info.get(_GATHERED)
    content = _body(session, row, frozen)
    if gathered is None:
        _insert(session, [row], [content])
        return
    gathered.rows.append(row)
    gathered.contents.append(content)


def _body(session: Session, row: Message, frozen: Frozen) -> dict[str, Any]:
    return bodies.sealed_row(session, row.workspace_id, row.id, frozen.content)


def _insert(session: Session, rows: Sequence[Message], contents: Sequence[dict[str, Any]]) -> None:
    intake.write(session, rows, contents)
    queues.enqueue_after_commit(session, DRAIN)
