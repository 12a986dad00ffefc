"""What the operator hears of the machinery itself: clocks that differ, and secrets whose master key is gone."""

from __future__ import annotations

from datetime import UTC, datetime

import redis
import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.open import keep_open, resolve_alerts
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.crypto import sealed_with
from mailsetup.workspaces.models import WorkspaceKey

CLOCK, CLOCK_OFF = "machine:clock", "clock_off"
KEYS, KEY_MISSING = "machine:keys", "key_missing"
TOLERANCE_SECONDS = 5.0
_WHO = "You, who runs this installation"

log = structlog.get_logger(__name__)


def watch(session: Session) -> None:
    """Opens, refreshes and resolves the alerts about the machinery. The caller commits."""
    _watch_clock(session)
    _watch_keys(session)


def clock_differences(session: Session) -> dict[str, float]:
    """By how many seconds this machine's clock is ahead of the database's and of Redis's, where those can be asked."""
    found: dict[str, float] = {}
    if session.get_bind().dialect.name == "postgresql":
        theirs: datetime = session.scalars(select(func.clock_timestamp())).one()
        found["the database"] = (utcnow() - theirs).total_seconds()
    try:
        seconds, microseconds = queues.connection().time()
    except redis.RedisError as error:
        log.info("redis_clock_unknown", error=type(error).__name__)
        return found
    found["Redis"] = (utcnow() - datetime.fromtimestamp(seconds + microseconds / 1e6, UTC)).total_seconds()
    return found


def _watch_clock(session: Session) -> None:
    off = {name: seconds for name, seconds in clock_differences(session).items() if abs(seconds) > TOLERANCE_SECONDS}
    if not off:
        _over(session, CLOCK, "The clocks agree again.")
        return
    name, seconds = max(off.items(), key=lambda pair: abs(pair[1]))
    ahead = "ahead of" if seconds > 0 else "behind"
    what = f"The clock of the machine that runs the scheduler is {abs(seconds):.0f} seconds {ahead} that of {name}."
    steps = "Set up NTP on every machine, and look which of them is wrong.", "flask --app app doctor shows the rest."
    title = f"A clock is off by {abs(seconds):.0f} seconds"
    _tell(session, CLOCK, CLOCK_OFF, title, f"{what} Sign-ins at Microsoft fail when a clock is far off.", steps)


def _watch_keys(session: Session) -> None:
    held = settings.current().key_ring.keys
    missing = {sealed_with(wrapped) for wrapped in session.scalars(select(WorkspaceKey.wrapped))} - set(held)
    if not missing:
        _over(session, KEYS, "Every master key is in the ring again.")
        return
    names = ", ".join(sorted(missing))
    what = f"Secrets are sealed with master keys that the key ring does not hold: {names}. Mail that needs them waits."
    steps = (
        "Put these keys back into MAILSETUP_ENCRYPTION_KEYS or its file.",
        "Restart web, workers and scheduler, each with the same ring.",
    )
    _tell(session, KEYS, KEY_MISSING, f"Master keys are missing: {names}", what, steps)


def _tell(session: Session, subject: str, cause: str, title: str, what: str, steps: tuple[str, ...]) -> None:
    keep_open(
        session,
        total=1,
        workspace_id=None,
        subject_key=subject,
        subject_label="This installation",
        cause=cause,
        title=title,
        explanation={"title": title, "explanation": what, "steps": list(steps), "who": _WHO, "quote": ""},
        fix_path="/operator",
        notify_address="",
    )


def _over(session: Session, subject: str, resolution: str) -> None:
    resolve_alerts(session, workspace_id=None, subject_key=subject, resolution=resolution)
