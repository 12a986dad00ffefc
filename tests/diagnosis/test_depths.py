"""How far a test goes, and what it leaves behind for the next one."""

import pytest

from mailsetup.core import queues
from mailsetup.diagnosis import after, conduct
from mailsetup.diagnosis.models import FAILED, PASSED
from mailsetup.diagnosis.start import last_run
from tests import factories
from tests.diagnosis.conftest import states


def test_it_checks_everything_up_to_the_mail_and_sends_nothing(conducted, server):
    run = conducted(check_only=True)
    assert (run.state, run.verdict) == (PASSED, "Checked at 127.0.0.1. Nothing was sent.")
    assert (states(run)["recipient"], states(run)["accept"]) == ("passed", "skipped")
    assert run.stages[-1].verdict == "Not done: this check sends nothing."
    assert (server.mails, server.sent("DATA")) == ([], [])
    assert server.sent("RSET")


def test_it_holds_the_envelope_back_from_servers_that_take_it_at_once(conducted, server):
    server.features = (*server.features, "PIPELINING")
    assert conducted(check_only=True).state == PASSED
    assert (server.mails, server.sent("DATA")) == ([], [])


@pytest.mark.parametrize(("command", "stage"), [("MAIL", "sender"), ("RCPT", "recipient"), ("AUTH", "authenticate")])
def test_it_fails_where_the_test_would_fail(conducted, server, command, stage):
    server.replies[command] = "550 5.7.1 not allowed"
    run = conducted(check_only=True)
    assert (run.state, states(run)[stage]) == (FAILED, "failed")


def test_it_proves_nothing_about_sending(conducted, session, workspace, values):
    config = factories.make_config(session, workspace, settings=values["settings"], health="unverified")
    run = conducted(check_only=True, credential_id=None, config_id=config.id, settings=dict(config.settings))
    assert run.fingerprint
    assert last_run(session, workspace.id, run.fingerprint) is None
    assert config.health == "unverified"


def test_it_keeps_who_ran_it_and_what_the_mail_was_called(conducted, server):
    run = conducted()
    assert (run.worker, run.worker_since) == (conduct.WORKER, conduct.WORKER_SINCE)
    assert run.message_id.encode() in server.mails[0]


def test_it_goes_on_with_the_domain_of_the_sender(conducted):
    conducted(credential_id=None, settings=factories.smtp_settings(host="127.0.0.1", port=1))
    assert not [
        job for job in queues.queue(queues.TESTS).jobs if job.func_name == "mailsetup.diagnosis.jobs.check_domain"
    ]
    run = conducted()
    assert [job.func_name for job in queues.queue(queues.TESTS).jobs][-1] == "mailsetup.diagnosis.jobs.check_domain"
    assert not after.may_read(run)
