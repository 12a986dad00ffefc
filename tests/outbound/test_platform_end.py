"""The operator hears that our own app at Microsoft ends, each time once."""

from datetime import timedelta

import pytest

from mailsetup.alerts.notify import NotSent
from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.credentials.models import ExpiryNotice
from mailsetup.outbound import jobs, platform_end
from mailsetup.outbound.platform_end import JOB, tell_operators
from tests.alerts.conftest import free_port, sink

__all__ = ["sink"]
OLIVIA = "olivia@mailsetup.example"


@pytest.fixture
def sink_port():
    return free_port()


@pytest.fixture
def left():
    return 12


@pytest.fixture
def settings_changes(sink_port, left):
    return {
        "operator_smtp_url": Secret(f"smtp://127.0.0.1:{sink_port}?tls=none"),
        "microsoft_client_id": "00000000-1111-2222-3333-444444444444",
        "microsoft_client_expires": utcnow().date() + timedelta(days=left),
    }


def started(session):
    return [args for function, args in session.info.pop("mailsetup.jobs_after_commit", []) if function == JOB]


def test_it_writes_once_to_each_operator(session, sink):
    assert tell_operators(session) == 1
    assert started(session) == [(OLIVIA,)]
    session.rollback()
    jobs.tell_operator(OLIVIA)
    jobs.tell_operator(OLIVIA)
    [mail] = sink.mails
    assert mail["Subject"] == "Our own app at Microsoft ends in 12 days"
    assert "MAILSETUP_MICROSOFT_CLIENT_EXPIRES" in mail.get_body(("plain",)).get_content()
    assert tell_operators(session) == 0


def test_it_tries_again_what_was_not_accepted(session, sink):
    sink.refusal = "451 later"
    with pytest.raises(NotSent):
        jobs.tell_operator(OLIVIA)
    assert session.query(ExpiryNotice).all() == []
    assert tell_operators(session) == 1


@pytest.mark.parametrize("left", [61, 400, -31])
def test_it_says_nothing_while_nothing_is_due(session, left):
    assert (platform_end._due(), tell_operators(session)) == (None, 0)


def test_it_writes_to_nobody_who_is_no_operator(session, sink):
    jobs.tell_operator("stranger@example.org")
    assert sink.mails == []
