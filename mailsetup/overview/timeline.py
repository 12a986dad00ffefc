"""What ends within a year and stops something when it does, month by month."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from babel.dates import format_date
from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.credentials.deadlines import IDLE, deadlines
from mailsetup.credentials.expiry import WARN_DAYS

AHEAD = timedelta(days=365)
# A sign-in that is used weekly ends in 83 days or more; nearer than this it could not be used for weeks.
IDLE_SHOWN = timedelta(days=60)


@dataclass(frozen=True)
class Ending:
    """A thing with a last day."""

    label: str
    what: str
    day: date
    href: str
    days_left: int

    @property
    def look(self) -> str:
        """The state as pages show it."""
        return "expired" if self.days_left < 0 else "expiring" if self.days_left <= WARN_DAYS else "active"


@dataclass(frozen=True)
class Month:
    """The endings of one month; those that have passed come first, by themselves."""

    first: date
    passed: bool
    endings: tuple[Ending, ...]

    @property
    def title(self) -> str:
        """The month in words, as the words around it are English too."""
        return f"{'Passed, ' if self.passed else ''}{format_date(self.first, 'MMMM y', locale='en')}"


def timeline(session: Session, workspace_id: uuid.UUID) -> list[Month]:
    """What has ended lately or ends within a year, by month."""
    today = utcnow().date()
    found = [*_credentials(session, workspace_id, today), *_keys(session, workspace_id, today)]
    found = sorted((one for one in found if today - AHEAD <= one.day <= today + AHEAD), key=lambda one: one.day)
    return [
        Month(first, passed, tuple(group))
        for (passed, first), group in groupby(found, lambda one: (one.days_left < 0, one.day.replace(day=1)))
    ]


def _credentials(session: Session, workspace_id: uuid.UUID, today: date) -> Iterable[Ending]:
    for found in deadlines(session, workspace_id):
        if found.kind != IDLE or found.day - today <= IDLE_SHOWN:
            yield Ending(found.label, found.what, found.day, found.path, found.days_left(today))


def _keys(session: Session, workspace_id: uuid.UUID, today: date) -> Iterable[Ending]:
    horizon = utcnow() - timedelta(days=WARN_DAYS)
    query = select(ApiKey).where(
        ApiKey.workspace_id == workspace_id, ApiKey.revoked_at.is_(None), ApiKey.expires_at > horizon
    )
    for key in session.scalars(query):
        if key.expires_at:
            day = key.expires_at.date()
            yield Ending(key.name, "API key", day, url_for("api_keys.index"), (day - today).days)
