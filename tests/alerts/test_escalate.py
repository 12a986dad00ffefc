"""Every combination of failing channels ends with somebody told, or with the banner: never with silence."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select, update

from mailsetup.alerts import listeners
from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.listeners import SetupAddress
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.routes import Wishes, add_route
from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.mail_services.webhooks import new_secret
from mailsetup.workspaces.audit import SYSTEM
from tests.alerts.conftest import outcomes, stopped
from tests.fakes.http_server import Answer, HTTPServer

IT = "it@northwind.example"
ROUNDS = 8
FAILING = [set(names) for count in range(4) for names in itertools.combinations(("mailer", "slack", "operator"), count)]


@pytest.fixture
def receiver():
    with HTTPServer(None, lambda _asked: Answer()) as running:
        yield running


@pytest.fixture
def operator_hook():
    with HTTPServer(None, lambda _asked: Answer()) as running:
        yield running


@pytest.fixture
def settings_changes(sink_port, operator_hook):
    return {
        "operator_smtp_url": Secret(f"smtp://127.0.0.1:{sink_port}?tls=none"),
        "operator_webhook_url": Secret(operator_hook.url),
        "operator_webhook_secret": new_secret(),
    }


def go_on(session):
    """Sends what is due until nothing changes any more, as time goes by."""
    for _ in range(ROUNDS):
        send_notices()
        late = update(AlertNotice).where(AlertNotice.state == "pending")
        session.execute(late.values(next_attempt_at=utcnow()))
        session.commit()


def slack(session, workspace, receiver):
    wishes = Wishes(channel="slack", address=receiver.url)
    route, _secret = add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=wishes)
    session.commit()
    return route


@pytest.mark.parametrize("failing", FAILING, ids=lambda names: "+".join(sorted(names)) or "none")
def test_row_57_every_combination_of_failing_channels_ends_with_somebody_told_or_the_banner(
    alice, session, sink, receiver, operator_hook, failing
):
    slack(session, alice.workspace, receiver)
    sink.refusal = "451 4.3.0 not now" if "mailer" in failing else ""
    for name, server in (("slack", receiver), ("operator", operator_hook)):
        if name in failing:
            server.answer = lambda _asked: Answer(500)
    stopped(session, alice.workspace)
    go_on(session)
    told = bool(sink.mails) or "slack" not in failing or "operator" not in failing
    assert told == any(state == "sent" for *_rest, state in outcomes(session))
    page = alice.client.get("/credentials").text
    assert told or "could not be delivered" in page
    assert alice.client.get("/alerts").text.count("Mail through “Invoices” has stopped") >= 1


def test_row_57_alerts_about_alerts_stop_at_depth_one(alice, session, sink, receiver, operator_hook):
    slack(session, alice.workspace, receiver)
    sink.refusal = "451 4.3.0 not now"
    receiver.answer = operator_hook.answer = lambda _asked: Answer(500)
    stopped(session, alice.workspace)
    go_on(session)
    session.expire_all()
    depths = [alert.depth for alert in session.scalars(select(Alert))]
    assert max(depths) == 1
    assert len(depths) <= 5
    assert not session.scalars(select(AlertNotice).where(AlertNotice.state == "pending")).all()


def test_a_failing_way_is_reported_by_the_next_and_never_through_itself(alice, session, sink, receiver):
    route = slack(session, alice.workspace, receiver)
    receiver.answer = lambda _asked: Answer(410)
    stopped(session, alice.workspace)
    go_on(session)
    report = session.scalars(select(Alert).where(Alert.cause == "way_failed")).one()
    assert (report.depth, report.subject_label) == (1, route.target)
    assert {notice.target for notice in report.notices} == {"alice@northwind.example"}
    assert len(receiver.requests) == 1


def test_a_way_that_works_again_ends_the_report(alice, session, sink, receiver):
    slack(session, alice.workspace, receiver)
    receiver.answer = lambda _asked: Answer(500)
    stopped(session, alice.workspace)
    for _ in range(2):
        go_on_once(session)
    receiver.answer = lambda _asked: Answer(200)
    go_on(session)
    report = session.scalars(select(Alert).where(Alert.cause == "way_failed")).one()
    assert report.resolved_at is not None


def go_on_once(session):
    send_notices()
    session.execute(update(AlertNotice).where(AlertNotice.state == "pending").values(next_attempt_at=utcnow()))
    session.commit()


def test_an_address_that_does_not_exist_leads_to_the_owner_within_five_minutes(alice, session, sink, monkeypatch):
    monkeypatch.setattr(listeners, "_finders", [lambda _session, _id: [SetupAddress(IT, "Invoices")]])
    sink.refuse_only = IT
    stopped(session, alice.workspace)
    send_notices()
    assert "alice@northwind.example" in sink.recipients


def test_nobody_in_the_workspace_leads_to_the_operator(session, workspace, sink, operator_hook):
    stopped(session, workspace, notify_address="")
    go_on(session)
    assert "olivia@mailsetup.example" in sink.recipients
    assert "nobody_told" in {alert.cause for alert in session.scalars(select(Alert))}
    assert len(operator_hook.requests) == 1
