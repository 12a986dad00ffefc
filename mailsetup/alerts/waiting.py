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


def waiting_now(session: Session, alert: Alert) -> int:
    """The mails waiting because of this alert; what was said when it was last seen, where nobody counts."""
    for counter in _counters:
        count = counter(session, alert.workspace_id, alert.subject_key)
        if count is not None:
            return count
    return alert.waiting
