"""Finds out whether a stopped setup works again, without anybody's mail: signs in and hangs up."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.credentials.models import Credential
from mailsetup.mail_services.base import MailService, NullReport
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import health, hosts
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import BROKEN, MailHost, OutboundConfig

JOB = "mailsetup.outbound.jobs.probe"
AGAIN_IF_LOST = timedelta(minutes=10)
BATCH = 100


def probe_due(session: Session) -> int:
    """Starts a probe of each stopped setup whose time has come or whose credential was changed; how many."""
    now = utcnow()
    renewed = Credential.version != OutboundConfig.stopped_version
    wanted = (
        select(OutboundConfig)
        .outerjoin(Credential, Credential.id == OutboundConfig.credential_id)
        .where(OutboundConfig.health == BROKEN, or_(OutboundConfig.next_probe_at <= now, renewed))
        .where(~exists().where(MailHost.key == OutboundConfig.host_key, MailHost.paused_until > now))
        .order_by(OutboundConfig.next_probe_at)
        .limit(BATCH)
        .with_for_update(of=OutboundConfig, skip_locked=True)
    )
    due = [config for config in session.scalars(wanted) if hosts.may_try(session, config.host_key, now)]
    for config in due:
        start_probe(session, config)
    return len(due)


def start_probe(session: Session, config: OutboundConfig) -> None:
    """Has a worker try the setup once this transaction commits; a lost try is made again later."""
    health.probe_started(session, config, again_at=utcnow() + AGAIN_IF_LOST)
    queues.enqueue_after_commit(session, JOB, str(config.id))


def run_probe(config_id: uuid.UUID) -> None:
    """Signs in as the setup does, sends nothing, and notes what came of it."""
    try:
        service = _service(config_id)
        if service is not None:
            _open(service)
    except TransportError as error:
        with session_scope() as session:
            config = session.get(OutboundConfig, config_id)
            if config is not None:
                health.probe_failed(session, config, error)
                if hosts.away(error):
                    hosts.failed(session, config, error, utcnow())
        return
    with session_scope() as session:
        config = session.get(OutboundConfig, config_id)
        if config is not None:
            health.probe_passed(session, config)
            hosts.answered(session, config.host_key, utcnow())


def _service(config_id: uuid.UUID) -> MailService | None:
    with session_scope() as session:
        config = session.get(OutboundConfig, config_id)
        return connect_config(session, config, fresh=True) if config is not None and config.health == BROKEN else None


def _open(service: MailService) -> None:
    try:
        service.open(NullReport())
    finally:
        service.close()
