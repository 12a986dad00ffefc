"""A test run against a scripted SMTP server on loopback."""

import pytest

from mailsetup.diagnosis import conduct
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import TestRun
from mailsetup.diagnosis.start import start_test_run
from mailsetup.workspaces.audit import SYSTEM
from tests import factories
from tests.fakes.smtp_server import smtp_server


@pytest.fixture
def workspace(session):
    return factories.make_workspace(session)


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def credential(session, workspace, server):
    [(username, password)] = server.logins.items()
    return factories.make_credential(session, workspace, raw={"username": username, "password": password})


@pytest.fixture
def values(server, credential):
    """What is tested, unless a test wants something else."""
    return {
        "kind": "smtp_basic",
        "settings": factories.smtp_settings(host="127.0.0.1", port=server.port),
        "credential_id": credential.id,
        "recipient": "me@fabrikam.example",
    }


@pytest.fixture
def start(session, workspace, values):
    """Writes a run, as the Test button does."""

    def start(**changes) -> TestRun:
        run = start_test_run(session, workspace_id=workspace.id, actor=SYSTEM, user_id=None, **{**values, **changes})
        session.commit()
        return run

    return start


@pytest.fixture
def conducted(session, start):
    """Writes a run, lets the worker's job run it, and reads it again."""

    def conducted(**changes) -> TestRun:
        run: TestRun = start(**changes)
        run_test(str(run.id))
        session.expire_all()
        return run

    return conducted


def states(run) -> dict[str, str]:
    return {stage.name: stage.state for stage in run.stages}


def look_again(session) -> None:
    """Reads from now on what others committed meanwhile."""
    session.rollback()
    session.expire_all()


def claimed(run) -> TestRun:
    """The run as the worker has it."""
    found = conduct.claim(run.id)
    assert found is not None
    return found
