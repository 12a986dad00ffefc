"""One worker process: serves one queue, forks for each job, ends after the job at hand.

`python -m mailsetup.cli.worker mail|tests|alerts|events`
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import redis
import structlog
from redis.client import Pipeline
from rq import Worker
from rq.exceptions import DeserializationError, StopRequested
from rq.job import Job
from rq.queue import Queue
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from mailsetup import settings
from mailsetup.core import db, heartbeats, logs, processes, queues, stopping
from mailsetup.core.errors import SettingsError
from mailsetup.mail_services import registry
from mailsetup.workspaces.starting import refuse_unsafe_start

# What says how much mail waits because of an alert; importing it is enough.
TOLD_TO_ALERTS = ("mailsetup.outbox", "mailsetup.outbound.alerting")
REDIS_PAUSE_SECONDS = 1.0


class QueueWorker(Worker):
    """RQ's worker with the fork's loose ends tied: see each method."""

    next_beat = 0.0
    asked_to_stop = False

    def setup_work_horse_signals(self) -> None:
        """An orphaned job must not outlive its worker, or another worker sends its mail again."""
        super().setup_work_horse_signals()
        processes.die_with_parent()
        stopping.listen(stopping.STOP_SIGNAL)
        # A pooled connection inherited over a fork is shared with the parent: never use it.
        db.engine().dispose(close=False)
        queues.forget_connections()

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Tells Redis, and the database for the watchdog, that this worker is alive; the job's own process does not."""
        if not self._is_horse:
            self._beat()
        super().heartbeat(timeout, pipeline)

    def _beat(self) -> None:
        if time.monotonic() < self.next_beat:
            return
        self.next_beat = time.monotonic() + heartbeats.EVERY_SECONDS
        try:
            with db.session_scope() as session:
                heartbeats.beat(session, f"worker:{self.name}", heartbeats.role_of(self.queues[0].name))
        except SQLAlchemyError as error:
            queues.log.warning("heartbeat_database_away", error=type(error).__name__)
        # No connection is kept: one that is open over a fork would be shared with the job.
        db.engine().dispose()

    def perform_job(self, job: Job, queue: Queue) -> bool:
        """Runs one job; every line it logs names it."""
        with structlog.contextvars.bound_contextvars(job=_name_of(job).rpartition(".")[2], job_id=job.id):
            return super().perform_job(job, queue)

    def set_current_job_working_time(self, current_job_working_time: float, pipeline: Pipeline | None = None) -> None:
        """How long the job has run; a Redis that is away must not end the worker, and with it the mail at hand."""
        with _redis_may_be_away():
            super().set_current_job_working_time(current_job_working_time, pipeline)

    def maintain_heartbeats(self, job: Job) -> None:
        """Tells Redis that the job still runs; that can wait until Redis is back."""
        with _redis_may_be_away():
            super().maintain_heartbeats(job)

    def handle_warm_shutdown_request(self) -> None:
        """A deploy: the running job is told to finish the mail at hand and to take no more."""
        super().handle_warm_shutdown_request()
        self.asked_to_stop = True
        if self.horse_pid:
            self.kill_horse(sig=stopping.STOP_SIGNAL)

    def set_shutdown_requested_date(self) -> None:
        """When the stop was asked for; a Redis that is away must not end the wait for the mail at hand."""
        with _redis_may_be_away():
            super().set_shutdown_requested_date()

    def handle_job_failure(self, job: Job, queue: Queue, *args: Any, **kwargs: Any) -> None:
        """A job that failed is logged by name and id; its work is in the database and is rung for again."""
        queues.log.error("job_failed", job=_name_of(job), job_id=job.id, queue=queue.name)
        super().handle_job_failure(job, queue, *args, **kwargs)


@contextlib.contextmanager
def _redis_may_be_away() -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        queues.log.warning("worker_redis_away", error=type(error).__name__)


def _name_of(job: Job) -> str:
    """The job's function; what somebody else wrote into Redis may have none that can be read."""
    try:
        return str(job.func_name)
    except DeserializationError:
        return "unreadable"


def make_worker(name: str) -> QueueWorker:
    """A worker for the queue of this name; its jobs' modules are imported before the first fork."""
    modules = {function.rpartition(".")[0] for function, (queue_name, _) in queues.JOBS.items() if queue_name == name}
    for module in (*modules, *TOLD_TO_ALERTS):
        importlib.import_module(module)
    registry.all_kinds()  # and the kinds, which bring Microsoft's library: a tenth of a second for every job else
    worker = QueueWorker(
        [queues.queue(name)],
        connection=queues.connection(),
        serializer=JSONSerializer,
        job_class=queues.ListedJob,
        worker_ttl=20,
        job_monitoring_interval=5,
        maintenance_interval=30,
    )
    worker.log_result_lifespan = False
    return worker


def serve(name: str, *, logging_level: str = "WARNING") -> None:
    """Works until asked to stop: RQ ends its loop when Redis goes away between two jobs, and then another begins."""
    while True:
        worker = make_worker(name)
        try:
            worker.work(logging_level=logging_level)
        except StopRequested:
            return
        except redis.RedisError as error:
            queues.log.warning("worker_redis_away", error=type(error).__name__)
        if worker.asked_to_stop:
            return
        queues.log.warning("worker_begins_again", queue=name)
        time.sleep(REDIS_PAUSE_SECONDS)
        wait_for_redis()


def wait_for_redis() -> None:
    """Returns once Redis answers; says once that it does not."""
    told = False
    while True:
        try:
            queues.connection().ping()
        except redis.RedisError as error:
            if not told:
                text = f"Redis does not answer ({type(error).__name__}); see MAILSETUP_REDIS_URL. Waiting for it."
                print(text, file=sys.stderr)
            told = True
            time.sleep(REDIS_PAUSE_SECONDS)
        else:
            return


def refuses_redis() -> bool:
    """Whether Redis may drop what it holds; says so. One that is away now may come back."""
    try:
        policy = queues.eviction_policy()
    except redis.RedisError:
        return False
    if policy != "noeviction":
        print(f"Redis may drop data: set maxmemory-policy to noeviction (it is {policy}).", file=sys.stderr)
    return policy != "noeviction"


def _warn_of_early_commits() -> None:
    with contextlib.suppress(SQLAlchemyError):
        if doubt := db.doubt_about_commits():
            queues.log.warning("commits_not_durable", why=doubt)


def main() -> int:
    """Serves the queue named on the command line until asked to stop."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in queues.QUEUES:
        print(f"Name one queue: {', '.join(queues.QUEUES)}.", file=sys.stderr)
        return 2
    try:
        started = settings.start(settings.load())
        refuse_unsafe_start(db.engine())
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(pretty=started.env == "development")
    wait_for_redis()
    if refuses_redis():
        return 2
    _warn_of_early_commits()
    serve(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
