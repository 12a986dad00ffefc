"""The chain of a workspace's audit trail: each event's mark covers the event before it, so that a change shows.

The marks are HMAC-SHA-256 under a key of the workspace's trail, which the ring's master key wraps: whoever can write
to the database alone can make no mark. The head says which event is the last one, under a mark of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlalchemy.event import listens_for
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, SessionTransaction

from mailsetup import settings
from mailsetup.core import crypto, walls
from mailsetup.core.errors import UnsealError
from mailsetup.workspaces.models import AuditEvent, AuditHead

BEGIN = "0" * 64
LABEL = "audit:"
_PENDING = "mailsetup.audit_at_commit"
Head = Row[int, str, str, str]  # number, mark, seal, wrapped key
log = structlog.get_logger()


@dataclass(frozen=True)
class Verdict:
    """What checking one chain found; an empty `fault` means unbroken. `earlier` events are older than the chain."""

    workspace_id: uuid.UUID
    number: int
    mark: str
    earlier: int = 0
    fault: str = ""


def append(session: Session, event: AuditEvent) -> None:
    """Gives the event its place behind the last one when the transaction commits, and not before.

    The heads of chains are locked last of all, after every other lock, and in one order: so two transactions that
    each record something never wait for each other in a circle. A rolled back savepoint takes its events along.
    """
    session.connection()  # Without a transaction there would be nothing whose end decides.
    session.info.setdefault(_PENDING, []).append(_Pending(event, walls.scope(), _savepoints(session)))


@dataclass(frozen=True)
class _Pending:
    event: AuditEvent
    scope: str  # what the transaction might see when it was recorded
    savepoints: tuple[SessionTransaction, ...]


def _savepoints(session: Session) -> tuple[SessionTransaction, ...]:
    found, inner = [], session.get_nested_transaction()
    while inner is not None and inner.nested:
        found.append(inner)
        inner = inner.parent
    return tuple(found)


@listens_for(Session, "before_commit")
def _write_pending(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.get(_PENDING):
        return
    session.flush()
    pending: list[_Pending] = session.info.pop(_PENDING)
    for _, one in sorted(enumerate(pending), key=lambda pair: (str(pair[1].event.workspace_id), pair[0])):
        with walls.as_before(session, one.scope):
            _write(session.connection(), one.event)


@listens_for(Session, "after_soft_rollback")
def _forget_of_savepoint(session: Session, previous: SessionTransaction) -> None:
    if previous.nested and _PENDING in session.info:
        session.info[_PENDING] = [one for one in session.info[_PENDING] if previous not in one.savepoints]


@listens_for(Session, "after_transaction_end")
def _forget_pending(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_PENDING, None)


def _write(connection: Connection, event: AuditEvent) -> None:
    head = _locked_head(connection, event.workspace_id)
    key, number = _key(event.workspace_id, head.wrapped), head.number + 1
    event.number, event.mark = number, _mark(key, head.mark, canonical(event, number))
    values = {"number": number, "mark": event.mark, "seal": _seal(key, event.workspace_id, number, event.mark)}
    connection.execute(update(AuditHead).where(AuditHead.workspace_id == event.workspace_id).values(values))
    names = AuditEvent.__table__.columns.keys()
    connection.execute(insert(AuditEvent).values({name: getattr(event, name) for name in names}))


def canonical(event: AuditEvent, number: int) -> str:
    """The event as one text, the same on every database."""
    facts = [str(event.workspace_id), number, str(event.id), str(event.actor_id or ""), event.actor_label, event.action]
    facts += [event.subject, event.subject_id, event.detail, event.created_at.isoformat(timespec="microseconds")]
    return json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def verify(session: Session, workspace_id: uuid.UUID) -> Verdict:
    """Checks every event of one workspace; the fault names the first that is not as it was written."""
    head = session.execute(_head_of(workspace_id)).first()
    events = select(AuditEvent).where(AuditEvent.workspace_id == workspace_id)
    chained = AuditEvent.number.is_not(None)
    rows = session.execute(events.with_only_columns(chained, func.count()).group_by(chained))
    counted = {bool(row[0]): int(row[1]) for row in rows}
    if head is None:
        return Verdict(workspace_id, 0, "", fault="the head of the chain is missing" if counted.get(True) else "")
    found = session.scalars(events.where(chained).order_by(AuditEvent.number).execution_options(yield_per=1000))
    try:
        fault = _fault(workspace_id, head, found)
    except UnsealError:
        fault = "the key of the chain does not open: it was changed, or belongs to another workspace"
    return Verdict(workspace_id, head.number, head.mark, counted.get(False, 0), fault)


def _fault(workspace_id: uuid.UUID, head: Head, events: Iterable[AuditEvent]) -> str:
    key = _key(workspace_id, head.wrapped)
    number, mark = 0, BEGIN
    for event in events:
        number += 1
        if event.number != number:
            return f"event {number} is missing"
        mark = _mark(key, mark, canonical(event, number))
        if not hmac.compare_digest(mark, event.mark):
            return f"event {number} ({event.action}, {event.created_at:%Y-%m-%d %H:%M} UTC) is not as it was written"
    if not hmac.compare_digest(head.seal, _seal(key, workspace_id, head.number, head.mark)):
        return "the head of the chain is not as it was written"
    if (head.number, head.mark) != (number, mark):
        return f"the events after {number} are missing: there were {head.number}"
    return ""


def log_heads(session: Session) -> None:
    """Writes where each chain ends to the log, a second place: a trail that was cut together with its head shows."""
    for head in session.scalars(select(AuditHead)):
        log.info("audit_head", workspace_id=str(head.workspace_id), number=head.number, mark=head.mark)


def _head_of(workspace_id: uuid.UUID) -> Select[int, str, str, str]:
    columns = select(AuditHead.number, AuditHead.mark, AuditHead.seal, AuditHead.wrapped)
    return columns.where(AuditHead.workspace_id == workspace_id)


def _locked_head(connection: Connection, workspace_id: uuid.UUID) -> Head:
    head = connection.execute(_head_of(workspace_id).with_for_update()).first()
    if head is None:
        _begin_chain(connection, workspace_id)
        head = connection.execute(_head_of(workspace_id).with_for_update()).one()
    return head


def _begin_chain(connection: Connection, workspace_id: uuid.UUID) -> None:
    wrapped = settings.current().key_ring.wrap(crypto.new_key(), workspace_id=f"{LABEL}{workspace_id}")
    values = {"workspace_id": workspace_id, "number": 0, "mark": BEGIN, "seal": "", "wrapped": wrapped}
    # Two may begin the same chain at once; the second goes on with the first one's.
    with contextlib.suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(AuditHead).values(values))


def _key(workspace_id: uuid.UUID, wrapped: str) -> bytes:
    return settings.current().key_ring.unwrap(wrapped, workspace_id=f"{LABEL}{workspace_id}")


def _mark(key: bytes, before: str, text: str) -> str:
    return hmac.new(key, f"{before}{text}".encode(), hashlib.sha256).hexdigest()


def _seal(key: bytes, workspace_id: uuid.UUID, number: int, mark: str) -> str:
    return _mark(key, "head", f"{workspace_id}:{number}:{mark}")
