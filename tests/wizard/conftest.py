"""A person on the way through the wizard, and a scripted mail server."""

import re

import pytest
from sqlalchemy import select

from mailsetup.wizard.models import SetupDraft
from tests import factories
from tests.fakes.smtp_server import smtp_server


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def credential(session, alice, server):
    raw = {"username": "user", "password": server.logins["user"]}
    return factories.make_credential(session, alice.workspace, name="Mail login", raw=raw)


@pytest.fixture
def begin(session, alice):
    """Begins a draft of this kind, as the first page does."""

    def begin(kind="smtp_basic", person=None, **form) -> SetupDraft:
        answer = (person or alice).client.post("/setup/new", data={"kind": kind, **form})
        assert answer.status_code == 302, answer.text
        found = re.search(r"/setup/([0-9a-f-]{36})/credential", answer.location)
        assert found
        draft: SetupDraft = session.scalar(select(SetupDraft).order_by(SetupDraft.id.desc()).limit(1))
        assert str(draft.id) == found[1]
        return draft

    return begin


@pytest.fixture
def sender(server):
    """What is typed at the step Sender and alerts."""
    return {
        "name": "Invoices",
        "host": "127.0.0.1",
        "port": str(server.port),
        "tls": "none",
        "allow_plain_login": "true",
        "from_address": "ar@northwind.example",
        "from_name": "Northwind",
        "alerts_address": "it@northwind.example",
        "action": "next",
    }


@pytest.fixture
def ready(begin, credential, sender, alice, session):
    """A draft with all answers given."""
    draft = begin()
    alice.client.post(f"/setup/{draft.id}/credential", data={"credential_id": str(credential.id)})
    answer = alice.client.post(f"/setup/{draft.id}/sender", data=sender)
    assert answer.location == f"/setup/{draft.id}/test", answer.text
    return draft
