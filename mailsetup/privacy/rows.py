"""Which tables and columns leave with an export: all that belong to a workspace, but for what is secret."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Table, func, select
from sqlalchemy.orm import Session

from mailsetup.core.db import Base
from mailsetup.workspaces.models import Member, User

BATCH = 500
# Keys, and what is only about the export itself; what mail says lies apart (archive.py).
LEFT_OUT = {
    "workspace_keys",
    "old_workspace_keys",
    "audit_heads",
    "consent_flows",
    "message_bodies",
    "exports",
    "export_parts",
    "erasures",
}
SECRET = {
    "sealed", "sealed_secret", "old_sealed_secret", "wrapped", "token_hash", "secret_hash", "key_hash", "state_hash",
    "browser_hash", "lease_token", "lock_token", "claims", "handle", "request_hash",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Some rows of a table, and where to go on; none when these were the last."""

    objects: list[dict[str, Any]]
    after: uuid.UUID | None


@cache
def all_tables() -> tuple[Table, ...]:
    """The tables that leave, parents first."""
    whole = (table for table in Base.metadata.sorted_tables if "workspace_id" in table.c)
    return (Base.metadata.tables["workspaces"], *(table for table in whole if table.name not in LEFT_OUT))


def columns_of(table: Table) -> list[Column[Any]]:
    """What leaves of a table."""
    return [column for column in table.columns if column.name not in SECRET]


def count(session: Session, table: Table, workspace_id: uuid.UUID) -> int:
    """How many rows of a table belong to the workspace."""
    return session.scalar(select(func.count()).select_from(table).where(_owner(table) == workspace_id)) or 0


def read(session: Session, table: Table, workspace_id: uuid.UUID, after: uuid.UUID | None) -> Found:
    """The next rows in order of id; a table without one is small enough to be read at once."""
    query = select(*columns_of(table)).where(_owner(table) == workspace_id)
    paged = "id" in table.c
    if paged:
        query = query.order_by(table.c.id).limit(BATCH)
        query = query.where(table.c.id > after) if after else query
    objects = [dict(row) for row in session.execute(query).mappings()]
    more = paged and len(objects) == BATCH
    found = Found(objects, objects[-1]["id"] if more else None)
    return _with_people(session, found) if table.name == Member.__tablename__ else found


def _with_people(session: Session, found: Found) -> Found:
    ids = [one["user_id"] for one in found.objects]
    people = {row.id: row for row in session.scalars(select(User).where(User.id.in_(ids)))}
    for one in found.objects:
        person = people[one["user_id"]]
        one.update(name=person.name, email=person.email)
    return found


def _owner(table: Table) -> Column[Any]:
    return table.c.id if table.name == "workspaces" else table.c.workspace_id


def as_json(objects: list[dict[str, Any]]) -> bytes:
    """The rows as JSON objects, a line each, with commas between."""
    return ",\n".join(json.dumps(one, default=_plain, ensure_ascii=False) for one in objects).encode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not belong into an export")
