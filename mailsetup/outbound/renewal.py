"""Keeps every connection alive: tokens are renewed ahead of their end, sign-ins are used every week.

A refresh token ends after 90 days without use (learn.microsoft.com, "Refresh tokens in the Microsoft identity
platform"). What can no longer be renewed is known within the hour, whether mail was due or not.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.credentials.models import Credential, CredentialToken
from mailsetup.credentials.vault import public_facts
from mailsetup.mail_services import credential_types, registry
from mailsetup.mail_services.base import Consent, MailService
from mailsetup.mail_services.credential_types import MICROSOFT_GRANT
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import health
from mailsetup.outbound.connect import connect
from mailsetup.outbound.explain import explain_failure, public_context
from mailsetup.outbound.models import BROKEN, SENDING_STATES, OutboundConfig
from mailsetup.outbound.probe import start_probe

JOB = "mailsetup.outbound.jobs.renew"
AHEAD = timedelta(minutes=10)
KEEP_ALIVE = timedelta(days=7)
AGAIN_IF_LOST = timedelta(minutes=5)
AGAIN_AFTER_TROUBLE = timedelta(minutes=2)
AGAIN_AFTER_REFUSAL = timedelta(hours=6)
BATCH = 200
CAUSE = "sign_in_ended"

log = structlog.get_logger()


def renew_due(session: Session) -> int:
    """Starts the renewal of each token that a sending setup needs soon, and of each sign-in idle for a week."""
    now = utcnow()
    sends = select(OutboundConfig.id).where(
        OutboundConfig.credential_id == CredentialToken.credential_id, OutboundConfig.health.in_(SENDING_STATES)
    )
    ending = and_(CredentialToken.access_expires_at <= now + AHEAD, sends.exists())
    idle = and_(Credential.type == MICROSOFT_GRANT.name, CredentialToken.refreshed_at <= now - KEEP_ALIVE)
    wanted = (
        select(CredentialToken)
        .join(Credential, Credential.id == CredentialToken.credential_id)
        .where(CredentialToken.version == Credential.version, or_(ending, idle))
        .where(or_(CredentialToken.renew_at.is_(None), CredentialToken.renew_at <= now))
        .order_by(CredentialToken.access_expires_at)
        .limit(BATCH)
        .with_for_update(of=CredentialToken, skip_locked=True)
    )
    due = list(session.scalars(wanted))
    for row in due:
        row.renew_at = now + AGAIN_IF_LOST
        queues.enqueue_after_commit(session, JOB, str(row.credential_id))
    return len(due)


def run_renewal(credential_id: uuid.UUID) -> None:
    """Gets a new token as sending does, and notes what came of it."""
    try:
        service = _service(credential_id)
        if service is None:
            return
        service.tokens.token_for(service)
    except TransportError as error:
        with session_scope() as session:
            _failed(session, credential_id, error)
        return
    with session_scope() as session:
        _renewed(session, credential_id)


def _service(credential_id: uuid.UUID) -> MailService | None:
    """A service of one setup that uses the credential; of the first kind that could when there is none."""
    with session_scope() as session:
        credential = session.get(Credential, credential_id)
        if credential is None:
            return None
        config = next(iter(_setups(session, credential_id)), None)
        return connect(
            session,
            workspace_id=credential.workspace_id,
            kind=config.kind if config else kind_for(credential.type, public_facts(session, credential)),
            settings=config.settings if config else {},
            credential_id=credential_id,
            fresh=True,
        )


def kind_for(type_name: str, public: Mapping[str, str] | None = None) -> str:
    """The first kind of mail service that a credential of this type is made for; `public` says what was allowed."""
    allowed = {scope.rpartition("/")[2] for scope in (public or {}).get("account_scopes", "").split()}
    fitting = [one for one in registry.all_kinds() if type_name in one.credential_types]
    fitting = [one for one in fitting if one.sign_in_permission in allowed] or fitting
    wanted = credential_types.get(type_name).consent
    return next((one for one in fitting if one.consent is wanted), fitting[0]).kind


def _setups(session: Session, credential_id: uuid.UUID) -> list[OutboundConfig]:
    """The setups that use the credential, those that send first."""
    wanted = select(OutboundConfig).where(OutboundConfig.credential_id == credential_id)
    return sorted(session.scalars(wanted), key=lambda config: not config.sends)


def _renewed(session: Session, credential_id: uuid.UUID) -> None:
    """Whatever had stopped because of it is tried again."""
    credential = session.get(Credential, credential_id)
    if credential is None:
        return
    for config in _setups(session, credential_id):
        if config.health == BROKEN:
            start_probe(session, config)
    _resolve(session, credential, "Signing in works again.")


def signed_in_again(session: Session, credential: Credential) -> None:
    """A credential has a new version; one that is made by signing in has just proved that this works."""
    if credential_types.get(credential.type).consent is Consent.SIGN_IN:
        _resolve(session, credential, "Somebody signed in again.")


def _resolve(session: Session, credential: Credential, resolution: str) -> None:
    resolve_alerts(
        session,
        workspace_id=credential.workspace_id,
        subject_key=f"credential:{credential.id}",
        cause=CAUSE,
        resolution=resolution,
    )


def _failed(session: Session, credential_id: uuid.UUID, error: TransportError) -> None:
    log.info("renewal_failed", credential_id=str(credential_id), code=error.code, permanent=error.permanent)
    credential = session.get(Credential, credential_id)
    if credential is None:
        return
    _plan_again(session, credential, utcnow() + (AGAIN_AFTER_REFUSAL if error.permanent else AGAIN_AFTER_TROUBLE))
    if not error.permanent:
        return
    sending = [config for config in _setups(session, credential_id) if config.sends]
    for config in sending:
        health.backend_failed(session, config, error)
    if not sending:
        _alert(session, credential, error)


def _plan_again(session: Session, credential: Credential, at: datetime) -> None:
    row = session.scalar(
        select(CredentialToken).where(
            CredentialToken.credential_id == credential.id, CredentialToken.version == credential.version
        )
    )
    if row is not None:
        row.renew_at = at


def _alert(session: Session, credential: Credential, error: TransportError) -> None:
    """No mail waits for it, but somebody should know before mail does."""
    setup = next(iter(_setups(session, credential.id)), None)
    open_alert(
        session,
        workspace_id=credential.workspace_id,
        subject_key=f"credential:{credential.id}",
        subject_label=credential.name,
        severity="warning",
        cause=CAUSE,
        title=f"The sign-in “{credential.name}” no longer works",
        explanation=explain_failure(error, settings={}, public=public_context(session, credential)),
        fix_path=f"/setup/reconnect/{credential.id}",
        notify_address=setup.alerts_address if setup else "",
    )
