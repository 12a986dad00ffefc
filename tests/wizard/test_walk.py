"""Through the wizard from the question to the saved setup."""

import re

import pytest
from sqlalchemy import select

from mailsetup.core import queues
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import TestRun
from mailsetup.mail_services import registry
from mailsetup.outbound.models import HEALTHY, UNVERIFIED, OutboundConfig
from mailsetup.wizard.models import SetupDraft
from tests import factories


def run_queued_test():
    [job] = queues.queue(queues.TESTS).jobs
    run_test(*job.args)
    job.delete()


def saved(session) -> OutboundConfig:
    found: OutboundConfig = session.scalars(select(OutboundConfig)).one()
    return found


def test_it_asks_the_question_with_the_recommended_kind_first(alice):
    page = alice.client.get("/setup").text
    assert "What kind of mail service are you using?" in page
    places = [page.index(f'value="{service.kind}"') for service in registry.all_kinds()]
    assert places == sorted(places)
    assert page.index("Recommended") < places[1]


def test_it_goes_from_the_question_to_mail_that_flows(alice, ready, server, session):
    alice.client.post(f"/setup/{ready.id}/test", data={"recipient": "me@fabrikam.example"})
    run_queued_test()
    page = alice.client.get(f"/setup/{ready.id}/test").text
    assert "Look in me@fabrikam.example" in page
    assert "Continue to save" in page
    page = alice.client.get(f"/setup/{ready.id}/save").text
    assert "with these values" in page
    alice.client.post(f"/setup/{ready.id}/save")
    config = saved(session)
    assert (config.health, config.name, config.from_address) == (HEALTHY, "Invoices", "ar@northwind.example")
    assert config.alerts_address == "it@northwind.example"
    assert len(server.mails) == 1
    assert session.scalars(select(SetupDraft)).all() == []
    assert session.scalars(select(TestRun.config_id)).all() == [config.id]


def test_it_makes_a_credential_without_leaving(alice, begin, session):
    draft = begin()
    form = {"type": "smtp_login", "name": "Mail login", "username": "user", "password": "typed-once"}
    answer = alice.client.post(f"/setup/{draft.id}/credential/new", data=form)
    assert answer.location == f"/setup/{draft.id}/sender"
    assert draft.credential_id == session.scalars(select(Credential)).one().id
    assert "typed-once" not in alice.client.get(answer.location).text
    assert "typed-once" not in str(vars(draft))


def test_it_saves_untested_values_but_holds_their_mail(alice, ready, session):
    assert "Save untested" in alice.client.get(f"/setup/{ready.id}/save").text
    alice.client.post(f"/setup/{ready.id}/save")
    assert saved(session).health == UNVERIFIED


def test_it_notices_values_that_changed_since_the_test(alice, ready, sender, session):
    alice.client.post(f"/setup/{ready.id}/test", data={"recipient": "me@fabrikam.example"})
    run_queued_test()
    alice.client.post(f"/setup/{ready.id}/sender", data={**sender, "from_name": "Somebody else"})
    page = alice.client.get(f"/setup/{ready.id}/save").text
    assert "Values changed since the test" in page
    alice.client.post(f"/setup/{ready.id}/save")
    assert saved(session).health == UNVERIFIED


def test_it_says_why_a_test_failed_and_does_not_call_it_tested(alice, ready, server):
    server.replies["AUTH"] = "535 5.7.8 no"
    alice.client.post(f"/setup/{ready.id}/test", data={"recipient": "me@fabrikam.example"})
    run_queued_test()
    page = alice.client.get(f"/setup/{ready.id}/test").text
    assert "User name or password is not right" in page
    assert 'form="test-form"' in page
    assert "did not pass" in alice.client.get(f"/setup/{ready.id}/save").text


def test_the_list_of_steps_says_nothing_of_a_test_that_may_run_again(alice, ready):
    alice.client.post(f"/setup/{ready.id}/test", data={"recipient": "me@fabrikam.example"})
    run_queued_test()
    passed = '<span class="step-choice">Passed</span>'
    assert passed in alice.client.get(f"/setup/{ready.id}/save").text
    assert passed not in alice.client.get(f"/setup/{ready.id}/test").text


def test_it_is_resumed_where_it_was_left(alice, ada, begin, credential):
    draft = begin()
    assert alice.client.get(f"/setup/{draft.id}").location == f"/setup/{draft.id}/credential"
    alice.client.post(f"/setup/{draft.id}/credential", data={"credential_id": str(credential.id)})
    assert alice.client.get(f"/setup/{draft.id}").location == f"/setup/{draft.id}/sender"
    assert f"/setup/{draft.id}" in ada.client.get("/setup").text


