"""A group of mails in one statement, where the database can take it: PostgreSQL.

One by one, fifty mails cost fifty plans and fifty answers; as one JSON document they are a table to join with.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    String,
    TableValuedAlias,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from mailsetup.outbox.models import CLAIMED, SENDING, SENT, attempts, messages


def _told(*columns: Any) -> TableValuedAlias:
    rows = func.json_to_recordset(bindparam("told", type_=JSON))
    return rows.table_valued(*columns, name="told").render_derived(name="told", with_types=True)


_beginning = _told(column("id", Uuid), column("attempt", Uuid))
_marked = (
    update(messages)
    .where(messages.c.id == _beginning.c.id, messages.c.status == CLAIMED)
    .where(messages.c.lease_token == bindparam("token"))
    .values(status=SENDING, attempt_count=messages.c.attempt_count + 1)
    .values(lease_until=bindparam("until", type_=DateTime(timezone=True)))
    .returning(
        _beginning.c.attempt,
        messages.c.workspace_id,
        messages.c.id,
        messages.c.config_id,
        messages.c.attempt_count,
    )
    .cte("marked")
)
_BEGIN = (
    insert(attempts)
    .from_select(
        ["id", "workspace_id", "message_id", "config_id", "number", *("outcome", "stage", "code", "answer"),
         "service_id", "started_at"],
        select(
            _marked.c.attempt,
            _marked.c.workspace_id,
            _marked.c.id,
            _marked.c.config_id,
            _marked.c.attempt_count,
            *(literal("") for _ in range(5)),
            bindparam("started_at", type_=DateTime(timezone=True)),
        ),
        include_defaults=False,
    )
    .returning(attempts.c.message_id)
)  # fmt: skip


def begin(
    session: Session,
    pairs: Sequence[tuple[uuid.UUID, uuid.UUID]],
    token: str,
    now: datetime,
    until: datetime,
) -> set[uuid.UUID]:
    """Marks claimed mails as on the wire and writes their attempts: (message, attempt); which are still ours."""
    told = [{"id": str(message), "attempt": str(attempt)} for message, attempt in pairs]
    given = {"told": told, "token": token, "started_at": now, "until": until}
    return set(session.connection().execute(_BEGIN, given).scalars())


_accepted = _told(column("id", Uuid), column("recipients", JSON), column("service_id", String), column("answer", Text))
_sent = (
    update(messages)
    .where(messages.c.id == _accepted.c.id, messages.c.status == SENDING)
    .where(messages.c.lease_token == bindparam("token"))
    .values(status=SENT, lease_token=None, lease_until=None, last_explanation=None)
    .values(recipients=_accepted.c.recipients, service_id=_accepted.c.service_id)
    .values(finished_at=bindparam("now", type_=DateTime(timezone=True)))
    .returning(messages.c.id, messages.c.attempt_count, _accepted.c.service_id, _accepted.c.answer)
    .cte("sent")
)
_RECORD_SENT = (
    update(attempts)
    .where(attempts.c.message_id == _sent.c.id, attempts.c.number == _sent.c.attempt_count)
    .values(outcome=SENT, stage="accept", answer=_sent.c.answer, service_id=_sent.c.service_id)
    .values(finished_at=bindparam("now", type_=DateTime(timezone=True)))
    .returning(attempts.c.message_id)
)


def record_sent(session: Session, told: Sequence[dict[str, Any]], token: str, now: datetime) -> set[uuid.UUID]:
    """Accepted mails, as `id`, `recipients`, `service_id` and `answer`; which of them were still ours."""
    given = {"told": list(told), "token": token, "now": now}
    return set(session.connection().execute(_RECORD_SENT, given).scalars())
