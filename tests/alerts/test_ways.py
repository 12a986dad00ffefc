"""Further ways: what each receives, when, and that every one of them tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update
from standardwebhooks import Webhook

from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.models import AlertNotice, AlertRoute
from mailsetup.alerts.routes import Wishes, add_route, change_route
from mailsetup.alerts.timing import due_at
from mailsetup.alerts.ways import open_route
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.platform import current_platform
from mailsetup.workspaces.audit import SYSTEM
from tests.alerts.conftest import all_notices, outcomes, solved, stopped
from tests.fakes.http_server import Answer, HTTPServer

IT = "it@northwind.example"
OPS = "ops@northwind.example"
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def receiver():
    with HTTPServer(None, lambda _asked: Answer()) as running:
        yield running


def way(session, workspace, **wishes):
    made = add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(**wishes))
    session.commit()
    return made


@pytest.mark.parametrize("channel", ["slack", "teams", "google_chat", "discord", "webhook"])
def test_it_tells_by_every_channel(session, workspace, sink, receiver, channel):
    way(session, workspace, channel=channel, address=receiver.url)
    alert = stopped(session, workspace, title="Mail <!channel> [x](https://evil.example) has stopped")
    send_notices()
    body = receiver.requests[0].body.decode()
    assert json.loads(body)
    assert str(alert.fix_path) in body
    if channel in {"slack", "google_chat"}:
        assert "<!channel>" not in body
    if channel in {"teams", "discord"}:
        assert "](http" not in body
    assert [state for *_rest, state in outcomes(session)] == ["sent", "sent"]


@pytest.mark.parametrize("channel", ["slack", "webhook"])
def test_no_way_of_a_customer_leads_into_our_own_network(session, workspace, sink, receiver, monkeypatch, channel):
    """Only the operator's own webhook may be anywhere."""
    monkeypatch.setattr(current_platform().door, "allow", ())
    way(session, workspace, channel=channel, address=receiver.url)
    stopped(session, workspace)
    send_notices()
    assert receiver.connections == 0
    assert [state for *_rest, state in outcomes(session)].count("sent") == 1


def test_it_signs_so_that_the_standards_own_package_believes_it(session, workspace, sink, receiver):
    _route, secret = way(session, workspace, channel="webhook", address=receiver.url)
    stopped(session, workspace)
    send_notices()
    asked = receiver.requests[0]
    told = Webhook(secret.reveal()).verify(asked.body, dict(asked.headers))
    assert (told["type"], told["data"]["mail_waiting"]) == ("alert.opened", 12)


def test_it_seals_address_and_secret(session, workspace, receiver):
    route, secret = way(session, workspace, channel="webhook", address=f"{receiver.url}/T0/B0/very-secret-part")
    row = session.connection().exec_driver_sql("SELECT * FROM alert_routes").mappings().one()
    assert "very-secret-part" not in str(dict(row))
    assert secret.reveal() not in str(dict(row))
    assert open_route(session, route)["secret"] == secret.reveal()


def test_another_host_gets_another_secret_and_the_same_one_keeps_it(session, workspace):
    route, first = way(session, workspace, channel="webhook", address="https://one.example/a")
    _route, kept = change_route(session, route, actor=SYSTEM, wishes=Wishes("webhook", "https://one.example/b"))
    _route, second = change_route(session, route, actor=SYSTEM, wishes=Wishes("webhook", "https://two.example/"))
    assert kept is None
    assert second not in {None, first}


@pytest.mark.parametrize(
    ("wishes", "hears"),
    [
        ({"severity": "error"}, True),
        ({"groups": ("stopped",)}, True),
        ({"groups": ("expiry",)}, False),
        ({"setups": ("1",)}, True),
        ({"setups": ("2",)}, False),
    ],
)
def test_it_sends_each_way_what_it_is_for(session, workspace, wishes, hears):
    way(session, workspace, address=OPS, **wishes)
    stopped(session, workspace)
    assert (OPS in {notice.target for notice in all_notices(session)}) is hears


@pytest.mark.parametrize("cause", ["secret_ends_30", "idle_ends_7", "platform_app_expiring_14"])
def test_a_way_for_what_expires_hears_of_every_end(session, workspace, cause):
    way(session, workspace, address=OPS, groups=("expiry",))
    stopped(session, workspace, severity="warning", cause=cause)
    assert OPS in {notice.target for notice in all_notices(session)}


def test_a_way_for_what_needs_a_person_hears_no_early_sign(session, workspace):
    way(session, workspace, address=OPS, severity="error")
    stopped(session, workspace, severity="warning", cause="queue_age")
    assert [notice.target for notice in all_notices(session)] == [IT]


NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=BERLIN)
DAY = datetime(2026, 11, 21, 15, 5, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("severity", "quiet_errors", "at", "due"),
    [
        ("warning", False, NIGHT, "2026-11-22 07:00"),
        ("error", False, NIGHT, "2026-11-21 23:30"),
        ("error", True, NIGHT, "2026-11-22 07:00"),
        ("warning", True, DAY, "2026-11-21 15:05"),
    ],
)
def test_quiet_hours_are_those_of_the_workspaces_zone(severity, quiet_errors, at, due):
    route = AlertRoute(quiet_from="22:00", quiet_until="07:00", quiet_errors=quiet_errors, digest="at_once")
    found = due_at(route, severity, at.astimezone(UTC), BERLIN)
    assert found.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") == due


def test_a_digest_gathers_and_leaves_in_one_piece(session, workspace, sink, time_machine):
    time_machine.move_to(utcnow().replace(minute=10))
    way(session, workspace, address=OPS, digest="hourly")
    for number in range(4):
        stopped(session, workspace, subject_key=f"outbound:{number}", title=f"Stop {number}")
    send_notices()
    assert OPS not in sink.recipients
    session.execute(update(AlertNotice).where(AlertNotice.target == OPS).values(next_attempt_at=utcnow()))
    session.commit()
    send_notices()
    mine = [mail for mail in sink.mails if mail["To"] == OPS]
    assert [mail["Subject"] for mail in mine] == ["Stop 0 (and 3 more)"]
    assert all(f"Stop {number}" in mine[0].get_body(("plain",)).get_content() for number in range(4))
    assert {state for _event, target, state in outcomes(session) if target == OPS} == {"sent"}


def test_what_is_solved_before_the_digest_leaves_is_not_told(session, workspace, sink):
    way(session, workspace, address=OPS, digest="daily")
    stopped(session, workspace)
    solved(session, workspace)
    session.execute(update(AlertNotice).values(next_attempt_at=utcnow() - timedelta(seconds=1)))
    session.commit()
    send_notices()
    assert sink.mails == []


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"channel": "slack", "address": "nowhere"}, "address"),
        ({"channel": "pigeon", "address": OPS}, ""),
        ({"address": OPS, "quiet_from": "25:00", "quiet_until": "07:00"}, "quiet_from"),
        ({"address": OPS, "quiet_from": "22:00"}, "quiet_until"),
        ({"address": OPS, "digest": "never"}, ""),
    ],
)
def test_it_refuses_wishes_that_make_no_sense(session, workspace, wishes, field):
    with pytest.raises(InvalidInput) as refused:
        way(session, workspace, **wishes)
    assert field in refused.value.fields
    session.rollback()
    assert session.scalar(select(AlertRoute)) is None
