"""Pages of saved setups."""

import pytest
from sqlalchemy import select

from mailsetup.outbound import health, waiting
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import DEGRADED, HEALTHY, PAUSED, UNVERIFIED, OutboundConfig
from mailsetup.workspaces.models import AuditEvent
from tests import factories
from tests.outbound.conftest import refused


@pytest.fixture
def config(session, alice):
    credential = factories.make_credential(session, alice.workspace)
    found = factories.make_config(session, alice.workspace, name="Invoices", credential=credential)
    session.refresh(found)
    found.tested_fingerprint = config_fingerprint(found)
    session.commit()
    return found


@pytest.fixture
def stopped(session, config):
    health.backend_failed(session, config, refused())
    session.commit()
    return config


def test_it_says_what_a_setup_is_for_when_there_is_none(alice, bob):
    assert "Set up outbound mail" in alice.client.get("/outbound").text
    assert 'href="/setup"' not in bob.client.get("/outbound").text


def test_it_lists_setups_with_their_state(alice, stopped):
    page = alice.client.get("/outbound").text
    assert "Invoices" in page
    assert "Needs attention" in page


def test_it_says_why_mail_stopped_and_what_to_do(alice, stopped):
    page = alice.client.get(f"/outbound/{stopped.id}").text
    assert "Mail has stopped" in page
    assert "User name or password is not right" in page
    assert "explanation-steps" in page


@pytest.mark.parametrize("state", [HEALTHY, DEGRADED, UNVERIFIED, PAUSED])
def test_it_shows_every_state(alice, config, session, state):
    config.health = state
    session.commit()
    assert alice.client.get(f"/outbound/{config.id}").status_code == 200


def test_it_shows_a_banner_on_every_other_page(alice, bob, stopped, monkeypatch):
    monkeypatch.setattr(waiting, "_counters", [lambda _session, ids: dict.fromkeys(ids, 12)])
    for person in (alice, bob):
        page = person.client.get("/credentials").text
        assert "Mail through “Invoices” has stopped: user name or password is not right; 12 mails wait." in page
    assert "banner-bad" not in alice.client.get(f"/outbound/{stopped.id}").text


def test_it_shows_a_banner_for_an_untested_setup_only_while_mail_waits(alice, config, session, monkeypatch):
    config.health = UNVERIFIED
    session.commit()
    assert "has not passed a test yet" not in alice.client.get("/credentials").text
    monkeypatch.setattr(waiting, "_counters", [lambda _session, ids: dict.fromkeys(ids, 1)])
    assert "has not passed a test yet; 1 mail waits." in alice.client.get("/credentials").text


def test_it_pauses_and_resumes(alice, config, session):
    alice.client.post(f"/outbound/{config.id}/pause")
    assert config.health == PAUSED
    alice.client.post(f"/outbound/{config.id}/resume")
    assert config.health == HEALTHY
    actions = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert actions[-2:] == ["outbound:pause", "outbound:resume"]


def test_it_tries_to_sign_in_at_once(alice, stopped, session):
    from mailsetup.core import queues

    alice.client.post(f"/outbound/{stopped.id}/probe")
    assert [job.func_name for job in queues.queue(queues.TESTS).jobs] == ["mailsetup.outbound.jobs.probe"]


def test_it_starts_a_test_of_the_saved_values(alice, config):
    form = {"config_id": str(config.id), "recipient": "me@fabrikam.example"}
    answer = alice.client.post("/tests", data=form)
    assert answer.location.startswith("/tests/")
    assert "me@fabrikam.example" in alice.client.get(answer.location).text
    assert "Still going on" in alice.client.get(f"/outbound/{config.id}").text


def test_it_says_so_when_a_test_cannot_start(alice, config):
    answer = alice.client.post("/tests", data={"config_id": str(config.id), "recipient": "me"}, follow_redirects=True)
    assert "The test was not started." in answer.text


def test_it_keeps_the_rule_for_unknown_outcomes(alice, config):
    alice.client.post(f"/outbound/{config.id}/policy", data={"unknown_policy": "hold"})
    assert config.unknown_policy == "hold"
    assert alice.client.post(f"/outbound/{config.id}/policy", data={"unknown_policy": "shred"}).status_code == 422


def test_it_says_where_waiting_mail_goes_before_it_deletes(alice, config, session, monkeypatch):
    monkeypatch.setattr(waiting, "_counters", [lambda _session, ids: dict.fromkeys(ids, 3)])
    assert "They stay queued until there is another setup" in alice.client.get(f"/outbound/{config.id}/delete").text
    factories.make_config(session, alice.workspace, name="Receipts", is_default=False)
    page = alice.client.get(f"/outbound/{config.id}/delete").text
    assert "They go through “Receipts” instead" in page
    assert "becomes the default" in page
    alice.client.post(f"/outbound/{config.id}/delete")
    assert [row.name for row in session.scalars(select(OutboundConfig))] == ["Receipts"]


ACTS = ("pause", "resume", "probe", "default", "policy", "fallback", "delete")


@pytest.mark.parametrize("act", ACTS)
def test_it_lets_a_member_change_nothing(bob, config, act):
    assert bob.client.post(f"/outbound/{config.id}/{act}").status_code == 403
    assert config.health == HEALTHY


def test_it_does_not_exist_for_a_stranger(charlie, config):
    assert charlie.client.get(f"/outbound/{config.id}").status_code == 404
    for act in ACTS:
        assert charlie.client.post(f"/outbound/{config.id}/{act}").status_code == 404
    assert charlie.client.post("/tests", data={"config_id": str(config.id)}).status_code == 404


def test_it_finds_one_of_many_setups(alice, session):
    for number in range(60):
        state = PAUSED if number == 42 else HEALTHY
        factories.make_config(session, alice.workspace, name=f"Shop {number:02}", is_default=not number, health=state)
    first = alice.client.get("/outbound").text
    assert "Shop 00" in first
    assert "Shop 49" in first
    assert "Shop 50" not in first
    following = alice.client.get("/outbound?cursor=Shop+49").text
    assert "Shop 50" in following
    assert "Shop 00" not in following
    for query in ("q=SHOP+42", "state=paused"):
        found = alice.client.get(f"/outbound?{query}").text
        assert "Shop 42" in found
        assert "Shop 41" not in found
    assert "No setup matches" in alice.client.get("/outbound?q=nothing").text


def test_it_lets_an_admin_choose_who_carries_its_mail(alice, session, config):
    spare = factories.make_config(session, alice.workspace, name="Spare", is_default=False)
    answer = alice.client.post(
        f"/outbound/{config.id}/fallback", data={"fallback": str(spare.id)}, follow_redirects=True
    )
    assert "“Spare” carries its mail. The alert stays open" in answer.text
    assert config.fallback_id == spare.id
    assert alice.client.post(f"/outbound/{config.id}/fallback", data={"fallback": str(config.id)}).status_code == 422
    alice.client.post(f"/outbound/{config.id}/fallback", data={"fallback": ""})
    assert config.fallback_id is None
