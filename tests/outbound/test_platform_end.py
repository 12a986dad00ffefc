"""The operator hears that our own app at Microsoft ends, each time once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.models import Alert
from mailsetup.alerts.open import open_alerts
from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.outbound import platform_end
from mailsetup.outbound.platform_end import tell_operators
from tests.alerts.conftest import sink
from tests.ports import free_port

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


def told(session) -> bool:
    found = tell_operators(session)
    session.commit()
    return found


def test_it_writes_once_to_each_operator(session, sink):
    assert [told(session), told(session)] == [True, False]
    send_notices()
    [mail] = sink.mails
    assert sink.recipients == [OLIVIA]
    assert mail["Subject"] == "Our own app at Microsoft ends in 12 days"
    assert "MAILSETUP_MICROSOFT_CLIENT_EXPIRES" in mail.get_body(("plain",)).get_content()


def test_the_next_step_takes_the_place_of_the_one_before(session, settings, monkeypatch):
    told(session)
    monkeypatch.setattr(platform_end, "utcnow", lambda: utcnow() + timedelta(days=6))
    told(session)
    assert [alert.title for alert in open_alerts(session, None)] == ["Our own app at Microsoft ends in 6 days"]


def test_it_is_over_when_the_app_has_a_new_last_day(session, settings, monkeypatch):
    told(session)
    monkeypatch.setattr(platform_end, "utcnow", lambda: utcnow() - timedelta(days=100))
    told(session)
    assert open_alerts(session, None) == []


@pytest.mark.parametrize("left", [61, 400, -31])
def test_it_says_nothing_while_nothing_is_due(session, settings, left):
    assert not told(session)
    assert session.scalars(select(Alert)).all() == []


@pytest.mark.parametrize("left", [0])
def test_it_stays_open_however_long_ago_the_app_ended(session, settings, monkeypatch, left):
    told(session)
    monkeypatch.setattr(platform_end, "utcnow", lambda: utcnow() + timedelta(days=90))
    told(session)
    assert [alert.title for alert in open_alerts(session, None)] == ["Our own app at Microsoft ends today"]
