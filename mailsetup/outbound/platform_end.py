"""Our own app at Microsoft has a last day too: on it, every sign-in of every customer would stop."""

from __future__ import annotations

from datetime import date

from babel.dates import format_date
from sqlalchemy import update
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.models import ERROR, WARNING, Alert
from mailsetup.alerts.open import AlertFacts, open_alert, resolve_alerts
from mailsetup.core.clock import utcnow
from mailsetup.outbound.expiring import DAYS_AHEAD, remember, step_of

SUBJECT = "platform:app"
CAUSE = "platform_app_expiring"
STEPS = (
    "In Entra: App registrations > our app > Certificates & secrets: make a new secret or certificate.",
    "Give it in MAILSETUP_MICROSOFT_CLIENT_SECRET or MAILSETUP_MICROSOFT_CLIENT_CERTIFICATE_FILE, and its last day in "
    "MAILSETUP_MICROSOFT_CLIENT_EXPIRES.",
    "Restart web, workers and scheduler. flask --app app doctor shows whether it counts.",
    "Delete the old one in Entra afterwards.",
)


def tell_operators(session: Session) -> bool:
    """Opens the operator's alert that is due, each once, and ends it when no end is near; whether one was opened."""
    ends_on = _last_day()
    left = (ends_on - utcnow().date()).days if ends_on else DAYS_AHEAD[0] + 1
    if left > DAYS_AHEAD[0]:
        resolve_alerts(session, workspace_id=None, subject_key=SUBJECT, resolution="The last day is no longer near.")
    step = step_of(left)
    if ends_on is None or step is None or not remember(session, SUBJECT, ends_on, step):
        return False
    _replace_earlier(session)
    open_alert(session, **_facts(ends_on, left, step))
    return True


def _last_day() -> date | None:
    current = settings.current()
    return current.microsoft_client_expires if current.microsoft_client_id else None


def _replace_earlier(session: Session) -> None:
    """The alert before says the same with an older number: it ends without a word to anybody."""
    earlier = update(Alert).where(
        Alert.workspace_id.is_(None), Alert.subject_key == SUBJECT, Alert.resolved_at.is_(None)
    )
    values = {"resolved_at": utcnow(), "resolution": "A newer notice took its place."}
    session.execute(earlier.values(**values), execution_options={"synchronize_session": "fetch"})


def _facts(ends_on: date, left: int, step: int) -> AlertFacts:
    title = f"Our own app at Microsoft {_when(left)}"
    day = format_date(ends_on, "MMMM d, y", locale="en_US")
    what = (
        f"Its secret or certificate has its last day on {day}. After that, no token of a customer who signed in "
        "through our app can be renewed, and their mail waits."
    )
    told = {"title": title, "explanation": what, "steps": list(STEPS), "who": "You, who runs this installation"}
    return {
        "workspace_id": None,
        "subject_key": SUBJECT,
        "subject_label": "Every setup that was connected by signing in",
        "cause": f"{CAUSE}_{step}",
        "title": title,
        "explanation": {**told, "quote": ""},
        "fix_path": "/operator",
        "notify_address": "",
        "severity": WARNING if step else ERROR,
    }


def _when(left: int) -> str:
    if left < 0:
        return "has ended"
    return {0: "ends today", 1: "ends in 1 day"}.get(left, f"ends in {left} days")
