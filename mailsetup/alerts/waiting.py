"""How many mails an alert holds back right now: whoever queues mail registers a counter."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert

WaitingCounter = Callable[[Session, uuid.UUID, str], int | None]
"""Takes session, workspace id and an alert's subject key; None when the subject is not one it counts for."""

_counters: list[WaitingCounter] = []


def register(counter: WaitingCounter) -> WaitingCounter:
    """Adds a source of current counts; registering it again changes nothing."""
    if counter not in _counters:
        _counters.append(counter)
    return counter


def counted(session: Session, alert: Alert) -> int | None:
    """The mails waiting because of this alert right now; None where nobody counts them."""
    if alert.workspace_id is None:
        return None
    found = (counter(session, alert.workspace_id, alert.subject_key) for counter in _counters)
    return next((count for count in found if count is not None), None)


def waiting_now(session: Session, alert: Alert) -> int:
    """The mails waiting because of this alert; what was said when it was last seen, where nobody counts."""
    count = counted(session, alert)
    return alert.waiting if count is None else count
