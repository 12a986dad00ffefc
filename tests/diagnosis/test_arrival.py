"""Whether the test mail arrived, read in the recipient's mailbox where the app may, else told by a person."""

from datetime import timedelta

import pytest
from rq.job import Job

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.diagnosis import arrival
from mailsetup.diagnosis.jobs import look_for_mail, run_test
from mailsetup.diagnosis.models import PASSED
from mailsetup.mail_services.inbox import verdicts
from mailsetup.sandbox import Sandbox
from tests.diagnosis.conftest import look_again
from tests.outbound import microsoft_world as world

LOOK = "mailsetup.diagnosis.jobs.look_for_mail"


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSETUP_ENV", "test")
        with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
            yield running


@pytest.fixture
def settings_changes(box):
    return world.settings_for(box)


@pytest.fixture
def reading(box):
    """The app may read mail too."""
    consent, before = box.world.grant_consent(), None
    before = list(consent.roles)
    consent.roles.append("graph/Mail.Read")
    yield consent
    consent.roles[:] = before


@pytest.fixture
def sent(session, workspace, box, conducted):
    """Sends a test mail from one mailbox of Contoso to another."""

    def send(recipient: str = ""):
        credential = world.make_app_credential(session, workspace, box)
        mailbox = world.new_mailbox(box)
        settings = world.make_setup(
            session, credential, mailbox.address, "graph_client_credentials", is_default=False
        ).settings
        run = conducted(
            kind="graph_client_credentials",
            settings=settings,
            credential_id=credential.id,
            recipient=recipient or world.new_mailbox(box).address,
        )
        assert run.state == PASSED, run.explanation
        return run

    return send


def looks(run) -> list[Job]:
    return [job for job in queues.queue(queues.TESTS).jobs if job.func_name == LOOK and job.args == [str(run.id)]]


def test_it_finds_the_mail_and_what_the_receiver_thought_of_it(sent, reading, session):
    run = sent()
    assert looks(run)
    look_for_mail(str(run.id))
    look_again(session)
    assert (run.arrival["state"], run.arrival["folder"]) == ("arrived", "inbox")
    assert run.arrival["verdicts"] == {"spf": "pass", "dkim": "pass", "dmarc": "pass"}


def test_it_does_not_look_where_it_may_not(sent, session):
    run = sent()
    assert (run.arrival, looks(run)) == (None, [])
    look_for_mail(str(run.id))
    look_again(session)
    assert run.arrival is None


def test_it_looks_again_until_five_minutes_are_over(sent, reading, session, box):
    run = sent()
    box.state.store.clear_mails()
    look_for_mail(str(run.id))
    look_again(session)
    assert run.arrival == {"state": "looking"}
    queues.connection().flushall()
    arrival.look_again(session)
    session.commit()
    assert looks(run)
    run.finished_at = utcnow() - timedelta(minutes=6)
    session.commit()
    look_for_mail(str(run.id))
    look_again(session)
    assert run.arrival["state"] == "not_found"


def test_it_says_so_when_the_mailbox_is_somebody_else_s(sent, reading, session):
    run = sent(recipient="me@elsewhere.example")
    look_for_mail(str(run.id))
    look_again(session)
    assert run.arrival == {"state": "unreadable", "code": "ErrorInvalidUser"}


def test_it_sends_nothing_while_it_looks(sent, reading, box):
    run = sent()
    before = len(box.inbox())
    look_for_mail(str(run.id))
    run_test(str(run.id))
    assert len(box.inbox()) == before


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            "mx.test; spf=pass smtp.mailfrom=a.example; dkim=none; dmarc=fail",
            {"spf": "pass", "dkim": "none", "dmarc": "fail"},
        ),
        ("spf=softfail (x); dkim=pass header.d=a; dkim=fail header.d=b", {"spf": "softfail", "dkim": "pass"}),
        ("nothing of the kind", {}),
    ],
)
def test_it_reads_the_newest_verdict(value, expected):
    newest = {"name": "authentication-results", "value": value}
    older = {"name": "Authentication-Results", "value": "spf=none"}
    assert verdicts([{"name": "Received", "value": "x"}, newest, older]) == expected
