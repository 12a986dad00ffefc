"""New mails and their sealed bytes written down: on PostgreSQL in one statement, however many they are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import JSON, Integer, LargeBinary, Uuid, bindparam, column, func, insert, select
from sqlalchemy.orm import Session, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

from mailsetup.outbox import bodies
from mailsetup.outbox.models import Message, message_bodies, messages

# What is said of every new mail; the rest are the columns' defaults.
SAID = (
    "id", "workspace_id", "config_id", "status", "priority", "next_attempt_at", "expires_at", "message_id",
    "from_address", "envelope_sender", "recipients", "recipients_text", "subject", "size", "frozen",
    "idempotency_key", "request_hash", "metadata", "created_by", "created_at",
)  # fmt: skip
_told = (
    func.json_to_recordset(bindparam("told", type_=JSON))
    .table_valued(*(column(name, messages.c[name].type) for name in SAID), name="told")
    .render_derived(name="told", with_types=True)
)
_written = insert(messages).from_select(SAID, select(*(_told.c[name] for name in SAID))).cte("written")
# The sealed bytes go as one value and where each begins: a list of bytes would go as text, letter by letter.
_pieces = (
    func.json_to_recordset(bindparam("pieces", type_=JSON))
    .table_valued(column("id", Uuid), column("start", Integer), column("length", Integer), name="pieces")
    .render_derived(name="pieces", with_types=True)
)
_piece = func.substr(bindparam("contents", type_=LargeBinary), _pieces.c.start, _pieces.c.length)
_WRITE = (
    insert(message_bodies)
    .from_select(
        ["message_id", "workspace_id", "sealed"],
        select(_pieces.c.id, bindparam("workspace_id", type_=Uuid), _piece),
    )
    .add_cte(_written)
)


def row_of(values: Mapping[str, Any]) -> Message:
    """The message with these column values, as if it had been read."""
    row = Message()
    for name, value in values.items():
        set_committed_value(row, "message_metadata" if name == "metadata" else name, value)
    return row


def write(session: Session, rows: Sequence[Message], contents: Sequence[dict[str, Any]]) -> None:
    """Inserts mails of one workspace without the unit of work, which costs more than the statements."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().execute(_WRITE, _given(rows, contents))
    else:
        session.connection().execute(insert(messages), [values_of(row) for row in rows])
        bodies.store_all(session, contents)
    for row in rows:
        make_transient_to_detached(row)
    session.add_all(rows)


def values_of(row: Message) -> dict[str, Any]:
    """The column values of a new message."""
    known = vars(row)
    return {name: known["message_metadata" if name == "metadata" else name] for name in SAID}


def _given(rows: Sequence[Message], contents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    sealed = [one["sealed"] for one in contents]
    starts = accumulate(map(len, sealed), initial=1)
    return {
        "told": [{name: _as_json(value) for name, value in values_of(row).items()} for row in rows],
        "pieces": [
            {"id": str(row.id), "start": start, "length": len(one)}
            for row, start, one in zip(rows, starts, sealed, strict=False)
        ],
        "contents": b"".join(sealed),
        "workspace_id": rows[0].workspace_id,
    }


def _as_json(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID | datetime) else value
