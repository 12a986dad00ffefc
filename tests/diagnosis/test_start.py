"""Starting a test: what is refused, what is written, what the worker gets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from mailsetup.core import db, queues
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.diagnosis.models import CANCELLED, WAITING
from mailsetup.diagnosis.start import LIMIT, TooManyTests, cancel, last_run, start_test_run
from mailsetup.mail_services import registry
from mailsetup.outbound import binding
from mailsetup.workspaces.audit import SYSTEM
from tests import factories


def test_it_writes_every_stage_of_the_kind_as_pending(start):
    run = start()
    assert [stage.name for stage in run.stages] == list(registry.get("smtp_basic").stages)
    assert {stage.state for stage in run.stages} == {"pending"}
    assert run.state == WAITING


def test_it_gives_the_worker_the_id_and_nothing_else(start):
    run = start()
    [job] = queues.queue(queues.TESTS).jobs
    assert (job.func_name, list(job.args), job.kwargs) == ("mailsetup.diagnosis.jobs.run_test", [str(run.id)], {})


@pytest.mark.parametrize(
    "recipient", ["", "me", "me@fabrikam.example\r\nBcc: you@fabrikam.example", "x" * 300 + "@a.de"]
)
def test_it_refuses_what_is_no_address(start, recipient):
    with pytest.raises(InvalidInput) as caught:
        start(recipient=recipient)
    assert set(caught.value.fields) == {"recipient"}


def test_it_refuses_a_stranger_s_credential(start, session):
    fabrikam = factories.make_workspace(session, name="Fabrikam")
    with pytest.raises(NotFound):
        start(credential_id=factories.make_credential(session, fabrikam).id)


def test_it_refuses_to_send_a_stored_password_elsewhere(start, session, credential, values, server):
    binding.bind(session, credential, values["settings"])
    session.commit()
    with pytest.raises(InvalidInput) as caught:
        start(settings={**values["settings"], "host": "localhost"})
    assert set(caught.value.fields) == {"host"}
    assert server.connections == 0


def test_it_takes_ten_tests_a_minute_and_says_when_the_next_may_start(start, session):
    runs = [start() for _ in range(LIMIT)]
    with pytest.raises(TooManyTests) as caught:
        start()
    assert 0 < caught.value.retry_after <= 60
    runs[0].created_at = utcnow() - timedelta(seconds=61)
    session.commit()
    start()


def test_it_takes_ten_tests_a_minute_however_many_come_at_once(session, workspace, values):
    def begin(workspace_id):
        with db.session_scope() as own:
            try:
                start_test_run(own, workspace_id=workspace_id, actor=SYSTEM, user_id=None, **values)
            except TooManyTests:
                return 0
        return 1

    session.commit()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(begin, [workspace.id] * 2 * LIMIT)) == LIMIT


def test_it_cancels_a_test_that_waits_at_once(start, session):
    run = start()
    cancel(session, run, actor=SYSTEM)
    assert run.state == CANCELLED
    assert {stage.state for stage in run.stages} == {"skipped"}


def test_it_finds_the_last_test_of_exactly_these_values(conducted, session, workspace):
    first, second = conducted(), conducted()
    assert last_run(session, workspace.id, first.fingerprint) is second
    assert last_run(session, workspace.id, "0" * 64) is None
