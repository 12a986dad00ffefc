"""What there is to say of an alert while it is open, beyond what was written when it was opened."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert

Remark = Callable[[Session, Alert], str]
_sources: list[Remark] = []


def register(source: Remark) -> Remark:
    """Adds a source of remarks; registering it again changes nothing."""
    if source not in _sources:
        _sources.append(source)
    return source


def remarks(session: Session, alert: Alert) -> str:
    """What is known now, in sentences; empty when there is nothing, or the alert is over and says it itself."""
    if alert.resolved_at is not None:
        return ""
    return " ".join(filter(None, (source(session, alert) for source in _sources)))
