"""Notices leave through the operator's mail server, and what goes wrong with that can be seen."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import update

from mailsetup.alerts import letter, notify
from mailsetup.alerts.jobs import send_notices
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.notices import JOB, write_test
from mailsetup.alerts.recipients import Recipient
from mailsetup.alerts.routes import Wishes, add_route
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.core.redact import Secret
from mailsetup.workspaces.audit import SYSTEM
from tests.alerts.conftest import STEPS, all_notices, outcomes, solved, stopped

IT = "it@northwind.example"


def parts(mail):
    return mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()


def test_it_mails_what_stopped_what_waits_and_what_to_do(session, workspace, sink):
    alert = stopped(session, workspace)
    send_notices()
    assert outcomes(session) == [("opened", IT, "sent")]
    mail = sink.mails[0]
    assert (mail["From"].addresses[0].addr_spec, mail["To"]) == ("alerts@mailsetup.example", IT)
    assert mail["Subject"] == "Mail through “Invoices” has stopped: The client secret has expired"
    for text in parts(mail):
        for fact in (*STEPS, "12 mails", "Your Microsoft admin", "http://localhost/outbound/1", str(alert.id)):
            assert fact in text
        assert "AADSTS7000222" not in text


def test_it_writes_to_every_address_in_a_mail_of_its_own(session, workspace, sink):
    add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address="ops@northwind.example"))
    stopped(session, workspace)
    send_notices()
    assert sorted(sink.recipients) == [IT, "ops@northwind.example"]
    assert {mail["To"] for mail in sink.mails} == set(sink.recipients)
    assert len({mail["Message-ID"] for mail in sink.mails}) == 2


def test_it_mails_the_recovery_with_how_long_and_how_many(session, workspace, sink):
    alert = stopped(session, workspace)
    send_notices()
    session.execute(
        update(Alert).where(Alert.id == alert.id).values(opened_at=utcnow() - timedelta(hours=2, minutes=5))
    )
    solved(session, workspace, waiting=31)
    send_notices()
    mail = sink.mails[1]
    assert mail["Subject"] == "Solved after 2 hours: Invoices"
    assert mail["References"] == sink.mails[0]["References"]
    for text in parts(mail):
        assert "31" in text
        assert "A test passed with the saved values." in text


def test_it_sends_a_test_mail_that_says_so(session, workspace, sink):
    write_test(session, workspace_id=workspace.id, actor=SYSTEM, recipient=Recipient("email", IT))
    session.commit()
    send_notices()
    assert outcomes(session) == [("tested", IT, "sent")]
    assert sink.mails[0]["Subject"] == "Test of alerts for Northwind"
    assert "Nothing is wrong" in parts(sink.mails[0])[0]


def test_it_sends_once_when_it_runs_twice(session, workspace, sink):
    stopped(session, workspace)
    send_notices()
    send_notices()
    assert len(sink.mails) == 1


def test_it_keeps_the_reason_and_tries_later_when_the_server_is_away(session, workspace):
    stopped(session, workspace)
    send_notices()
    notice = all_notices(session)[0]
    assert (notice.state, notice.attempts) == ("pending", 1)
    assert "operator's mail server" in notice.error
    assert timedelta(seconds=30) < notice.next_attempt_at - utcnow() < timedelta(seconds=61)


def test_it_sends_what_failed_before_once_the_server_is_back(session, workspace, sink):
    sink.refusal = "451 4.3.0 Try later"
    stopped(session, workspace)
    send_notices()
    assert outcomes(session) == [("opened", IT, "pending")]
    sink.refusal = ""
    session.execute(update(AlertNotice).values(next_attempt_at=utcnow()))
    session.commit()
    send_notices()
    assert outcomes(session) == [("opened", IT, "sent")]


def test_it_fails_at_once_for_an_address_that_does_not_exist(session, workspace, sink):
    sink.refusal = "550 5.1.1 No such user here"
    stopped(session, workspace)
    send_notices()
    notice = all_notices(session)[0]
    assert notice.state == "failed"
    assert "No such user here" in notice.error


@pytest.mark.parametrize("address", ["it@northwind.example\r\nBcc: evil@fabrikam.example", "no address", ""])
def test_it_fails_for_what_is_no_address_and_goes_on_with_the_others(session, workspace, sink, address):
    session.add(AlertNotice(workspace_id=workspace.id, event="tested", target=address))
    stopped(session, workspace)
    send_notices()
    assert sorted(state for *_rest, state in outcomes(session)) == ["failed", "sent"]
    assert sink.recipients == [IT]


def test_it_survives_a_fault_of_our_own_and_goes_on_with_the_others(session, workspace, sink, monkeypatch):
    add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address="ops@northwind.example"))
    stopped(session, workspace)
    write, calls = letter.write_letter, []

    def faulty(facts, *, sender):
        calls.append(facts)
        if len(calls) == 1:
            raise RuntimeError("a fault")
        return write(facts, sender=sender)

    monkeypatch.setattr(notify, "write_letter", faulty)
    send_notices()
    assert sorted(state for *_rest, state in outcomes(session)) == ["pending", "sent"]
    assert any("fault on our side" in notice.error for notice in all_notices(session))


def test_it_leaves_the_doorbell_ready_for_the_next_ring(session, workspace, sink):
    stopped(session, workspace)
    assert queues.connection().exists(queues.rung_key(JOB))
    send_notices()
    assert not queues.connection().exists(queues.rung_key(JOB))


class TestWithoutAnOperatorsMailServer:
    @pytest.fixture
    def settings_changes(self):
        return {"operator_smtp_url": Secret("")}

    def test_it_fails_and_names_the_setting(self, session, workspace):
        stopped(session, workspace)
        send_notices()
        notice = all_notices(session)[0]
        assert notice.state == "failed"
        assert "MAILSETUP_OPERATOR_SMTP_URL" in notice.error


class TestWithABrokenSetting:
    @pytest.fixture
    def settings_changes(self):
        return {"operator_smtp_url": Secret("smtp://user:sesame-9@mail.example:99999?tls=none")}

    def test_it_fails_without_telling_the_password(self, session, workspace):
        stopped(session, workspace)
        send_notices()
        notice = all_notices(session)[0]
        assert notice.state == "failed"
        assert "sesame" not in notice.error