def test_going_back_loses_nothing_not_even_what_is_wrong(alice, ready, sender, session):
    wrong = {**sender, "from_address": "not an address", "action": "back"}
    answer = alice.client.post(f"/setup/{ready.id}/sender", data=wrong)
    assert answer.location == f"/setup/{ready.id}/credential"
    assert "not an address" in alice.client.get(f"/setup/{ready.id}/sender").text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from_address", "nobody"),
        ("from_address", "a@b.example\r\nBcc: c@d.example"),
        ("from_name", "=?utf-8?q?a=0AB?="),
        ("host", "https://smtp.example.com/"),
        ("port", "99999"),
        ("alerts_address", "nobody"),
        ("name", ""),
        ("name", "x" * 121),
        ("from_name", "x" * 3000),
    ],
)
def test_it_says_what_is_wrong_at_the_field(alice, ready, sender, field, value):
    answer = alice.client.post(f"/setup/{ready.id}/sender", data={**sender, field: value})
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert f'id="f-{field}-error"' in answer.text


def test_it_keeps_what_was_typed_when_the_kind_changes(alice, ready, session):
    alice.client.post(f"/setup/{ready.id}/kind", data={"kind": "graph_client_credentials"})
    assert (ready.kind, ready.credential_id) == ("graph_client_credentials", None)
    assert ready.settings["from_address"] == "ar@northwind.example"
    assert ready.name == "Invoices"


def test_it_changes_a_saved_setup_only_when_that_is_saved(alice, session, credential, sender):
    config = factories.make_config(session, alice.workspace, name="Invoices", credential=credential)
    answer = alice.client.post(f"/setup/edit/{config.id}")
    draft = session.scalars(select(SetupDraft)).one()
    assert answer.location == f"/setup/{draft.id}/sender"
    alice.client.post(answer.location, data={**sender, "name": "Receipts"})
    assert config.name == "Invoices"
    page = alice.client.get(f"/setup/{draft.id}/save").text
    assert "<del>Invoices</del> Receipts" in page
    alice.client.post(f"/setup/{draft.id}/save")
    assert (config.name, config.health) == ("Receipts", UNVERIFIED)


def test_it_refuses_a_stored_password_for_another_server(alice, session, ready, sender, server):
    alice.client.post(f"/setup/{ready.id}/test", data={"recipient": "me@fabrikam.example"})
    run_queued_test()
    before = server.connections
    answer = alice.client.post(f"/setup/{ready.id}/sender", data={**sender, "host": "localhost"})
    assert answer.status_code == 422
    assert "never send a stored password to another place" in answer.text
    assert server.connections == before


def test_it_throws_a_draft_away(alice, ready, session, credential):
    alice.client.post(f"/setup/{ready.id}/discard")
    assert session.scalars(select(SetupDraft)).all() == []
    assert session.get(Credential, credential.id)


def test_it_is_for_admins_of_the_workspace(bob, charlie, ready):
    assert bob.client.get("/setup").status_code == 403
    assert bob.client.post(f"/setup/{ready.id}/save").status_code == 403
    for step in ("kind", "credential", "sender", "test", "save"):
        assert charlie.client.get(f"/setup/{ready.id}/{step}").status_code == 404
    assert charlie.client.post(f"/setup/{ready.id}/save").status_code == 404


def test_it_does_not_take_a_stranger_s_credential(alice, begin, session, charlie):
    theirs = factories.make_credential(session, charlie.workspace)
    draft = begin()
    answer = alice.client.post(f"/setup/{draft.id}/credential", data={"credential_id": str(theirs.id)})
    assert answer.status_code == 422
    assert draft.credential_id is None


@pytest.mark.parametrize(("step", "leads_to"), [("test", "sender"), ("save", "save")])
def test_it_does_nothing_with_answers_of_another_tab(alice, ready, sender, session, step, leads_to):
    page = alice.client.get(f"/setup/{ready.id}/{step}").text
    [shape] = re.findall(r'name="shape" value="(\w+)"', page)
    alice.client.post(f"/setup/{ready.id}/sender", data={**sender, "from_address": "other@northwind.example"})
    stale = {"shape": shape, "recipient": "me@fabrikam.example"}
    answer = alice.client.post(f"/setup/{ready.id}/{step}", data=stale)
    assert answer.location == f"/setup/{ready.id}/{leads_to}"
    assert "changed meanwhile" in alice.client.get(answer.location).text
    assert session.scalars(select(TestRun)).all() == session.scalars(select(OutboundConfig)).all() == []


@pytest.mark.parametrize("step", ["test", "save"])
def test_no_step_is_skipped_by_asking_for_a_later_one(alice, begin, session, step):
    draft = begin()
    answer = alice.client.post(f"/setup/{draft.id}/{step}", data={"recipient": "me@fabrikam.example"})
    assert answer.location == f"/setup/{draft.id}/sender"
    assert session.scalars(select(TestRun)).all() == session.scalars(select(OutboundConfig)).all() == []
    assert not any(queues.queue(name).jobs for name in (queues.MAIL, queues.TESTS))
