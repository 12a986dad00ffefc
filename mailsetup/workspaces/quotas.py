"""How much of something a workspace may use: what the settings say, or what the operator gave this workspace."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import QuotaReached
from mailsetup.settings import Settings
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import Workspace, WorkspaceQuota

NEAR = 0.8
MESSAGES, TESTS, INVITATIONS, WEBHOOKS = "messages", "tests", "invitations", "webhooks"


@dataclass(frozen=True)
class Quota:
    """One quota: so many of a thing a day, or at any time. `field` is that of the form which asks for one more."""

    name: str
    label: str
    a_day: bool
    field: str
    nothing: str


QUOTAS = {
    quota.name: quota
    for quota in (
        Quota(MESSAGES, "Messages", a_day=True, field="", nothing="Nothing was queued"),
        Quota(TESTS, "Tests", a_day=True, field="recipient", nothing="Nothing was started"),
        Quota(INVITATIONS, "Invitations", a_day=True, field="email", nothing="Nobody was invited"),
        Quota(WEBHOOKS, "Webhooks", a_day=False, field="url", nothing="Nothing was saved"),
    )
}
Counter = Callable[[Session, uuid.UUID, datetime], int]
"""Takes session, workspace id and when the day began; gives how many the workspace used."""

counters: dict[str, Counter] = {}


@dataclass(frozen=True)
class Use:
    """How much of a quota a workspace has used."""

    quota: Quota
    used: int
    limit: int

    @property
    def near(self) -> bool:
        """Whether somebody should know."""
        return self.used >= NEAR * self.limit

    @property
    def words(self) -> str:
        """The figures as a sentence says them: 1,204 of 10,000 messages today."""
        return f"{self.used:,} of {self.limit:,} {self.quota.name}{' today' if self.quota.a_day else ''}"


def day_of(now: datetime) -> datetime:
    """When the day of the quotas began: midnight, UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def usual(name: str) -> int:
    """The quota of every workspace for which the operator said nothing else."""
    current = settings.current() if settings.started() else Settings
    number: int = getattr(current, f"quota_{name}")
    return number


def limit_of(session: Session, workspace_id: uuid.UUID, name: str) -> int:
    """How many the workspace may have."""
    own = session.scalar(select(WorkspaceQuota.number).where(*_row(workspace_id, name)))
    return usual(name) if own is None else own


def use_of(session: Session, workspace_id: uuid.UUID, name: str) -> Use:
    """How much of a quota the workspace has used."""
    used = counters[name](session, workspace_id, day_of(utcnow()))
    return Use(QUOTAS[name], used, limit_of(session, workspace_id, name))


def list_uses(session: Session, workspace_id: uuid.UUID) -> list[Use]:
    """How much the workspace has used of every quota."""
    return [use_of(session, workspace_id, name) for name in QUOTAS if name in counters]


def take_turns(session: Session, workspace_id: uuid.UUID) -> None:
    """From here to the end of the transaction nobody else counts for this workspace; writing for it goes on."""
    session.execute(select(Workspace.id).where(Workspace.id == workspace_id).with_for_update(key_share=True))


def check(session: Session, workspace_id: uuid.UUID, name: str) -> None:
    """Call it before one more is written. Raises QuotaReached."""
    take_turns(session, workspace_id)
    use = use_of(session, workspace_id, name)
    if use.used >= use.limit:
        raise reached(name, use.limit)


def reached(name: str, limit: int) -> QuotaReached:
    """The refusal, with what to do."""
    quota, now = QUOTAS[name], utcnow()
    raised = "or ask whoever runs this service for you to raise the quota"
    if not quota.a_day:
        text = f"This workspace may have {limit:,} {name}. {quota.nothing}. Delete one that is not used, {raised}."
        return QuotaReached(text, field=quota.field, retry_after=None)
    left = day_of(now) + timedelta(days=1) - now
    text = f"This workspace has used its {limit:,} {name} of today. {quota.nothing}. {_again(left)}, {raised}."
    return QuotaReached(text, field=quota.field, retry_after=max(1, round(left.total_seconds())))


def _again(left: timedelta) -> str:
    hours, minutes = divmod(max(1, round(left.total_seconds() / 60)), 60)
    span = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    return f"Try again in {span}, when the day is over (00:00 UTC)"


def set_limit(session: Session, workspace: Workspace, name: str, number: int | None, *, actor: Actor) -> None:
    """Gives the workspace a quota of its own; none makes it the usual one again."""
    before, row = limit_of(session, workspace.id, name), session.get(WorkspaceQuota, (workspace.id, name))
    if number is not None:
        session.merge(WorkspaceQuota(workspace_id=workspace.id, subject=name, number=number))
    elif row is not None:
        session.delete(row)
    session.flush()
    after = limit_of(session, workspace.id, name)
    audit.record(
        session, workspace.id, actor=actor, action="quota:change", subject=QUOTAS[name].label,
        subject_id=workspace.id, was=str(before), now=str(after),
    )  # fmt: skip


def _row(workspace_id: uuid.UUID, name: str) -> tuple[ColumnElement[bool], ...]:
    return (WorkspaceQuota.workspace_id == workspace_id, WorkspaceQuota.subject == name)
