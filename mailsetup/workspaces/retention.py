"""For how long each class of a workspace's data is kept: as usual, or shorter where its owner says so."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import RetentionRule, Workspace

AGAIN = timedelta(hours=1)
# What was locked, or written late, the last time is looked at once more.
OVERLAP = timedelta(hours=2)
AT_ONCE = 20
BEGIN = datetime(1971, 1, 1, tzinfo=UTC)
# Deletes a batch of what ended in [since, until); whether there may be more.
Purge = Callable[[Session, uuid.UUID, datetime, datetime], bool]


@dataclass(frozen=True)
class Kept:
    """One class of data, and the bounds of how many days it is kept; the usual number is the highest."""

    name: str
    label: str
    help: str
    usual: int
    least: int


KEPT = (
    Kept("bodies", "Content of mail", "Text and attachments, after the mail was sent or ended otherwise.", 30, 1),
    Kept("messages", "Messages", "Addresses, subject and each try, after the mail ended.", 400, 30),
    Kept("tests", "Test runs", "What was tested and what came of it.", 400, 30),
    Kept("events", "Events for webhooks", "What product code was told, after it was told.", 30, 7),
)
_BY_NAME = {kept.name: kept for kept in KEPT}


def usual(name: str) -> timedelta:
    """For how long a class of data is kept where nobody shortened that."""
    return timedelta(days=_BY_NAME[name].usual)


def current_days(session: Session, workspace_id: uuid.UUID) -> dict[str, int]:
    """The days that hold for a workspace, by class."""
    rules = session.scalars(select(RetentionRule).where(RetentionRule.workspace_id == workspace_id))
    return {**{kept.name: kept.usual for kept in KEPT}, **{rule.subject: rule.days for rule in rules}}


def set_days(session: Session, workspace: Workspace, values: Mapping[str, str], *, actor: Actor) -> None:
    """Keeps what a form says, a number of days for each class. Raises InvalidInput by field."""
    wanted = _checked(values)
    before = current_days(session, workspace.id)
    for name, days in wanted.items():
        if days != before[name]:
            session.merge(RetentionRule(workspace_id=workspace.id, subject=name, days=days))
    changed = {name: f"{before[name]} to {days} days" for name, days in wanted.items() if days != before[name]}
    if changed:
        audit.record(
            session, workspace.id, actor=actor, action="retention:change", subject=workspace.name,
            subject_id=workspace.id, **changed,
        )  # fmt: skip


def _checked(values: Mapping[str, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    wrong: dict[str, str] = {}
    for kept in KEPT:
        text = values.get(kept.name, "")
        if text.isdecimal() and len(text) < 5 and kept.least <= int(text) <= kept.usual:
            found[kept.name] = int(text)
        else:
            wrong[kept.name] = f"Give a number of days from {kept.least} to {kept.usual}."
    if not wrong and found["messages"] < found["bodies"]:
        wrong["messages"] = "The content of a mail cannot be kept longer than the message it belongs to."
    if wrong:
        raise InvalidInput(wrong)
    return found


def shorten(session: Session, name: str, now: datetime, purge: Purge) -> None:
    """Deletes what workspaces keep for a shorter time than usual; each is looked at once an hour."""
    due = select(RetentionRule).where(RetentionRule.subject == name, RetentionRule.look_at <= now)
    for rule in session.scalars(due.order_by(RetentionRule.look_at).limit(AT_ONCE)).all():
        until = now - timedelta(days=rule.days)
        since = rule.done_until - OVERLAP if rule.done_until else BEGIN
        if since < until and purge(session, rule.workspace_id, since, until):
            continue
        rule.done_until, rule.look_at = max(until, rule.done_until or BEGIN), now + AGAIN
