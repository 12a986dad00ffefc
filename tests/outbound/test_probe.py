"""A stopped setup is tried again without anybody's mail."""

from datetime import timedelta

import pytest

from mailsetup.core.clock import utcnow
from mailsetup.credentials.vault import update_credential
from mailsetup.mail_services.kinds.smtp_basic import SMTPBasic
from mailsetup.outbound import health, usage
from mailsetup.outbound.jobs import probe
from mailsetup.outbound.models import BROKEN, DEGRADED
from mailsetup.outbound.probe import JOB, probe_due
from mailsetup.workspaces.audit import SYSTEM
from tests.outbound.conftest import refused, unreachable


def started(session):
    return [args for function, args in session.info.get("mailsetup.jobs_after_commit", []) if function == JOB]


@pytest.fixture
def stopped(session, config):
    for _ in range(5):
        health.backend_failed(session, config, unreachable())
    session.commit()
    return config


def test_it_waits_for_its_time(session, stopped):
    assert probe_due(session) == 0
    stopped.next_probe_at = utcnow() - timedelta(seconds=1)
    assert probe_due(session) == 1
    assert started(session) == [(str(stopped.id),)]
    assert probe_due(session) == 0


def test_it_leaves_alone_what_needs_a_person(session, config):
    health.backend_failed(session, config, refused())
    assert probe_due(session) == 0


def test_it_tries_at_once_when_the_credential_was_changed(session, config, credential):
    usage.register()
    health.backend_failed(session, config, refused())
    raw = {"username": "mailer", "password": "the-right-one"}
    update_credential(session, credential, actor=SYSTEM, user_id=None, name=credential.name, raw=raw)
    assert started(session) == [(str(config.id),)]
    assert probe_due(session) == 0


def test_it_finds_a_changed_credential_by_itself_too(session, config, credential):
    health.backend_failed(session, config, refused())
    credential.version += 1
    session.flush()
    assert probe_due(session) == 1


@pytest.mark.parametrize(("error", "after"), [(None, DEGRADED), (unreachable(), BROKEN), (refused(), BROKEN)])
def test_it_signs_in_and_notes_what_came_of_it(session, stopped, monkeypatch, error, after):
    def open_(_service, _report):
        if error:
            raise error

    monkeypatch.setattr(SMTPBasic, "open", open_)
    probe(str(stopped.id))
    session.refresh(stopped)
    assert stopped.health == after
    assert (stopped.next_probe_at is not None) == (error is not None and not error.permanent)


def test_it_does_nothing_for_a_setup_that_works_or_is_gone(session, config, monkeypatch):
    monkeypatch.setattr(SMTPBasic, "open", lambda _service, _report: pytest.fail("it signed in"))
    probe(str(config.id))
    probe("00000000-0000-7000-8000-000000000000")
