"""What follows when a notice cannot be delivered: the next way is tried, and told that this one fails.

Alerts about alerts stop at depth 1: when such a notice fails too, nothing more is opened, and the banner says it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import FAILED, PENDING, SENDING, SENT, SKIPPED, TESTED, Alert, AlertNotice
from mailsetup.alerts.notices import write_notices
from mailsetup.alerts.open import open_alert, resolve_alerts, tell_operator
from mailsetup.alerts.recipients import EMAIL, MAILER_KEY, Recipient, every_route, people_in_charge, way_key

# The second try follows after a minute: whoever is told by another way hears within five.
TRIES_BEFORE_NEXT = 2
CAUSE = "way_failed"
_WORKS_AGAIN = "A notice was delivered this way again."


def after_failure(session: Session, notice: AlertNotice, *, error: str, mailer: bool) -> None:
    """Called when a try has failed and was recorded."""
    hopeless = notice.state == FAILED or notice.attempts >= TRIES_BEFORE_NEXT
    if notice.alert is None or notice.event == TESTED or not hopeless:
        return
    alert = notice.alert
    if alert.depth == 0:
        _report_way(session, notice, error, mailer=mailer)
    if not _somebody_else(session, notice):
        _tell_next(session, alert, notice, mail_down=mailer)


def after_success(session: Session, notice: AlertNotice) -> None:
    """A way works: what was said of it is over."""
    keys = [way_key(notice.channel, notice.target), *([MAILER_KEY] if notice.channel == EMAIL else [])]
    for key in keys:
        for workspace_id in {notice.workspace_id, None} if key == MAILER_KEY else {notice.workspace_id}:
            resolve_alerts(session, workspace_id=workspace_id, subject_key=key, resolution=_WORKS_AGAIN)


def _report_way(session: Session, notice: AlertNotice, error: str, *, mailer: bool) -> None:
    label = "The operator's mail server" if mailer else notice.target
    facts: dict[str, Any] = {
        "subject_key": MAILER_KEY if mailer else way_key(notice.channel, notice.target),
        "subject_label": label,
        "cause": CAUSE,
        "title": f"Alerts cannot be delivered: {label}"[:300],
        "explanation": _explanation(error, mailer=mailer),
        "fix_path": "/alerts#addresses",
        "notify_address": "",
        "severity": "warning",
        "depth": 1,
    }
    open_alert(session, workspace_id=notice.workspace_id, **facts)
    if mailer and notice.workspace_id is not None:
        open_alert(session, workspace_id=None, **{**facts, "fix_path": "/operator/alerts", "severity": "error"})


def _explanation(error: str, *, mailer: bool) -> dict[str, Any]:
    steps = ["Open the list of who is told.", "Correct the way that fails, or delete it.", "Choose Test beside it."]
    if mailer:
        steps = ["Nothing is to be done here: your operator mends it.", "Add a way that is not mail, such as Slack."]
    return {
        "title": "A notice could not be delivered",
        "explanation": error,
        "steps": steps,
        "who": "Your operator" if mailer else "An admin of this workspace",
        "quote": "",
    }


def _somebody_else(session: Session, notice: AlertNotice) -> bool:
    """Whether another notice of the same event arrived, or still may."""
    others = select(AlertNotice).where(
        AlertNotice.alert_id == notice.alert_id, AlertNotice.event == notice.event, AlertNotice.id != notice.id
    )
    return any(_hopeful(other) for other in session.scalars(others))


def _hopeful(notice: AlertNotice) -> bool:
    if notice.state in {SENT, SENDING, SKIPPED}:
        return True
    return notice.state == PENDING and notice.attempts < TRIES_BEFORE_NEXT


def _tell_next(session: Session, alert: Alert, notice: AlertNotice, *, mail_down: bool) -> None:
    if alert.workspace_id is None or alert.depth > 0:
        return
    tried = _tried(session, notice)
    for tier in (every_route(session, alert.workspace_id), people_in_charge(session, alert.workspace_id)):
        untried = [way for way in tier if way.key not in tried and not (mail_down and way.channel == EMAIL)]
        if untried:
            write_notices(session, alert, notice.event, untried, fallback=True)
            return
    tell_operator(session, alert)


def _tried(session: Session, notice: AlertNotice) -> set[tuple[str, str]]:
    mine = select(AlertNotice).where(AlertNotice.alert_id == notice.alert_id, AlertNotice.event == notice.event)
    return {Recipient(other.channel, other.target).key for other in session.scalars(mine)}
