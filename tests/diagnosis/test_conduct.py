"""A test run from the button to the verdict."""

import email
import threading
import time

import pytest

from mailsetup.diagnosis import conduct
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import CANCELLED, FAILED, PASSED, RUNNING, TestRun
from mailsetup.diagnosis.start import cancel
from mailsetup.mail_services.kinds.smtp_basic import SMTPBasic
from mailsetup.outbound.models import HEALTHY, UNVERIFIED
from mailsetup.workspaces.audit import SYSTEM
from tests import factories
from tests.diagnosis.conftest import claimed, states
from tests.fakes.smtp_server import HANG_UP


def test_it_sends_a_real_mail_and_passes(conducted, server):
    run = conducted()
    assert run.state == PASSED, run.explanation
    assert run.verdict == "Accepted by 127.0.0.1."
    [sent] = server.mails
    mail = email.message_from_bytes(sent)
    assert (mail["From"], mail["To"]) == ("Northwind <ar@northwind.example>", "me@fabrikam.example")
    assert mail["Message-ID"].endswith("@northwind.example>")
    assert b"\n" not in sent.replace(b"\r\n", b"")


def test_it_writes_state_and_time_of_every_stage(conducted):
    run = conducted()
    assert set(states(run).values()) <= {"passed", "skipped"}
    assert states(run)["authenticate"] == "passed"
    assert all(stage.milliseconds is not None for stage in run.stages if stage.state == "passed")


@pytest.mark.parametrize(
    ("command", "reply", "stage"),
    [
        ("greeting", "554 5.7.1 go away", "connect"),
        ("AUTH", "535 5.7.8 no", "authenticate"),
        ("MAIL", "550 5.7.60 not yours", "sender"),
        ("RCPT", "550 5.1.1 nobody here", "recipient"),
        (".", "554 5.6.0 no", "accept"),
        ("AUTH", HANG_UP, "authenticate"),
    ],
)
def test_it_stops_at_the_stage_that_failed_and_says_what_to_do(conducted, server, command, reply, stage):
    server.replies[command] = reply
    run = conducted()
    names = [one.name for one in run.stages]
    assert run.state == FAILED
    assert states(run)[stage] == "failed"
    assert {states(run)[name] for name in names[names.index(stage) + 1 :]} <= {"skipped"}
    assert run.explanation["title"]
    assert run.explanation["steps"]
    assert run.verdict == run.explanation["title"]


def test_it_quotes_the_service_without_our_password(conducted, server):
    [password] = server.logins.values()
    server.replies["AUTH"] = f"535 5.7.8 {password} is wrong"
    run = conducted()
    assert "is wrong" in run.explanation["raw"]
    assert password not in str(run.explanation)


def test_it_checks_the_settings_again(conducted):
    run = conducted(settings=factories.smtp_settings(from_address="not an address"))
    assert states(run)["settings"] == "failed"
    assert run.explanation["cause"] == "settings_invalid"


def test_it_says_that_nobody_answers(conducted):
    run = conducted(settings=factories.smtp_settings(host="127.0.0.1", port=1))
    assert states(run)["connect"] == "failed"


def test_it_runs_once_however_often_the_doorbell_rings(conducted, server):
    run = conducted()
    run_test(str(run.id))
    assert len(server.mails) == 1


def test_it_ends_with_a_verdict_when_our_own_code_fails(conducted, monkeypatch):
    monkeypatch.setattr(SMTPBasic, "deliver", lambda *_: 1 / 0)
    run = conducted()
    assert (run.state, run.explanation["cause"]) == (FAILED, "fault_on_our_side")
    assert "ZeroDivision" not in str(run.explanation)


def held_at(server, command) -> threading.Event:
    """The server falls silent at this command until its release; the event says that it got there."""
    reached = threading.Event()

    def silent(talk):
        reached.set()
        server.release.wait(30)
        talk.write("250 ok")

    server.replies[command] = silent
    return reached


class Clock:
    """Jumps past every deadline once the server has fallen silent."""

    def __init__(self, reached: threading.Event) -> None:
        self.reached, self.asked = reached, 0

    def monotonic(self) -> float:
        self.asked += 1
        return time.monotonic() + (1000 if self.asked > 1 and self.reached.is_set() else 0)


def test_it_ends_at_its_deadline_whatever_the_server_does(start, server, session, monkeypatch):
    monkeypatch.setattr(conduct, "time", Clock(held_at(server, "RCPT")))
    run = claimed(start())
    conduct.conduct(run)
    run = session.get(TestRun, run.id, populate_existing=True)
    assert (run.state, run.explanation["cause"]) == (FAILED, "test_took_too_long")
    assert states(run)["recipient"] == "failed"


def test_it_stops_when_somebody_cancels(start, server, session):
    reached, run = held_at(server, "RCPT"), start()
    worker = threading.Thread(target=run_test, args=(str(run.id),))
    worker.start()
    assert reached.wait(60)
    session.expire_all()
    assert run.state == RUNNING
    cancel(session, run, actor=SYSTEM)
    session.commit()
    worker.join(60)
    session.expire_all()
    assert not worker.is_alive()
    assert (run.state, server.mails) == (CANCELLED, [])
    assert states(run)["recipient"] == "skipped"


def test_it_sends_nothing_after_it_was_ended(start, server, session, monkeypatch):
    before = threading.enumerate()
    monkeypatch.setattr(conduct, "time", Clock(held_at(server, "MAIL")))
    conduct.conduct(claimed(start()))
    [own] = [one for one in threading.enumerate() if one.name == "test-run" and one not in before]
    server.release.set()
    own.join(60)
    assert not own.is_alive()
    assert server.mails == []


def test_it_makes_a_setup_saved_with_these_values_healthy(conducted, session, workspace, credential, values):
    facts = {"settings": values["settings"], "credential": credential, "health": UNVERIFIED}
    same = factories.make_config(session, workspace, name="Same", **facts)
    other = factories.make_config(
        session, workspace, name="Other", is_default=False, **{**facts, "settings": factories.smtp_settings()}
    )
    conducted()
    assert (same.health, other.health) == (HEALTHY, UNVERIFIED)


def test_it_leaves_the_setup_alone_when_the_test_fails(conducted, session, workspace, credential, values, server):
    server.replies["RCPT"] = "550 5.1.1 nobody here"
    config = factories.make_config(session, workspace, settings=values["settings"], credential=credential)
    conducted()
    assert config.health == HEALTHY


def test_it_ties_the_password_to_the_server_only_once_it_signed_in(conducted, session, credential, server):
    from mailsetup.outbound.binding import bound_target

    server.replies["AUTH"] = "535 5.7.8 no"
    conducted()
    assert bound_target(session, credential) == ""
    server.replies.clear()
    conducted()
    assert bound_target(session, credential).startswith("127.0.0.1")
