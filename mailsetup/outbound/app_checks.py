"""What each app or sign-in may do at Microsoft: read from its token monthly, and proved at a mailbox not its own."""

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
from mailsetup.mail_services.base import CredentialValue, FreshTokens, MailService, TokenSource
from mailsetup.mail_services.credential_types import MICROSOFT_APP, MICROSOFT_GRANT
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.timeouts import TEST_TIMEOUTS
from mailsetup.outbound.explain import explain_failure
from mailsetup.outbound.models import AppCheck, OutboundConfig
from mailsetup.outbound.renewal import kind_for
from mailsetup.outbound.tokens import StoredTokens
from mailsetup.platform import current_platform

JOB = "mailsetup.outbound.jobs.check_app"
EVERY = timedelta(days=30)
AGAIN = timedelta(days=1)
BATCH = 100
CAUSE = "app_permissions"
REFUSED, ALLOWED = "refused", "allowed"
WITH_TOKENS = (MICROSOFT_APP.name, MICROSOFT_GRANT.name)


@dataclass(frozen=True)
class Question:
    """What to ask Microsoft with, gathered while the database was open."""

    workspace_id: uuid.UUID
    credential_id: uuid.UUID
    kind: str
    settings: Mapping[str, Any]
    version: int
    value: CredentialValue
    tokens: TokenSource
    more: tuple[str, ...] = ()  # permissions that some setup's settings need

    def service(self) -> MailService:
        """A service that asks Microsoft afresh."""
        platform = replace(current_platform(), timeouts=TEST_TIMEOUTS)
        return registry.get(self.kind)(self.settings, credential=self.value, platform=platform, tokens=self.tokens)


def can_check(credential: Credential) -> bool:
    """Whether its token names what it may do."""
    return credential.type in WITH_TOKENS


def is_app(credential: Credential) -> bool:
    """Whether it is an app of its own, which might send as others too."""
    return credential.type == MICROSOFT_APP.name


def question(session: Session, credential: Credential, kind: str = "") -> Question:
    """For the setup that uses the credential; else for `kind`, or the first one that could."""
    used = select(OutboundConfig).where(OutboundConfig.credential_id == credential.id)
    configs = session.scalars(used.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)).all()
    config = configs[0] if configs else None
    more = {name for one in configs for name in registry.get(one.kind).more_permissions(one.settings)}
    asked = kind or (config.kind if config else kind_for(credential.type, vault.public_facts(session, credential)))
    return Question(
        credential.workspace_id,
        credential.id,
        asked,
        dict(config.settings) if config else {},
        credential.version,
        vault.credential_value(session, credential),
        _tokens(credential, asked),
        tuple(sorted(more)),
    )


def _tokens(credential: Credential, kind: str) -> TokenSource:
    """An app's token is not kept; what renews a sign-in has to be."""
    if is_app(credential):
        return FreshTokens()
    return StoredTokens(credential.workspace_id, credential, kind=kind, fresh=True)


def check_of(session: Session, credential: Credential) -> AppCheck | None:
    """What the last check found."""
    return session.scalar(select(AppCheck).where(AppCheck.credential_id == credential.id))


def audit_of(check: AppCheck, type_name: str, more: tuple[str, ...]) -> permissions.Audit:
    """The verdict of the last check; `more` is what else the setups need."""
    app_only, service = type_name == MICROSOFT_APP.name, registry.get(check.kind)
    wanted = service.app_permission if app_only else service.sign_in_permission
    refused_at = check.control_mailbox if check.control_state == REFUSED else ""
    return permissions.audit(wanted, check.granted.split(), app_only=app_only, more=more, refused_at=refused_at)


def check_due(session: Session) -> int:
    """Starts the monthly check of each app and sign-in that a setup uses; how many."""
    seen = select(AppCheck.id).where(AppCheck.credential_id == Credential.id, AppCheck.checked_at > utcnow() - EVERY)
    tried = select(AppCheck.id).where(AppCheck.credential_id == Credential.id, AppCheck.tried_at > utcnow() - AGAIN)
    used = select(OutboundConfig.id).where(OutboundConfig.credential_id == Credential.id)
    wanted = select(Credential).where(
        Credential.type.in_(WITH_TOKENS), used.exists(), ~or_(seen.exists(), tried.exists())
    )
    due = list(session.scalars(wanted.limit(BATCH)))
    for credential in due:
        row_of(session, credential).tried_at = utcnow()
        queues.enqueue_after_commit(session, JOB, str(credential.id))
    return len(due)


def run_check(credential_id: uuid.UUID, kind: str = "") -> None:
    """One check; what Microsoft refuses altogether opens no alert here: sending and renewing tell it."""
    with session_scope() as session:
        credential = session.get(Credential, credential_id)
        asked = question(session, credential, kind) if credential else None
    if asked is None:
        return
    try:
        evidence = read_token(asked)
    except TransportError as error:
        with session_scope() as session:
            keep_failure(session, asked, error)
        return
    with session_scope() as session:
        keep(session, asked, evidence)


def read_token(asked: Question) -> Mapping[str, Any]:
    """What a fresh token says of the app. Raises TransportError."""
    service = asked.service()
    return service.tokens.token_for(service).evidence


def keep(session: Session, asked: Question, evidence: Mapping[str, Any]) -> AppCheck:
    """Keeps what the token said; too much opens an alert, and its end is told too. Too little stops mail by itself."""
    row = _answered(session, asked)
    # A personal account's token cannot be read: what the person allowed stands for it.
    granted = (str(evidence.get("permissions", "")) or asked.value.public.get("account_scopes", ""))[:400]
    if row.checked_at is not None and row.granted != granted:
        # What was proved at the control mailbox was proved for other permissions.
        row.control_mailbox, row.control_state, row.control_at = "", "", None
    row.checked_at, row.failure, row.granted = row.answered_at, {}, granted
    row.object_id = str(evidence.get("object_id", ""))[:100]
    credential = session.get_one(Credential, asked.credential_id)
    verdict = audit_of(row, credential.type, asked.more)
    if verdict.state == permissions.TOO_MUCH:
        _alert(session, credential, verdict)
    else:
        resolve_alerts(
            session,
            workspace_id=asked.workspace_id,
            subject_key=f"credential:{credential.id}",
            cause=CAUSE,
            resolution="It may do what sending needs, and no more.",
        )
    return row


def keep_failure(session: Session, asked: Question, error: TransportError) -> None:
    """Keeps why Microsoft gave no token, in the words of every other failure."""
    if session.get(Credential, asked.credential_id) is not None:
        row = _answered(session, asked)
        row.failure = explain_failure(error, settings=asked.settings, public=asked.value.public)


def _answered(session: Session, asked: Question) -> AppCheck:
    row = _row(session, asked.workspace_id, asked.credential_id)
    row.kind, row.version, row.answered_at = asked.kind, asked.version, utcnow()
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


def row_of(session: Session, credential: Credential) -> AppCheck:
    """Where the checks of the credential are kept."""
    return _row(session, credential.workspace_id, credential.id)


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
