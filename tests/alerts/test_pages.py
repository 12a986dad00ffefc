"""The alerts pages: what is open, who is told, whether telling worked, and another try."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select, update

from mailsetup.alerts import listeners, waiting
from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.listeners import SetupAddress
from mailsetup.alerts.models import Alert, AlertNotice, AlertRoute
from mailsetup.alerts.notices import TESTS_AN_HOUR
from mailsetup.workspaces.models import AuditEvent
from tests import people
from tests.alerts.conftest import all_notices, outcomes, solved, stopped

IT = "it@northwind.example"
OPS = "ops@northwind.example"
WAYS = "/alerts/ways/new?channel=email"
FORM = {"severity": "warning", "digest": "at_once"}
REASON = "The operator's mail server did not take it: 550 5.1.1"


@pytest.fixture(autouse=True)
def setups(monkeypatch):
    """One saved setup with an alerts address, as the setups' own package would report it."""
    monkeypatch.setattr(listeners, "_finders", [lambda _session, _workspace_id: [SetupAddress(IT, "Invoices")]])


def fail_all(session):
    session.execute(update(AlertNotice).values(state="failed", error=REASON, attempts=5))
    session.commit()


def test_it_says_when_nothing_is_wrong(alice):
    page = alice.client.get("/alerts")
    assert page.status_code == 200
    assert "Nothing is wrong" in page.text


def test_it_shows_an_open_alert_with_what_to_do(bob, session):
    alert = stopped(session, bob.workspace)
    listed, shown = bob.client.get("/alerts").text, bob.client.get(f"/alerts/{alert.id}").text
    assert alert.title in listed
    assert "12 mails wait" in listed
    for words in ("Your Microsoft admin", "Make a new client secret.", "AADSTS7000222", 'href="/outbound/1"'):
        assert words in shown


def test_it_keeps_solved_alerts(alice, session):
    alert = stopped(session, alice.workspace)
    solved(session, alice.workspace)
    assert alert.title in alice.client.get("/alerts").text
    assert "A test passed with the saved values." in alice.client.get(f"/alerts/{alert.id}").text


def test_it_pages_through_what_was(alice, session):
    for number in range(52):
        stopped(session, alice.workspace, title=f"Stop number {number:02}")
        solved(session, alice.workspace)
    first = alice.client.get("/alerts").text
    cursor = first.split("cursor=")[1].split('"')[0]
    second = alice.client.get(f"/alerts?cursor={cursor}").text
    seen = [f"Stop number {number:02}" for number in range(52)]
    assert all((title in first) != (title in second) for title in seen)
    assert alice.client.get("/alerts?cursor=nonsense").status_code == 200


def test_it_escapes_what_a_service_said(alice, session):
    hostile = {"title": "<script>alert(1)</script>", "steps": ["<img src=x>"], "quote": "<iframe>"}
    alert = stopped(session, alice.workspace, title="<script>alert(1)</script>", explanation=hostile)
    for path in ("/alerts", f"/alerts/{alert.id}"):
        page = alice.client.get(path).text
        assert not any(tag in page for tag in ("<script>alert", "<img src=x", "<iframe"))


def test_it_shows_a_failed_notice_with_its_reason_on_every_page(alice, session):
    stopped(session, alice.workspace)
    fail_all(session)
    assert "550 5.1.1" in alice.client.get("/alerts").text
    elsewhere = alice.client.get("/credentials").text
    assert "An alert could not be delivered: it@northwind.example was not told." in elsewhere


def test_it_announces_on_every_page_what_no_setup_announces(alice, session):
    title = "The certificate of “Contoso app” ends in 3 days"
    stopped(session, alice.workspace, subject_key="credential:1", cause="expiring", title=title, severity="warning")
    page = alice.client.get("/credentials").text
    assert title in page
    assert "banner-warn" in page
    assert title not in alice.client.get("/alerts").text.split("<main")[0]


def test_it_shows_how_many_wait_now(alice, session, monkeypatch):
    monkeypatch.setattr(waiting, "_counters", [lambda _session, _id, key: 1284 if key == "outbound:1" else None])
    alert = stopped(session, alice.workspace, waiting=3)
    assert "1,284 mails wait" in alice.client.get("/alerts").text
    assert "1,284" in alice.client.get(f"/alerts/{alert.id}").text


def test_it_sends_a_failed_notice_again(ada, session, sink):
    stopped(session, ada.workspace)
    fail_all(session)
    notice = all_notices(session)[0]
    assert ada.client.post(f"/alerts/notices/{notice.id}/send-again").status_code == 302
    send_notices()
    assert outcomes(session) == [("opened", IT, "sent")]
    assert session.scalar(select(AuditEvent.action).where(AuditEvent.subject == IT)) == "alert_notice:send_again"


def test_it_does_not_send_again_what_has_not_failed(alice, session):
    stopped(session, alice.workspace)
    notice = all_notices(session)[0]
    page = alice.client.post(f"/alerts/notices/{notice.id}/send-again")
    assert page.status_code == 409
    assert "has not failed" in page.text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", ""])
