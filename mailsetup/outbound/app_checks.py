"""What each app may do at Microsoft: read from its token monthly, and proved at a mailbox it must not send as."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import permissions, registry
from mailsetup.mail_services.base import TEST_TIMEOUTS, CredentialValue, FreshTokens, MailService
from mailsetup.mail_services.credential_types import MICROSOFT_APP
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.models import AppCheck, OutboundConfig
from mailsetup.outbound.renewal import kind_for
from mailsetup.platform import current_platform

JOB = "mailsetup.outbound.jobs.check_app"
EVERY = timedelta(days=30)
AGAIN = timedelta(days=1)
BATCH = 100
CAUSE = "app_permissions"
REFUSED, ALLOWED = "refused", "allowed"


@dataclass(frozen=True)
class Question:
    """What to ask Microsoft with, gathered while the database was open."""

    workspace_id: uuid.UUID
    credential_id: uuid.UUID
    kind: str
    settings: Mapping[str, Any]
    value: CredentialValue
    more: tuple[str, ...] = ()  # permissions that some setup's settings need

    def service(self) -> MailService:
        """A service that keeps no token."""
        platform = replace(current_platform(), timeouts=TEST_TIMEOUTS)
        return registry.get(self.kind)(self.settings, credential=self.value, platform=platform, tokens=FreshTokens())


def can_check(credential: Credential) -> bool:
    """Whether it is an app of its own, whose token names what it may do."""
    return credential.type == MICROSOFT_APP.name


def question(session: Session, credential: Credential) -> Question:
    """For the setup that uses the credential; for the first kind that could when there is none."""
    used = select(OutboundConfig).where(OutboundConfig.credential_id == credential.id)
    configs = session.scalars(used.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)).all()
    config = configs[0] if configs else None
    more = {name for one in configs for name in registry.get(one.kind).more_permissions(one.settings)}
    return Question(
        credential.workspace_id,
        credential.id,
        config.kind if config else kind_for(credential.type),
        dict(config.settings) if config else {},
        vault.credential_value(session, credential),
        tuple(sorted(more)),
    )


def check_of(session: Session, credential: Credential) -> AppCheck | None:
    """What the last check found."""
    return session.scalar(select(AppCheck).where(AppCheck.credential_id == credential.id))


def audit_of(check: AppCheck, more: tuple[str, ...]) -> permissions.Audit:
    """The verdict of the last check; `more` is what else the setups need."""
    return permissions.audit(registry.get(check.kind).app_permission, check.granted.split(), more=more)


def check_due(session: Session) -> int:
    """Starts the monthly check of each app that a setup uses; how many."""
    seen = select(AppCheck.id).where(AppCheck.credential_id == Credential.id, AppCheck.checked_at > utcnow() - EVERY)
    tried = select(AppCheck.id).where(AppCheck.credential_id == Credential.id, AppCheck.tried_at > utcnow() - AGAIN)
    used = select(OutboundConfig.id).where(OutboundConfig.credential_id == Credential.id)
    wanted = select(Credential).where(
        Credential.type == MICROSOFT_APP.name, used.exists(), ~or_(seen.exists(), tried.exists())
    )
    due = list(session.scalars(wanted.limit(BATCH)))
    for credential in due:
        _row(session, credential.workspace_id, credential.id).tried_at = utcnow()
        queues.enqueue_after_commit(session, JOB, str(credential.id))
    return len(due)


def run_check(credential_id: uuid.UUID) -> None:
    """One check; what Microsoft refuses altogether is told by sending and renewing, not here."""
    with session_scope() as session:
        credential = session.get(Credential, credential_id)
        asked = question(session, credential) if credential else None
    if asked is None:
        return
    try:
        evidence = read_token(asked)
    except TransportError:
        return
    with session_scope() as session:
        keep(session, asked, evidence)


def read_token(asked: Question) -> Mapping[str, Any]:
    """What a fresh token says of the app. Raises TransportError."""
    service = asked.service()
    return service.tokens.token_for(service).evidence


def keep(session: Session, asked: Question, evidence: Mapping[str, Any]) -> AppCheck:
    """Keeps what the token said; too much opens an alert, and its end is told too. Too little stops mail by itself."""
    row = _row(session, asked.workspace_id, asked.credential_id)
    row.kind, row.checked_at = asked.kind, utcnow()
    row.granted = str(evidence.get("permissions", ""))[:400]
    row.object_id = str(evidence.get("object_id", ""))[:100]
    credential = session.get_one(Credential, asked.credential_id)
    verdict = audit_of(row, asked.more)
    if verdict.state == permissions.TOO_MUCH:
        _alert(session, credential, verdict)
    else:
        resolve_alerts(
            session,
            workspace_id=asked.workspace_id,
            subject_key=f"credential:{credential.id}",
            cause=CAUSE,
            resolution="The app may do what sending needs, and no more.",
        )
    return row


def prove_limit(asked: Question, mailbox: str) -> str:
    """Whether the app is refused at a mailbox that it must not send as. Nothing is sent. Raises TransportError."""
    service = asked.service()
    try:
        return ALLOWED if service.may_use(mailbox) else REFUSED
    finally:
        service.close()


def keep_limit(session: Session, asked: Question, mailbox: str, found: str) -> None:
    """Keeps what the probe at the control mailbox found."""
    row = _row(session, asked.workspace_id, asked.credential_id)
    row.kind, row.control_mailbox, row.control_state, row.control_at = asked.kind, mailbox[:254], found, utcnow()


def _row(session: Session, workspace_id: uuid.UUID, credential_id: uuid.UUID) -> AppCheck:
    row = session.scalar(select(AppCheck).where(AppCheck.credential_id == credential_id))
    if row is None:
        row = AppCheck(workspace_id=workspace_id, credential_id=credential_id)
        session.add(row)
        session.flush()
    return row


def _alert(session: Session, credential: Credential, verdict: permissions.Audit) -> None:
    address = session.scalar(
        select(OutboundConfig.alerts_address).where(OutboundConfig.credential_id == credential.id).limit(1)
    )
    facts: dict[str, Any] = {
        "cause": CAUSE,
        "title": verdict.title,
        "explanation": verdict.title,
        "what": verdict.title,
    }
    facts |= {"steps": [verdict.advice], "who": "Your Microsoft admin", "confidence": "high", "quote": "", "raw": ""}
    open_alert(
        session,
        workspace_id=credential.workspace_id,
        subject_key=f"credential:{credential.id}",
        subject_label=credential.name,
        severity="warning",
        cause=CAUSE,
        title=verdict.title,
        explanation={**facts, "permanent": True},
        fix_path=f"/setup/permissions/{credential.id}",
        notify_address=address or "",
    )
