"""Connections stay alive: one refresh for all workers, ahead of the end, every week at least."""

import time
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from mailsetup.alerts.models import Alert
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.credentials.models import Credential, CredentialToken
from mailsetup.outbound import renewal
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import BROKEN, HEALTHY, PAUSED, OutboundConfig
from mailsetup.outbound.renewal import JOB, renew_due, run_renewal
from mailsetup.outbound.tokens import _memory
from tests.outbound.microsoft_fixtures import mailbox, settings_changes
from tests.outbound.microsoft_world import make_grant, make_setup
from tests.outbox.children import ended, forked

__all__ = ["mailbox", "settings_changes"]


@pytest.fixture
def credential(session, workspace, mailbox):
    return make_grant(session, workspace, mailbox)


@pytest.fixture
def config(session, credential, mailbox):
    return make_setup(session, credential, mailbox.address)


@pytest.fixture
def refreshes(box):
    """How often the token endpoint was asked for a refresh since the test began."""
    before = len(_refreshes(box))
    return lambda: len(_refreshes(box)) - before


def _refreshes(box):
    return [asked for asked in box.requests if asked.details.get("grant_type") == "refresh_token"]


def asked_for(session):
    return [args for function, args in session.info.get("mailsetup.jobs_after_commit", []) if function == JOB]


def token_row(session, credential) -> CredentialToken:
    session.rollback()
    row: CredentialToken = session.scalars(
        select(CredentialToken).where(CredentialToken.credential_id == credential.id),
        execution_options={"populate_existing": True},
    ).one()
    return row


def left(moment: datetime | None) -> timedelta:
    assert moment is not None
    return moment - utcnow()


def aged(session, credential, **values):
    session.execute(update(CredentialToken).where(CredentialToken.credential_id == credential.id).values(**values))
    session.commit()


def expire(session, box, credential):
    """The stored access token is of no use any more, and its refresh token works once."""
    box.world.change_organisation("contoso.com", single_use_refresh=True)
    aged(session, credential, access_expires_at=utcnow() - timedelta(hours=1))


def fetch_in_child(config_id, begin_at):
    with session_scope() as opened:
        service = connect_config(opened, opened.get_one(OutboundConfig, config_id))
    time.sleep(max(begin_at - time.time(), 0))
    service.tokens.token_for(service)


def test_it_sends_one_refresh_for_eight_processes_and_nobody_fails(box, session, config, credential, refreshes):
    box.token_lifetime = 60  # MSAL reuses no token with less than five minutes left
    with session_scope() as opened:
        service = connect_config(opened, opened.get_one(OutboundConfig, config.id), fresh=True)
    service.tokens.token_for(service)
    box.token_lifetime = 4200
    expire(session, box, credential)
    _memory.clear()
    before, begin_at = refreshes(), time.time() + 0.3
    children = [forked(lambda: fetch_in_child(config.id, begin_at)) for _ in range(8)]
    assert [ended(child) for child in children] == [0] * 8
    assert refreshes() - before == 1
    box.world.change_organisation("contoso.com", single_use_refresh=False)


def test_it_renews_what_a_sending_setup_needs_soon(session, config, credential, refreshes):
    aged(session, credential, access_expires_at=utcnow() + timedelta(minutes=9))
    assert renew_due(session) == 1
    assert asked_for(session) == [(str(credential.id),)]
    assert renew_due(session) == 0
    session.rollback()
    run_renewal(credential.id)
    row = token_row(session, credential)
    assert timedelta(minutes=30) < left(row.access_expires_at)
    assert (row.renew_at, refreshes(), row.revision) == (None, 1, 2)


def test_it_keeps_alive_what_was_signed_in_for_smtp_and_no_setup_uses(session, workspace, mailbox, refreshes):
    grant = make_grant(session, workspace, mailbox, "smtp_xoauth2")
    before = refreshes()
    run_renewal(grant.id)
    assert session.scalars(select(Alert)).all() == []
    assert (utcnow() - token_row(session, grant).refreshed_at < timedelta(minutes=1), refreshes() - before) == (True, 1)


def test_it_leaves_alone_what_lasts_or_sends_nothing(session, config, credential):
    aged(session, credential, access_expires_at=utcnow() + timedelta(minutes=11))
    assert renew_due(session) == 0
    config.health = PAUSED
    aged(session, credential, access_expires_at=utcnow())
    assert renew_due(session) == 0


def test_it_uses_every_sign_in_once_a_week_also_one_that_no_setup_has(session, credential, refreshes):
    aged(session, credential, refreshed_at=utcnow() - timedelta(days=6))
    assert renew_due(session) == 0
    aged(session, credential, refreshed_at=utcnow() - timedelta(days=7, minutes=1))
    assert renew_due(session) == 1
    session.rollback()
    run_renewal(credential.id)
    assert (utcnow() - token_row(session, credential).refreshed_at < timedelta(minutes=1), refreshes()) == (True, 1)


def test_it_stops_the_setup_and_tells_when_the_grant_is_gone(box, session, config, credential, mailbox):
    box.world.revoke_sessions(mailbox.address)
    run_renewal(credential.id)
    session.refresh(config)
    alert = session.scalars(select(Alert).where(Alert.workspace_id.is_not(None))).one()
    assert (config.health, config.health_cause) == (BROKEN, "grant_revoked")
    assert alert.subject_key == f"outbound:{config.id}"
    assert timedelta(hours=5) < left(token_row(session, credential).renew_at) <= timedelta(hours=6)
    assert timedelta(hours=5) < config.next_probe_at - utcnow() <= timedelta(hours=6)


def test_it_waits_out_trouble_at_microsoft(box, session, config, credential):
    box.switch("AADSTS90033")
    try:
        run_renewal(credential.id)
    finally:
        box.switch("AADSTS90033", on=False)
    session.refresh(config)
    assert (config.health, session.scalars(select(Alert)).all()) == (HEALTHY, [])
    assert left(token_row(session, credential).renew_at) <= timedelta(minutes=2)


def test_it_warns_about_a_sign_in_that_no_mail_waits_for_and_notices_its_recovery(box, session, credential, mailbox):
    box.world.change_mailbox(mailbox.address, blocked=True)
    run_renewal(credential.id)
    alert = session.scalars(select(Alert).where(Alert.workspace_id.is_not(None))).one()
    assert (alert.severity, alert.fix_path) == ("warning", f"/setup/reconnect/{credential.id}")
    box.world.change_mailbox(mailbox.address, blocked=False)
    session.commit()
    run_renewal(credential.id)
    session.refresh(alert)
    assert alert.resolved_at is not None


def test_it_forgets_a_credential_that_was_deleted(session, credential):
    session.delete(session.get_one(Credential, credential.id))
    session.commit()
    run_renewal(credential.id)
    assert renewal.renew_due(session) == 0
