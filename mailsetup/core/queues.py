"""The RQ queues: doorbells that carry ids. The only place that enqueues, and only after commit.

RQ 2.12 loses jobs popped by a worker of several queues, so each worker process serves one queue.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

MAIL, TESTS, ALERTS, EVENTS = "mail", "tests", "alerts", "events"
QUEUES = (MAIL, TESTS, ALERTS, EVENTS)
JOBS = {
    "mailsetup.outbox.jobs.drain": (MAIL, 3600),
    "mailsetup.diagnosis.jobs.run_test": (TESTS, 120),
    "mailsetup.diagnosis.jobs.look_for_mail": (TESTS, 120),
    "mailsetup.diagnosis.jobs.check_domain": (TESTS, 60),
    "mailsetup.outbound.jobs.probe": (TESTS, 120),
    "mailsetup.outbound.jobs.renew": (TESTS, 120),
    "mailsetup.alerts.jobs.send_notices": (ALERTS, 600),
    "mailsetup.events.jobs.deliver_events": (EVENTS, 600),
    "mailsetup.workspaces.jobs.send_letters": (ALERTS, 600),
    "mailsetup.outbound.jobs.check_app": (TESTS, 120),
    "mailsetup.privacy.jobs.work": (EVENTS, 600),
}
_PENDING = "mailsetup.jobs_after_commit"
_COALESCED = {
    "mailsetup.outbox.jobs.drain",
    "mailsetup.alerts.jobs.send_notices",
    "mailsetup.events.jobs.deliver_events",
    "mailsetup.workspaces.jobs.send_letters",
    "mailsetup.privacy.jobs.work",
}
_RUNG_SECONDS = 30
# While Redis is away a doorbell costs its whole bounded wait: only one caller in a while pays it.
_SILENT_SECONDS = 2.0
# A worker says every few seconds that it is there (cli/worker.py), an idle one at least once in its time to live.
_ALIVE_SECONDS = 90.0

log = structlog.get_logger()
_connections: dict[str, redis.Redis] = {}
_url: str = ""
_silent_until = 0.0


class ListedJob(Job):
    """A job that runs only functions on our list: whoever can write to Redis cannot run code."""

    @property
    def func(self) -> Any:
        """The function to run. Raises PermissionError when it is not on the list."""
        if self.func_name not in JOBS:
            raise PermissionError(f"{self.func_name} is not a job of this product")
        return super().func

    @property
    def success_callback(self) -> None:
        """None: we have no callbacks, so a name in Redis is somebody else's, and RQ would import it."""
        return None

    failure_callback = stopped_callback = success_callback


def configure(url: str) -> None:
    """Points this process's queues at the Redis behind `url`."""
    global _url, _silent_until
    _url, _silent_until = url, 0.0


def connection() -> redis.Redis:
    """The connection of this process to Redis, with a bounded wait."""
    if _url not in _connections:
        retry = Retry(ExponentialBackoff(cap=1, base=0.05), 3)
        _connections[_url] = redis.Redis.from_url(_url, socket_connect_timeout=2, retry=retry)
    return _connections[_url]


def forget_connections() -> None:
    """For a forked child: the parent's sockets are not ours to use."""
    _connections.clear()


def eviction_policy() -> str:
    """What Redis does when it is full. Raises redis.RedisError."""
    return str(connection().config_get("maxmemory-policy")["maxmemory-policy"])


def queue(name: str) -> Queue:
    """The queue of this name, with the JSON serializer and our job class."""
    return Queue(name, connection=connection(), serializer=JSONSerializer, job_class=ListedJob)


def enqueue_after_commit(session: Session, function: str, *args: str) -> None:
    """Enqueues when the session's outermost transaction commits; forgets it on rollback."""
    if function not in JOBS:
        raise PermissionError(f"{function} is not a job of this product")
    session.info.setdefault(_PENDING, []).append((function, args))


def ring(function: str, *args: str) -> bool:
    """Enqueues now. A doorbell that nobody heard is no loss: the row is there and the sweeper rings again."""
    global _silent_until  # noqa: PLW0603 - as above
    name, timeout = JOBS[function]
    if time.monotonic() < _silent_until:
        return False
    try:
        if function in _COALESCED and not connection().set(rung_key(function), "1", nx=True, ex=_RUNG_SECONDS):
            return True
        queue(name).enqueue_call(function, args=args, timeout=timeout, result_ttl=0, failure_ttl=86400)
    except redis.RedisError as error:
        log.warning("doorbell_unheard", job=function, error=type(error).__name__)
        _silent_until = time.monotonic() + _SILENT_SECONDS
        return False
    return True


def listeners(name: str) -> int | None:
    """How many workers serve this queue, going by signs of life; None when Redis does not answer."""
    now = datetime.now(UTC)
    try:
        workers = Worker.all(queue=queue(name))
    except redis.RedisError as error:
        log.warning("workers_unknown", error=type(error).__name__)
        return None
    heard = [worker.last_heartbeat.replace(tzinfo=UTC) for worker in workers if worker.last_heartbeat]
    return sum(1 for moment in heard if (now - moment).total_seconds() < _ALIVE_SECONDS)


def rung_key(function: str) -> str:
    """The key that says a doorbell is waiting to be answered."""
    return f"mailsetup:rung:{function}"


def answered(function: str) -> None:
    """Called by the job first of all: whoever rings from now on is heard again."""
    try:
        connection().delete(rung_key(function))
    except redis.RedisError as error:
        log.warning("doorbell_not_cleared", job=function, error=type(error).__name__)


@event.listens_for(Session, "after_commit")
def _ring_pending(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for function, args in dict.fromkeys(session.info.pop(_PENDING, [])):
        ring(function, *args)


@event.listens_for(Session, "after_soft_rollback")
def _forget_pending(session: Session, previous: SessionTransaction) -> None:
    if previous.parent is None:
        session.info.pop(_PENDING, None)
