"""Told before a mailbox has written to as many people as it may in a day; over when there is room again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, lazyload

from mailsetup.alerts.models import WARNING, Alert
from mailsetup.alerts.open import AlertFacts, keep_open, resolve_alerts
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.outbound.health import subject_key
from mailsetup.outbound.mailboxes import limits_of
from mailsetup.outbound.models import SENDING_STATES, Mailbox, OutboundConfig
from mailsetup.outbound.pace import DAY, Buckets

CAUSE = "daily_limit"
# Told at the first share, over below the second: one mail more or less is no news.
NEAR, ROOM_AGAIN = 0.8, 0.7
OVER = "The mailbox has room for the day again."
STEPS = (
    "See under Messages what is written to so many people.",
    "Let another mailbox carry part of it: set up a second one, and name it where that mail is queued.",
    "Newsletters belong to a service made for them.",
)


@dataclass(frozen=True)
class DayUse:
    """To how many people a mailbox wrote in the last 24 hours, and to how many it may."""

    used: int
    limit: int

    @property
    def near(self) -> bool:
        """Whether somebody should know."""
        return self.used >= NEAR * self.limit


def day_use(session: Session, config: OutboundConfig) -> DayUse | None:
    """How much of its day a setup's mailbox has used; None where nobody counts."""
    box = session.get(Mailbox, config.mailbox_key)
    return _use(config, box.day if box else [])


def _use(config: OutboundConfig, day: Buckets) -> DayUse | None:
    try:
        limit = limits_of(config).recipients_a_day
    except NotFound:
        return None
    return None if limit is None else DayUse(DAY.used(day, utcnow()), limit)


def watch(session: Session) -> int:
    """Opens, refreshes and resolves the alerts about limits that are near; how many are open. The caller commits."""
    is_open = Alert.cause == CAUSE, Alert.resolved_at.is_(None)
    known = {alert.subject_key: alert for alert in session.scalars(select(Alert).where(*is_open))}
    kept = set()
    for config, use in _used(session):
        if use.near or (subject_key(config) in known and use.used >= ROOM_AGAIN * use.limit):
            kept.add(subject_key(config))
            keep_open(session, total=1, **_facts(config, use))
    for key in known.keys() - kept:
        resolve_alerts(
            session, workspace_id=known[key].workspace_id, subject_key=key, cause=CAUSE, resolution=OVER
        )  # fmt: skip
    return len(kept)


def _used(session: Session) -> Iterator[tuple[OutboundConfig, DayUse]]:
    """The setups that send, and wrote to somebody within a day."""
    lately = utcnow() - timedelta(seconds=DAY.seconds)
    query = (
        select(OutboundConfig, Mailbox.day)
        .join(Mailbox, Mailbox.key == OutboundConfig.mailbox_key)
        .where(OutboundConfig.health.in_(SENDING_STATES), Mailbox.used_at > lately)
        .options(lazyload(OutboundConfig.credential))
    )
    for config, day in session.execute(query).all():
        use = _use(config, day)
        if use is not None:
            yield config, use


def _facts(config: OutboundConfig, use: DayUse) -> AlertFacts:
    said = f"{use.used:,} of the {use.limit:,} people"
    title = f"“{config.name}” has written to {said} it may write to in 24 hours"
    what = (
        f"In the last 24 hours its mailbox wrote to {said} that it may write to in that time. When the limit is "
        "reached, further mail waits until there is room. None is lost."
    )
    return {
        "workspace_id": config.workspace_id,
        "subject_key": subject_key(config),
        "subject_label": config.name,
        "cause": CAUSE,
        "title": title,
        "explanation": {
            "title": title, "explanation": what, "what": what, "steps": list(STEPS), "cause": CAUSE,
            "who": "An admin of this workspace", "quote": "",
        },
        "fix_path": f"/outbound/{config.id}",
        "notify_address": config.alerts_address,
        "severity": WARNING,
    }  # fmt: skip
