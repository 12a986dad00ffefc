"""The periodic jobs, in one process; a lease in the database lets only one scheduler act at a time.

`python -m mailsetup.schedule`
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts import operator_watch
from mailsetup.alerts import sweep as alerts_sweep
from mailsetup.core import db, heartbeats, leases, logs, stopping
from mailsetup.core.errors import SettingsError
from mailsetup.core.heartbeats import SCHEDULER
from mailsetup.diagnosis import domains
from mailsetup.diagnosis import sweep as diagnosis_sweep
from mailsetup.events import sweep as events_sweep
from mailsetup.outbound import app_checks, daily_limit, expiring, incidents, platform_end, probe, renewal
from mailsetup.outbox import early_signs, fallback, hours, quota
from mailsetup.outbox import sweep as outbox_sweep
from mailsetup.privacy import jobs as privacy_jobs
from mailsetup.watchdog import Watchdog
from mailsetup.workspaces import audit_chain, post
from mailsetup.workspaces.starting import refuse_unsafe_start

LEASE = "scheduler"
LEASE_SECONDS = 20.0  # how long the sweeps rest after the scheduler that had it crashed
TICK_SECONDS = 1.0

log = structlog.get_logger()


@dataclass(frozen=True)
class Periodic:
    """A job and how often it runs, in seconds."""

    name: str
    every: float
    run: Callable[[Session], object]


JOBS = (
    Periodic("outbox_sweep", 15.0, outbox_sweep.sweep),
    Periodic("fallback", 5.0, fallback.carry),
    Periodic("diagnosis_sweep", 15.0, diagnosis_sweep.end_overdue_runs),
    Periodic("alerts_sweep", 15.0, alerts_sweep.sweep),
    Periodic("events_sweep", 5.0, events_sweep.sweep),
    Periodic("early_signs", 30.0, early_signs.watch),
    Periodic("daily_limit", 60.0, daily_limit.watch),
    Periodic("quotas", 300.0, quota.watch),
    Periodic("incidents", 30.0, incidents.watch),
    Periodic("operator_watch", 60.0, operator_watch.watch),
    Periodic("letters", 15.0, post.upkeep),
    Periodic("hours", 60.0, hours.roll_up),
    Periodic("probe", 30.0, probe.probe_due),
    Periodic("audit_heads", 3600.0, audit_chain.log_heads),
    Periodic("renewal", 60.0, renewal.renew_due),
    Periodic("app_checks", 900.0, app_checks.check_due),
    Periodic("expiring", 900.0, expiring.tell_expiring),
    Periodic("platform_expiring", 900.0, platform_end.tell_operators),
    Periodic("privacy", 30.0, privacy_jobs.sweep),
    Periodic("sender_domains", 60.0, domains.check_due),
    Periodic("sender_domains_adopted", 3600.0, domains.adopt),
)


class Scheduler:
    """Runs each periodic job when it is due, as long as this process holds the lease."""

    def __init__(self, jobs: tuple[Periodic, ...] = JOBS) -> None:
        self.jobs = jobs
        self.due = dict.fromkeys((job.name for job in jobs), 0.0)
        self.holder = leases.new_holder()

    def tick(self) -> None:
        """Runs what is due now; one failing job does not stop the others."""
        if not self._leads():
            return
        for job in self.jobs:
            if time.monotonic() >= self.due[job.name]:
                self.due[job.name] = time.monotonic() + job.every
                self._run(job)

    def _leads(self) -> bool:
        try:
            with db.session_scope() as session:
                return leases.hold(session, LEASE, self.holder, LEASE_SECONDS)
        except SQLAlchemyError as error:
            log.warning("scheduler_database_away", error=type(error).__name__)
            return False

    def _run(self, job: Periodic) -> None:
        try:
            with db.session_scope() as session:
                job.run(session)
        except Exception:  # The job edge: recorded, and tried again at its next turn.
            log.exception("periodic_job_failed", job=job.name)

    def release(self) -> None:
        """Gives the lease back, so that the next scheduler starts at once."""
        with db.session_scope() as session:
            leases.release(session, LEASE, self.holder)


def main() -> int:
    """Runs the periodic jobs until asked to stop."""
    try:
        started = settings.start(settings.load())
        refuse_unsafe_start(db.engine())
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the log is not set up yet
        return 2
    logs.configure(pretty=started.env == "development")
    stopping.listen(signal.SIGTERM, signal.SIGINT)
    watchdog = Watchdog(SCHEDULER)
    scheduler = Scheduler((*JOBS, Periodic("watchdog", heartbeats.EVERY_SECONDS, watchdog.look)))
    while not stopping.requested():
        watchdog.beat()
        scheduler.tick()
        stopping.wait(TICK_SECONDS)
    scheduler.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
