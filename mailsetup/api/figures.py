"""The figures for Prometheus, read from the database and Redis at the moment they are asked for.

Whichever web process answers tells the same: nothing is counted in its own memory.
"""

from __future__ import annotations

import redis
import structlog
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from rq import Worker
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mailsetup import settings
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.core import queues, tallies
from mailsetup.core.clock import utcnow
from mailsetup.events.models import EventDelivery
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.tokens import REFRESHES
from mailsetup.outbox.ledger import ledger, oldest_due
from mailsetup.outbox.timing import LANE_SECONDS, STAGE_FAILURES, STAGE_SECONDS, TRIES

log = structlog.get_logger()


def figures(session: Session) -> CollectorRegistry:
    """Everything there is to tell; the session sees all workspaces."""
    registry = CollectorRegistry()
    registry.register(_Found([*_of_mail(session), *_of_work(session), *_of_setups(session), *_of_queues()]))
    return registry


class _Found(Collector):
    """Figures that are known already."""

    def __init__(self, found: list[Metric]) -> None:
        self.found = found

    def collect(self) -> list[Metric]:
        """The figures."""
        return self.found


def _of_mail(session: Session) -> list[Metric]:
    book, due = ledger(session), oldest_due(session)
    waited = max((utcnow() - due).total_seconds(), 0) if due else 0
    return [
        _gauge("messages", "Messages by state", "status", dict(book.counts)),
        _one("messages_accepted", "Messages on record, in whatever state", book.accepted),
        _one("ledger_difference", "Messages that are in no known state; always 0", book.difference),
        _one("ledger_balances", "1 when every accepted message is accounted for", int(book.balances)),
        _one("oldest_due_seconds", "How long the oldest message that may leave now has been due", waited),
    ]


def _of_work(session: Session) -> list[Metric]:
    lanes = tallies.totals(session, LANE_SECONDS).get("", 0.0)
    return [
        _counter("tries", "Tries at a message by how they ended", "outcome", tallies.totals(session, TRIES)),
        _histogram(
            "stage_seconds", "Length of each stage of sending", "stage", tallies.lengths(session, STAGE_SECONDS)
        ),
        _counter("stage_failures", "Failures by stage", "stage", tallies.totals(session, STAGE_FAILURES)),
        _counter(
            "token_refreshes", "Access tokens asked for, by outcome", "outcome", tallies.totals(session, REFRESHES)
        ),
        CounterMetricFamily("mailsetup_lane_seconds", "Seconds in which a lane was busy, over all lanes", value=lanes),
        _one("lanes_per_worker", "Lanes of each worker process", settings.current().worker_lanes),
    ]


def _of_setups(session: Session) -> list[Metric]:
    still_open = _counts(session, Alert.severity, Alert.resolved_at.is_(None))
    return [
        _gauge("setups", "Setups by health", "health", _counts(session, OutboundConfig.health)),
        _gauge("alerts_open", "Open alerts by severity", "severity", still_open),
        _gauge("notices", "Notices about alerts by state", "state", _counts(session, AlertNotice.state)),
        _gauge("event_deliveries", "Webhook calls by state", "state", _counts(session, EventDelivery.state)),
    ]


def _of_queues() -> list[Metric]:
    length: dict[str, float] = {}
    workers: dict[str, float] = {}
    try:
        for name in queues.QUEUES:
            length[name] = queues.queue(name).count
            workers[name] = Worker.count(queue=queues.queue(name))
    except redis.RedisError as error:
        log.warning("queue_figures_missing", error=type(error).__name__)
    return [
        _gauge("queue_length", "Jobs waiting in Redis", "queue", length),
        _gauge("workers", "Worker processes", "queue", workers),
    ]


def _counts(session: Session, column: InstrumentedAttribute[str], *where: ColumnElement[bool]) -> dict[str, float]:
    query = select(column, func.count()).where(*where).group_by(column)
    return dict(session.execute(query).all())


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"mailsetup_{name}", what, value=value)


def _gauge(name: str, what: str, label: str, values: dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"mailsetup_{name}", what, labels=[label])
    for value, amount in values.items():
        family.add_metric([value], amount)
    return family


def _counter(name: str, what: str, label: str, values: dict[str, float]) -> Metric:
    family = CounterMetricFamily(f"mailsetup_{name}", what, labels=[label])
    for value, amount in values.items():
        family.add_metric([value], amount)
    return family


def _histogram(name: str, what: str, label: str, values: dict[str, tallies.Lengths]) -> Metric:
    family = HistogramMetricFamily(f"mailsetup_{name}", what, labels=[label])
    for value, lengths in values.items():
        so_far, buckets = 0.0, []
        for bound, count in lengths.buckets.items():
            so_far += count
            buckets.append((bound, so_far))
        family.add_metric([value], buckets, lengths.sum)
    return family
