"""`flask --app app doctor`: is everything here that mail needs?"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click
import redis
from flask.cli import with_appcontext
from rq import Worker
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from mailsetup import settings
from mailsetup.core import db, queues
from mailsetup.core.crypto import sealed_with
from mailsetup.core.errors import EgressError, MailsetupError
from mailsetup.platform import current_platform
from mailsetup.workspaces.models import WorkspaceKey

TOP = Path(__file__).parents[2]
CLOCK_TOLERANCE_SECONDS = 5
PLATFORM_APP_WARNING_DAYS = 30


@dataclass(frozen=True)
class Finding:
    """What one check found; an empty `fault` means well."""

    subject: str
    fault: str = ""
    note: str = ""


def check_database() -> Finding:
    """Reachable, and at the newest migration."""
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(TOP / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    try:
        with db.engine().connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        return Finding(
            "Database", f"The database does not answer ({type(error).__name__}); see MAILSETUP_DATABASE_URL."
        )
    if revision != scripts.get_current_head():
        return Finding("Database", "The database is not at the newest migration; run `flask --app app db upgrade`.")
    if doubt := db.doubt_about_commits():
        return Finding("Database", doubt)
    return Finding("Database", note=f"{db.engine().dialect.name}, migration {revision}")


def check_redis() -> Finding:
    """Reachable, and not evicting."""
    try:
        policy = queues.eviction_policy()
    except redis.RedisError as error:
        return Finding("Redis", f"Redis does not answer ({type(error).__name__}); see MAILSETUP_REDIS_URL.")
    if policy != "noeviction":
        return Finding("Redis", f"Redis may drop data: set maxmemory-policy to noeviction (it is {policy}).")
    return Finding("Redis", note="noeviction")


def check_keys() -> Finding:
    """Every workspace key opens with a master key of the ring."""
    ring = settings.current().key_ring
    with db.session_scope() as session:
        rows = session.execute(select(WorkspaceKey.workspace_id, WorkspaceKey.wrapped)).all()
    missing = {sealed_with(wrapped) for _, wrapped in rows} - set(ring.keys)
    if missing:
        return Finding("Keys", f"Secrets are sealed with keys the ring does not have: {', '.join(sorted(missing))}.")
    for workspace_id, wrapped in rows[:100]:
        ring.unwrap(wrapped, workspace_id=str(workspace_id))
    return Finding("Keys", note=f"in the ring: {len(ring.keys)}, workspaces: {len(rows)}")


def check_workers() -> Finding:
    """At least one worker for each queue."""
    served = {name for worker in Worker.all(connection=queues.connection()) for name in worker.queue_names()}
    missing = [name for name in queues.QUEUES if name not in served]
    if missing:
        return Finding("Workers", f"No worker serves: {', '.join(missing)}. Start one for each (see Procfile).")
    return Finding("Workers", note="one or more for each queue")


def check_clock() -> Finding:
    """Our clock and the database's agree."""
    if db.engine().dialect.name == "sqlite":
        return Finding("Clock", note="the database runs here")
    with db.session_scope() as session:
        theirs = session.execute(select(func.now())).scalar_one()
    difference = abs((datetime.now(UTC) - theirs).total_seconds())
    if difference > CLOCK_TOLERANCE_SECONDS:
        return Finding("Clock", f"The clock differs from the database's by {difference:.0f} s; set up NTP.")
    return Finding("Clock", note=f"{difference:.1f} s from the database")


def check_platform_app() -> Finding:
    """The platform's own Microsoft app, when there is one, has time left."""
    current = settings.current()
    if not current.microsoft_client_id:
        return Finding("Platform app", note="none: customers connect through their own app registration")
    if not current.microsoft_client_secret and not current.microsoft_client_certificate:
        return Finding("Platform app", "MAILSETUP_MICROSOFT_CLIENT_ID is set, but neither a secret nor a certificate.")
    if current.microsoft_client_expires is None:
        return Finding("Platform app", note="set; without MAILSETUP_MICROSOFT_CLIENT_EXPIRES its end is not watched")
    left = (current.microsoft_client_expires - datetime.now(UTC).date()).days
    if left < PLATFORM_APP_WARNING_DAYS:
        return Finding("Platform app", f"Its credential ends in {left} days: make a new one in Entra and set it here.")
    return Finding("Platform app", note=f"{left} days left")


def check_egress() -> Finding:
    """Microsoft's sign-in and Graph hosts can be reached through the egress door."""
    platform = current_platform()
    for url in (platform.login_url, platform.graph_url):
        parts = urlsplit(url)
        try:
            platform.door.connect(parts.hostname or "", parts.port or 443, timeout=5).close()
        except EgressError as error:
            return Finding("Egress", f"{error.host}:{error.port} cannot be reached: {error}.")
    return Finding("Egress", note="Microsoft's sign-in and Graph answer")


def check_operator_mail() -> Finding:
    """There is a mailer for alerts."""
    if not settings.current().operator_smtp_url:
        return Finding("Alerts", "MAILSETUP_OPERATOR_SMTP_URL is missing: nobody would be told when mail stops.")
    return Finding("Alerts", note=f"from {settings.current().operator_from}")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_database,
    check_redis,
    check_keys,
    check_workers,
    check_clock,
    check_platform_app,
    check_egress,
    check_operator_mail,
)


def run_checks() -> list[Finding]:
    """Every finding, in order; a check that cannot run is a fault of its own."""
    findings = []
    for check in CHECKS:
        try:
            findings.append(check())
        except (SQLAlchemyError, redis.RedisError, MailsetupError, OSError) as error:
            name = check.__name__.removeprefix("check_").replace("_", " ").capitalize()
            findings.append(Finding(name, f"This could not be checked: {type(error).__name__}."))
    return findings


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Check database, Redis, keys, workers, clock, platform app, egress; exit 1 on a fault."""
    findings = run_checks()
    for finding in findings:
        mark = "FAULT" if finding.fault else "ok"
        click.echo(f"{mark:6}{finding.subject:14}{finding.fault or finding.note}")
    if any(finding.fault for finding in findings):
        sys.exit(1)


commands = (doctor,)
