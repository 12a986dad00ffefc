"""Before it fails: mail that waits though it could leave, and mail that is refused more than it is accepted.

Looked at once in a while rather than counted with every mail, so that the hot path pays nothing and a count is exact:
it is made from the mails themselves.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import WARNING, Alert
from mailsetup.alerts.open import keep_open, resolve_alerts
from mailsetup.outbound.health import subject_key
from mailsetup.outbound.models import SENDING_STATES, OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.outbox.clock import database_now
from mailsetup.outbox.explanations import OURS, explanation
from mailsetup.outbox.models import FAILED, SENT, Message
from mailsetup.outbox.ready import has_due

QUEUE_AGE, FALLING = "queue_age", "falling_acceptance"
LATE = timedelta(minutes=10)
# Over only when mail is well in time again: a queue at the edge must not ring every minute.
IN_TIME = timedelta(minutes=5)
WINDOW = timedelta(hours=1)
# So many refused in the last hour, and this share of all that ended: one bad address is nobody's alert.
REFUSED_ENOUGH, SHARE_BAD, SHARE_GOOD = 20, 0.25, 0.1
GOES_AGAIN = "Mail leaves in time again."
FEWER_REFUSED = "Fewer than one mail in ten was refused in the last hour."


def watch(session: Session) -> int:
    """Opens, refreshes and resolves the early signs; how many are open. The caller commits."""
    now = database_now(session)
    found = [*_late(session, now), *_falling(session, now)]
    seen = {(alert.subject_key, alert.cause) for alert in found}
    for alert in session.scalars(select(Alert).where(Alert.cause == QUEUE_AGE, Alert.resolved_at.is_(None))).all():
        if (alert.subject_key, alert.cause) not in seen:
            _resolve(session, alert, GOES_AGAIN)
    return len(found)


def _late(session: Session, now: datetime) -> Iterator[Alert]:
    """Setups that may send, whose mail should have left ten minutes ago; those that were, until it is in time again."""
    may = OutboundConfig.health.in_(SENDING_STATES)
    still = OutboundConfig.id.in_(_told(session, QUEUE_AGE)) & has_due(OutboundConfig.id, now - IN_TIME)
    is_late = has_due(OutboundConfig.id, now - LATE) | still
    late = session.scalars(select(OutboundConfig).where(may, is_late)).all()
    counts = count_waiting(session, [config.id for config in late])
    for config in late:
        waiting = counts[config.id]
        yield keep_open(session, total=1, **_facts(config, QUEUE_AGE, _LATE | _titled(config, waiting), waiting))


def _titled(config: OutboundConfig, waiting: int) -> dict[str, Any]:
    mails = "1 mail waits" if waiting == 1 else f"{waiting:,} mails wait"
    return {"title": f"Mail through “{config.name}” leaves late: {mails}"}


def _falling(session: Session, now: datetime) -> Iterator[Alert]:
    """Setups of which much is refused; those that were, counted on until it is over."""
    told = _told(session, FALLING)
    wanted = {config.id: config for config in _refused_much(session, now)}
    known = session.scalars(select(OutboundConfig).where(OutboundConfig.id.in_(told.keys() - wanted.keys())))
    for config in (*wanted.values(), *known.all()):
        refused, ended = _ended(session, config, now - WINDOW)
        alert = told.get(config.id)
        if refused >= REFUSED_ENOUGH and refused >= SHARE_BAD * ended:
            yield _open_falling(session, config, alert, refused, ended, now)
        elif alert is not None:
            alert.count = max(alert.count, _ended(session, config, _began(alert))[0])
            if refused <= SHARE_GOOD * ended:
                _resolve(session, alert, FEWER_REFUSED)


def _told(session: Session, cause: str) -> dict[uuid.UUID, Alert]:
    alerts = session.scalars(select(Alert).where(Alert.cause == cause, Alert.resolved_at.is_(None)))
    return {uuid.UUID(alert.subject_key.partition(":")[2]): alert for alert in alerts}


def _refused_much(session: Session, now: datetime) -> Iterable[OutboundConfig]:
    """Setups of workspaces in which enough was refused lately to look closer: answered by an index alone."""
    failed = (
        select(func.count())
        .where(Message.workspace_id == OutboundConfig.workspace_id, Message.status == FAILED)
        .where(Message.finished_at.is_not(None), Message.finished_at >= now - WINDOW)
        .scalar_subquery()
    )
    return session.scalars(
        select(OutboundConfig).where(OutboundConfig.health.in_(SENDING_STATES), failed >= REFUSED_ENOUGH)
    ).all()


def _ended(session: Session, config: OutboundConfig, since: datetime) -> tuple[int, int]:
    """How many of the setup's mails were refused since then, and how many were refused or accepted."""
    query = (
        select(Message.status, func.count())
        .where(Message.workspace_id == config.workspace_id, Message.config_id == config.id)
        .where(Message.finished_at.is_not(None), Message.finished_at >= since, Message.status.in_((SENT, FAILED)))
        .group_by(Message.status)
    )
    counts = {row[0]: int(row[1]) for row in session.execute(query)}
    return counts.get(FAILED, 0), sum(counts.values())


def _open_falling(
    session: Session, config: OutboundConfig, alert: Alert | None, refused: int, ended: int, now: datetime
) -> Alert:
    since = _began(alert) if alert else now - WINDOW
    total = _ended(session, config, since)[0] if alert else refused
    share = round(100 * refused / ended)
    words = {
        "title": f"{share} % of the mail through “{config.name}” was refused in the last hour",
        "explanation": f"{refused:,} of {ended:,} mails were refused for good by their recipients' servers.",
        "counted_since": since.isoformat(),
    }
    return keep_open(session, total=total, **_facts(config, FALLING, _FALLING | words, 0))


def _began(alert: Alert) -> datetime:
    """From when on its failures are counted."""
    said = (alert.explanation or {}).get("counted_since")
    return datetime.fromisoformat(said) if said else alert.opened_at - WINDOW


def _facts(config: OutboundConfig, cause: str, words: dict[str, Any], waiting: int) -> Any:
    return {
        "workspace_id": config.workspace_id,
        "subject_key": subject_key(config),
        "subject_label": config.name,
        "cause": cause,
        "title": words["title"],
        "explanation": words,
        "fix_path": f"/outbound/{config.id}",
        "notify_address": config.alerts_address,
        "severity": WARNING,
        "waiting": waiting,
    }


def _resolve(session: Session, alert: Alert, resolution: str) -> None:
    resolve_alerts(
        session,
        workspace_id=alert.workspace_id,
        subject_key=alert.subject_key,
        cause=alert.cause,
        resolution=resolution,
    )


_LATE = explanation(
    "Mail leaves late",
    "The setup works, and yet mail that should have left ten minutes ago still waits. None is lost. Either more mail "
    "comes than this mail service takes in a minute, or too few workers run.",
    "See under Messages whether much mail came at once. If so, it leaves by itself, at the pace the service allows.",
    "If little came, ask your operator whether enough workers run.",
    who=OURS,
)
_FALLING = explanation(
    "Much mail is refused",
    "",
    "Open Messages, choose Failed, and read what the recipients' servers said.",
    "If they name your domain or address, check its SPF, DKIM and DMARC records.",
    "If they say that addresses do not exist, look at where the addresses come from.",
    who="An admin of this workspace",
)
