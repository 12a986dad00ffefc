"""What the operator sees: every workspace's health, workers and queues, and no content of any mail."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field

import redis
import structlog
from rq import Worker
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.workspaces.models import Workspace

LIMIT = 500
WORST_FIRST = ("broken", "degraded", "unverified", "paused", "healthy")
log = structlog.get_logger()


@dataclass
class WorkspaceLine:
    """One workspace and its setups."""

    id: uuid.UUID
    name: str
    setups: list[tuple[OutboundConfig, int]] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """Mails that wait in all its setups."""
        return sum(waiting for _, waiting in self.setups)

    @property
    def urgency(self) -> tuple[int, int, str]:
        """For sorting: the worst health first, then the most mail."""
        worst = min((WORST_FIRST.index(config.health) for config, _ in self.setups), default=len(WORST_FIRST))
        return worst, -self.waiting, self.name.lower()


@dataclass(frozen=True)
class QueueLine:
    """One queue: jobs that wait, processes that serve it; none known while Redis is away."""

    name: str
    jobs: int | None
    workers: int | None


def workspace_lines(session: Session, *, text: str = "") -> list[WorkspaceLine]:
    """All workspaces whose name holds this text, those that need help first."""
    query = select(Workspace.id, Workspace.name).order_by(Workspace.created_at.desc()).limit(LIMIT)
    if text:
        query = query.where(Workspace.name.icontains(text, autoescape=True))
    lines = {row.id: WorkspaceLine(row.id, row.name) for row in session.execute(query)}
    configs = list(session.scalars(select(OutboundConfig).where(OutboundConfig.workspace_id.in_(list(lines)))))
    waiting = count_waiting(session, [config.id for config in configs])
    for config in sorted(configs, key=lambda row: row.name.lower()):
        lines[config.workspace_id].setups.append((config, waiting[config.id]))
    return sorted(lines.values(), key=lambda line: line.urgency)


def queue_lines() -> list[QueueLine]:
    """Each queue as Redis tells it."""
    found = []
    for name in queues.QUEUES:
        try:
            queue = queues.queue(name)
            found.append(QueueLine(name, queue.count, Worker.count(queue=queue)))
        except redis.RedisError as error:
            log.warning("queue_unknown", queue=name, error=type(error).__name__)
            found.append(QueueLine(name, None, None))
    return found


def health_counts(session: Session) -> dict[str, int]:
    """How many setups are in each health, over all workspaces."""
    rows = session.execute(select(OutboundConfig.health, func.count()).group_by(OutboundConfig.health))
    counts: dict[str, int] = defaultdict(int)
    for health, count in rows:
        counts[health] = count
    return {health: counts[health] for health in WORST_FIRST}
