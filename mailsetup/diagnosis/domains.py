"""What the DNS says of the domains that mail comes from: asked after a test, and again every day."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.core.errors import NotFound
from mailsetup.diagnosis.models import DomainReport
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import Consent
from mailsetup.mail_services.sender_domain import report_on
from mailsetup.mail_services.sender_domain.words import FAULTS
from mailsetup.mail_services.values import ascii_domain
from mailsetup.outbound.models import OutboundConfig
from mailsetup.platform import current_platform

CHECK = "mailsetup.diagnosis.jobs.check_domain"
SECONDS = 10.0
EVERY = timedelta(days=1)
ASKED_AGAIN_AFTER = timedelta(minutes=5)
BATCH = 20
AT_MICROSOFT = "smtp.office365.com"
CAUSE = "sender_dns"


def sender_of(kind: str, settings: Mapping[str, Any]) -> tuple[str, str]:
    """The domain of the From address in ASCII, and the server that sends."""
    domain = str(settings.get("from_address", "")).rpartition("@")[2].lower()
    try:
        at_microsoft = registry.get(kind).consent is not Consent.NONE
        domain = ascii_domain(domain)
    except (NotFound, UnicodeError):
        at_microsoft = False
    return domain[:253], AT_MICROSOFT if at_microsoft else str(settings.get("host", ""))[:253]


def find(session: Session, workspace_id: uuid.UUID, domain: str, host: str) -> DomainReport | None:
    """What is known of the domain."""
    wanted = select(DomainReport).where(
        DomainReport.workspace_id == workspace_id, DomainReport.domain == domain, DomainReport.host == host
    )
    return session.scalar(wanted)


def want(session: Session, workspace_id: uuid.UUID, domain: str, host: str) -> DomainReport | None:
    """Has a worker look at the domain after this transaction, unless it did a moment ago."""
    if "." not in domain:
        return None
    found, now = find(session, workspace_id, domain, host), utcnow()
    if found is not None and found.checked_at and now - found.checked_at < ASKED_AGAIN_AFTER:
        return found
    if found is None:
        found = DomainReport(workspace_id=workspace_id, domain=domain, host=host)
        session.add(found)
    found.wanted_at = now
    session.flush()
    queues.enqueue_after_commit(session, CHECK, str(found.id))
    return found


def check(report_id: uuid.UUID) -> None:
    """Asks the DNS, outside any transaction, and keeps what it said."""
    with session_scope() as session:
        row = session.get(DomainReport, report_id)
        if row is None:
            return
        domain, host = row.domain, row.host
    names = current_platform().door.names(SECONDS)
    fresh = report_on(domain, host, names.records)
    with session_scope() as session:
        row = session.get(DomainReport, report_id, with_for_update=True)
        if row is not None:
            _keep(session, row, fresh)


def _keep(session: Session, row: DomainReport, fresh: dict[str, Any]) -> None:
    before, now = row.report, utcnow()
    row.report, row.checked_at = _merged(before, fresh), now
    if before is None or _states(before) == _states(row.report):
        return
    row.changed_at = now
    _report(session, row, before)


def _merged(before: dict[str, Any] | None, fresh: dict[str, Any]) -> dict[str, Any]:
    """A DNS that gave no answer takes back nothing of what was known."""
    known = {one["topic"]: one for one in (before or {}).get("advice", ())}
    unanswered = {one["topic"] for one in fresh["advice"] if one["title"].endswith("could not be looked up")}
    kept = [known.get(one["topic"], one) if one["topic"] in unanswered else one for one in fresh["advice"]]
    return {**fresh, "advice": kept}


def _states(report: dict[str, Any]) -> dict[str, str]:
    return {one["topic"]: one["state"] for one in report["advice"]}


def _report(session: Session, row: DomainReport, before: dict[str, Any]) -> None:
    """A record that got worse is told to whoever gets the alerts of the setups that use it; a mended one too."""
    old = _states(before)
    worse = [
        one for one in (row.report or {})["advice"] if one["state"] in FAULTS and old.get(one["topic"]) not in FAULTS
    ]
    subject = f"domain:{row.domain}"
    for config in setups_of(session, row) if worse else ():
        open_alert(
            session,
            workspace_id=row.workspace_id,
            subject_key=subject,
            subject_label=row.domain,
            cause=CAUSE,
            severity="warning",
            title=f"The DNS records of {row.domain} changed: {worse[0]['title']}",
            explanation=_explained(worse[0]),
            fix_path=f"/outbound/{config.id}",
            notify_address=config.alerts_address,
        )
    if not worse and not FAULTS & set(_states(row.report or before).values()):
        resolve_alerts(
            session,
            workspace_id=row.workspace_id,
            subject_key=subject,
            cause=CAUSE,
            resolution=f"The DNS records of {row.domain} are right again.",
        )


def _explained(advice: Mapping[str, str]) -> dict[str, Any]:
    copy = f"The record {advice['name']} should read: {advice['value']}" if advice.get("value") else ""
    steps = [step for step in (copy, "Whoever keeps the DNS of the domain makes the change.") if step]
    return {
        "title": advice["title"],
        "explanation": advice["text"],
        "what": advice["text"],
        "steps": steps,
        "who": "You, or whoever keeps the DNS of the domain",
    }


def adopt(session: Session) -> int:
    """Begins to watch the domains of saved setups that nobody asked about yet; how many."""
    rows = session.execute(select(DomainReport.workspace_id, DomainReport.domain, DomainReport.host))
    known = {(workspace_id, domain, host) for workspace_id, domain, host in rows}
    adopted = 0
    for config in session.scalars(select(OutboundConfig)):
        place = (config.workspace_id, *sender_of(config.kind, config.settings))
        if place not in known and want(session, *place) is not None:
            known.add(place)
            adopted += 1
    return adopted


def setups_of(session: Session, row: DomainReport) -> list[OutboundConfig]:
    """The saved setups that send from this domain through this server."""
    wanted = select(OutboundConfig).where(OutboundConfig.workspace_id == row.workspace_id)
    return [one for one in session.scalars(wanted) if sender_of(one.kind, one.settings) == (row.domain, row.host)]


def check_due(session: Session) -> int:
    """Has the domains asked again that nobody looked at for a day, a few at a time; forgets those nobody uses."""
    now = utcnow()
    wanted = select(DomainReport).where(DomainReport.wanted_at < now - EVERY).order_by(DomainReport.wanted_at)
    rows = list(session.scalars(wanted.limit(BATCH).with_for_update(skip_locked=True)))
    for row in rows:
        row.wanted_at = now
        if setups_of(session, row):
            queues.enqueue_after_commit(session, CHECK, str(row.id))
        else:
            session.delete(row)
    return len(rows)
