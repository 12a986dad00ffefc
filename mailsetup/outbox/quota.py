"""How many messages a workspace may queue a day; asked with every mail, so counted now and then.

A process counts the rows, takes a small share of what is left without counting again, and near the end counts for each
mail, in turns with everybody else: a workspace gets no more than its quota, and far from it nobody waits for anybody.
Mails that come together are not seen by others until they are all written, so they take turns earlier: then one such
transaction at most is hidden from those who count for a single mail.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import WARNING, Alert
from mailsetup.alerts.open import AlertFacts, keep_open, resolve_alerts
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import first_id_at
from mailsetup.outbox.models import Message
from mailsetup.workspaces import quotas
from mailsetup.workspaces.models import WorkspaceQuota
from mailsetup.workspaces.quotas import MESSAGES, Use

CAUSE, SUBJECT = "quota", "quota:messages"
COUNTS_FOR = timedelta(seconds=10)
REFUSES_FOR = timedelta(seconds=2)
TOGETHER = 500  # mails that one transaction may hold
SHARE, CLOSE = 32, 64 + TOGETHER
FAR = SHARE * TOGETHER + CLOSE
REMEMBERED = 10_000


@dataclass
class _Seen:
    """What this process knows since it counted: how many may come before it counts again."""

    at: datetime
    share: int
    limit: int
    full: bool = False

    def holds(self, now: datetime) -> bool:
        """Whether it still counts; a new day begins anew."""
        age = now - self.at
        return timedelta() <= age < (REFUSES_FOR if self.full else COUNTS_FOR) and now.date() == self.at.date()


_seen: dict[uuid.UUID, _Seen] = {}
_lock = threading.Lock()


def admit(session: Session, workspace_id: uuid.UUID, *, number: int = 1, unwritten: int = 0) -> int:
    """How many of so many more may come, one at least. Raises QuotaReached.

    Besides those that this transaction took in and has yet to write.
    """
    now, seen = utcnow(), _seen.get(workspace_id)
    if seen is not None and seen.holds(now):
        if seen.full:
            raise quotas.reached(MESSAGES, seen.limit)
        with _lock:
            if seen.share >= number:
                seen.share -= number
                return number
    found, left = _counted(session, workspace_id, now, unwritten, CLOSE if number == 1 else FAR)
    _remember(workspace_id, found)
    return min(left, number)


def _counted(session: Session, workspace_id: uuid.UUID, now: datetime, unwritten: int, close: int) -> tuple[_Seen, int]:
    use = quotas.use_of(session, workspace_id, MESSAGES)
    if use.limit - use.used - unwritten < close:
        quotas.take_turns(session, workspace_id)
        use = quotas.use_of(session, workspace_id, MESSAGES)
    left = use.limit - use.used - unwritten
    if left < 1:
        _remember(workspace_id, _Seen(now, 0, use.limit, full=True))
        raise quotas.reached(MESSAGES, use.limit)
    return _Seen(now, left // SHARE if left >= CLOSE else 0, use.limit), left


def _remember(workspace_id: uuid.UUID, seen: _Seen) -> None:
    if len(_seen) > REMEMBERED:
        _seen.clear()
    _seen[workspace_id] = seen


def count(session: Session, workspace_id: uuid.UUID, since: datetime) -> int:
    """How many messages the workspace queued since then; by their ids, which are ordered by time."""
    wanted = select(func.count()).where(Message.workspace_id == workspace_id, Message.id >= first_id_at(since))
    return session.scalar(wanted) or 0


quotas.counters[MESSAGES] = count


def watch(session: Session) -> int:
    """Opens, refreshes and resolves the alerts about quotas that are near; how many are open. The caller commits."""
    is_open = Alert.cause == CAUSE, Alert.resolved_at.is_(None)
    known = set(session.scalars(select(Alert.workspace_id).where(*is_open)))
    near = dict(_near(session))
    for workspace_id, use in near.items():
        keep_open(session, total=1, **_facts(workspace_id, use))
    for over in known - near.keys():
        resolve_alerts(session, workspace_id=over, subject_key=SUBJECT, cause=CAUSE, resolution="There is room again.")
    return len(near)


def _near(session: Session) -> Sequence[tuple[uuid.UUID, Use]]:
    today = first_id_at(quotas.day_of(utcnow()))
    counted = select(Message.workspace_id, func.count()).where(Message.id >= today).group_by(Message.workspace_id)
    own = select(WorkspaceQuota.workspace_id, WorkspaceQuota.number).where(WorkspaceQuota.subject == MESSAGES)
    limits = {row.workspace_id: row.number for row in session.execute(own)}
    usual, quota = quotas.usual(MESSAGES), quotas.QUOTAS[MESSAGES]
    found = [(key, Use(quota, used, limits.get(key, usual))) for key, used in session.execute(counted)]
    return [(key, use) for key, use in found if use.near]


def _facts(workspace_id: uuid.UUID, use: Use) -> AlertFacts:
    title = f"This workspace has queued {use.words}"
    what = (
        f"Since 00:00 UTC {use.words} were queued. When the quota is reached, further mail is refused until the day is "
        "over, and product code is told so at once. Mail that is queued already goes out."
    )
    steps = [
        "See under Messages what so much mail is for.",
        "Ask whoever runs this service for you to raise the quota if that is right.",
    ]
    return {
        "workspace_id": workspace_id,
        "subject_key": SUBJECT,
        "subject_label": "Quota of messages",
        "cause": CAUSE,
        "title": title,
        "explanation": {
            "title": title, "explanation": what, "what": what, "steps": steps, "cause": CAUSE,
            "who": "An admin of this workspace", "quote": "",
        },
        "fix_path": "/settings",
        "notify_address": "",
        "severity": WARNING,
    }  # fmt: skip