def test_it_leads_back_to_our_own_pages_only(alice, session, target):
    stopped(session, alice.workspace)
    fail_all(session)
    notice = all_notices(session)[0]
    answer = alice.client.post(f"/alerts/notices/{notice.id}/send-again", data={"next": target})
    assert answer.headers["Location"] == "/alerts"


def test_it_adds_and_removes_a_further_address(ada, session):
    assert ada.client.post(WAYS, data={**FORM, "address": f"  {OPS} "}).status_code == 302
    route = session.scalar(select(AlertRoute))
    assert (route.target, route.workspace_id) == (OPS, ada.workspace.id)
    assert OPS in ada.client.get("/alerts").text
    ada.client.post(f"/alerts/ways/{route.id}/delete")
    assert session.scalar(select(AlertRoute)) is None
    actions = session.scalars(select(AuditEvent.action).where(AuditEvent.subject == OPS).order_by(AuditEvent.id))
    assert list(actions) == ["alert_route:add", "alert_route:remove"]


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Type the address"),
        ("nobody", "Type an address like"),
        ("a@b.example\r\nBcc: c@d.example", "line break"),
        ("=?utf-8?q?a=0d=0a?=@b.example", "line break"),
        ("x" * 5000 + "@b.example", "too long"),
    ],
)
def test_it_refuses_what_is_no_address_beside_the_field(alice, session, typed, words):
    page = alice.client.post(WAYS, data={**FORM, "address": typed})
    assert page.status_code == 422
    assert words in page.text.split('id="f-address-error"')[1][:600]
    assert session.scalar(select(AlertRoute)) is None


def test_it_refuses_an_address_twice_whatever_its_case(alice, session):
    alice.client.post(WAYS, data={**FORM, "address": OPS})
    page = alice.client.post(WAYS, data={**FORM, "address": "OPS@northwind.example"})
    assert page.status_code == 422
    assert "on the list already" in page.text


def test_it_sends_a_test_mail_and_shows_how_it_went(ada, session, sink):
    assert ada.client.post("/alerts/addresses/test", data={"address": IT}).status_code == 302
    waiting = ada.client.get("/alerts/addresses").text
    assert "hx-get" in waiting
    send_notices()
    assert sink.recipients == [IT]
    shown = ada.client.get("/alerts/addresses").text
    assert "Accepted" in shown
    assert "hx-get" not in shown


def test_it_shows_why_a_test_mail_failed(alice, session, sink):
    sink.refusal = "550 5.1.1 No such user here"
    alice.client.post("/alerts/addresses/test", data={"address": IT})
    send_notices()
    page = alice.client.get("/alerts").text
    assert "No such user here" in page
    assert "Send again" in page


@pytest.mark.parametrize("address", ["victim@fabrikam.example", "", "IT@northwind.example"])
def test_it_writes_to_no_address_that_is_not_on_the_list(alice, session, address):
    assert alice.client.post("/alerts/addresses/test", data={"address": address}).status_code == 404
    assert all_notices(session) == []


def test_it_sends_only_so_many_test_mails_an_hour(alice, session):
    answers = [
        alice.client.post("/alerts/addresses/test", data={"address": IT}).status_code for _ in range(TESTS_AN_HOUR + 1)
    ]
    assert answers == [302] * TESTS_AN_HOUR + [409]


def test_it_shows_a_stranger_nothing(charlie, alice, session):
    alert = stopped(session, alice.workspace)
    fail_all(session)
    notice = all_notices(session)[0]
    alice.client.post(WAYS, data={**FORM, "address": OPS})
    route = session.scalar(select(AlertRoute))
    assert charlie.client.get(f"/alerts/{alert.id}").status_code == 404
    assert charlie.client.get(f"/alerts/{uuid.uuid4()}").status_code == 404
    assert charlie.client.post(f"/alerts/notices/{notice.id}/send-again").status_code == 404
    assert charlie.client.post(f"/alerts/ways/{route.id}/delete").status_code == 404
    assert charlie.client.post("/alerts/addresses/test", data={"address": OPS}).status_code == 404
    assert alert.title not in charlie.client.get("/alerts").text
    assert alert.title not in charlie.client.get("/credentials").text
    assert session.get(Alert, alert.id).resolved_at is None


def test_it_lets_a_member_see_and_not_change(bob, session):
    stopped(session, bob.workspace)
    fail_all(session)
    notice = all_notices(session)[0]
    for path, data in (
        (WAYS, {**FORM, "address": OPS}),
        (f"/alerts/ways/{uuid.uuid4()}/delete", {}),
        ("/alerts/addresses/test", {"address": IT}),
        (f"/alerts/notices/{notice.id}/send-again", {}),
    ):
        assert bob.client.post(path, data=data).status_code == 403
    page = bob.client.get("/alerts").text
    assert "Send again" not in page
    assert "Add a way" not in page
    assert outcomes(session) == [("opened", IT, "failed")]


def test_it_asks_a_visitor_to_sign_in(client):
    assert client.get("/alerts").status_code == 302


@pytest.fixture
def olga(app, session):
    return people.founder(app, session, name="Olga", email="olivia@mailsetup.example", workspace_name="Operations")


def for_all(session):
    alert = stopped(session, None, subject_key="workers", cause="no_worker", title="No worker runs", notify_address="")
    session.commit()
    return alert


def test_the_operator_sees_what_concerns_all_and_a_customer_does_not(olga, alice, session):
    for_all(session)
    assert "No worker runs" in olga.client.get("/operator/alerts").text
    assert "No worker runs" in olga.client.get("/credentials").text
    assert alice.client.get("/operator/alerts").status_code == 404
    assert "No worker runs" not in alice.client.get("/credentials").text


def test_the_operator_tests_a_way_and_takes_an_alert_on(olga, session, sink):
    alert = for_all(session)
    assert olga.client.post(f"/operator/alerts/{alert.id}/acknowledge").status_code == 302
    data = {"channel": "email", "target": "olivia@mailsetup.example"}
    assert olga.client.post("/operator/alerts/test", data=data).status_code == 302
    assert olga.client.post("/operator/alerts/test", data={**data, "target": OPS}).status_code == 404
    send_notices()
    page = olga.client.get("/operator/alerts").text
    assert "taken on by Olga" in page
    assert "Notice accepted" in page
    olga.client.post(f"/operator/alerts/{alert.id}/close")
    assert "Nothing is wrong" in olga.client.get("/operator/alerts").text


def test_an_admin_takes_on_snoozes_and_resolves(ada, session):
    alert = stopped(session, ada.workspace)
    address = f"/alerts/{alert.id}"
    assert ada.client.post(f"{address}/acknowledge").status_code == 302
    assert ada.client.post(f"{address}/snooze", data={"hours": "4"}).status_code == 302
    assert ada.client.post(f"{address}/snooze", data={"hours": "5"}).status_code == 422
    page = ada.client.get(address).text
    assert "by ada@northwind.example" in page
    assert "Quiet until" in page
    assert ada.client.post(f"{address}/close").status_code == 302
    assert "Closed by ada@northwind.example" in ada.client.get(address).text
    assert ada.client.post(f"{address}/close").status_code == 409


def test_a_snoozed_alert_sends_nothing_until_then(alice, session, sink):
    alert = stopped(session, alice.workspace)
    alice.client.post(f"/alerts/{alert.id}/snooze", data={"hours": "1"})
    send_notices()
    assert sink.mails == []
    assert "asked for quiet" in all_notices(session)[0].error


def test_a_webhooks_secret_is_shown_once_and_its_address_never(ada, session):
    data = {**FORM, "address": "https://shop.example/hooks/very-secret"}
    made = ada.client.post("/alerts/ways/new?channel=webhook", data=data)
    assert made.status_code == 201
    assert "whsec_" in made.text
    route = session.scalar(select(AlertRoute))
    for path in ("/alerts", f"/alerts/ways/{route.id}"):
        page = ada.client.get(path).text
        assert "shop.example" in page
        assert "whsec_" not in page
        assert "very-secret" not in page


def test_a_way_is_changed_and_keeps_its_address_when_it_is_left_blank(ada, session):
    ada.client.post(WAYS, data={**FORM, "address": OPS})
    route = session.scalar(select(AlertRoute))
    data = {
        **FORM,
        "address": "",
        "name": "Ops",
        "quiet_from": "22:00",
        "quiet_until": "07:00",
        "group_stopped": "true",
    }
    assert ada.client.post(f"/alerts/ways/{route.id}", data=data).status_code == 302
    session.refresh(route)
    assert (route.target, route.name, route.groups, route.quiet_from) == (OPS, "Ops", ["stopped"], "22:00")
    assert "quiet from 22:00 to 07:00" in ada.client.get("/alerts").text


def test_the_test_of_a_way_shows_its_stages(ada, session, sink):
    ada.client.post(WAYS, data={**FORM, "address": OPS})
    route = session.scalar(select(AlertRoute))
    assert ada.client.post(f"/alerts/ways/{route.id}/test").status_code == 302
    send_notices()
    page = ada.client.get("/alerts").text
    for words in ("Finding the server", "Connecting", "Address accepted", "Notice accepted"):
        assert words in page


@pytest.mark.parametrize("channel", ["operator", "", "EMAIL"])
def test_nobody_can_choose_the_operators_own_way_which_may_lead_anywhere(ada, session, channel):
    address = {"address": "https://127.0.0.1/x", **FORM}
    assert ada.client.post(f"/alerts/ways/new?channel={channel}", data=address).status_code == 404
    assert session.scalars(select(AlertRoute)).all() == []
