"""Pages of tests."""

import re
from datetime import timedelta

import pytest

from mailsetup.core.clock import utcnow
from mailsetup.diagnosis import shown
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.start import LIMIT, start_test_run
from mailsetup.workspaces.models import AuditEvent
from tests import factories
from tests.fakes.smtp_server import smtp_server


@pytest.fixture
def server():
    with smtp_server() as running:
        yield running


@pytest.fixture
def run(session, alice, server):
    raw = {"username": "user", "password": server.logins["user"]}
    credential = factories.make_credential(session, alice.workspace, raw=raw)
    started = start_test_run(
        session,
        workspace_id=alice.workspace.id,
        actor=alice.actor,
        user_id=alice.user.id,
        kind="smtp_basic",
        settings=factories.smtp_settings(host="127.0.0.1", port=server.port),
        credential_id=credential.id,
        recipient="me@fabrikam.example",
    )
    session.commit()
    return started


def test_it_follows_a_test_with_and_without_scripts(alice, run):
    page = alice.client.get(f"/tests/{run.id}").text
    assert f'hx-get="/tests/{run.id}/stages"' in page
    assert '<noscript><meta http-equiv="refresh" content="2"></noscript>' in page
    assert "Finding 127.0.0.1" in page


def test_it_stops_asking_and_tells_the_page_once_there_is_a_verdict(alice, run):
    assert "HX-Trigger" not in alice.client.get(f"/tests/{run.id}/stages").headers
    run_test(str(run.id))
    answer = alice.client.get(f"/tests/{run.id}/stages")
    assert answer.headers["HX-Trigger"] == "testFinished"
    assert f'hx-get="/tests/{run.id}' not in answer.text
    assert "Look in me@fabrikam.example; it can take 2-3 minutes." in answer.text


def test_it_says_what_to_do_and_gives_a_bundle_without_the_password(alice, run, server):
    [password] = server.logins.values()
    server.replies["AUTH"] = f"535 5.7.8 {password}"
    run_test(str(run.id))
    page = alice.client.get(f"/tests/{run.id}").text
    assert "Test again" in page
    assert str(run.id) in page
    assert password not in page


def test_it_cancels_and_runs_again(alice, run):
    assert alice.client.post(f"/tests/{run.id}/cancel").status_code == 302
    assert run.state == "cancelled"
    answer = alice.client.post(f"/tests/{run.id}/again")
    assert answer.status_code == 302
    assert answer.location != f"/tests/{run.id}"


def _audited(session, run):
    found = session.query(AuditEvent).filter_by(subject_id=str(run.id)).order_by(AuditEvent.id)
    return [(event.action, event.actor_label) for event in found]


def test_who_cancelled_is_on_record_once(alice, run, session):
    for _ in range(2):
        alice.client.post(f"/tests/{run.id}/cancel")
    assert _audited(session, run) == [("test:start", alice.user.email), ("test:cancel", alice.user.email)]


def test_what_a_person_says_of_the_mail_is_kept_and_on_record(alice, run, session):
    run_test(str(run.id))
    for answer in ("no", "no", "perhaps", "yes"):
        alice.client.post(f"/tests/{run.id}/arrived", data={"arrived": answer})
    assert run.arrived == "yes"
    assert [action for action, _ in _audited(session, run)] == ["test:start", "test:not-arrived", "test:arrived"]
    assert "mail said to have arrived" in alice.client.get("/audit").text


def test_nobody_can_say_that_a_mail_arrived_before_it_was_sent(alice, run, session):
    alice.client.post(f"/tests/{run.id}/arrived", data={"arrived": "yes"})
    assert run.arrived != "yes"
    assert len(_audited(session, run)) == 1


def test_it_answers_429_and_says_when_to_try_again(alice, run):
    answers = [alice.client.post(f"/tests/{run.id}/again") for _ in range(LIMIT)]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert "Try again in" in answers[-1].text


def test_it_lets_a_member_look_but_not_act(bob, run):
    assert bob.client.get(f"/tests/{run.id}").status_code == 200
    assert bob.client.post(f"/tests/{run.id}/cancel").status_code == 403
    assert bob.client.post(f"/tests/{run.id}/again").status_code == 403


def test_it_does_not_exist_for_a_stranger(charlie, run):
    for path in (f"/tests/{run.id}", f"/tests/{run.id}/stages"):
        assert charlie.client.get(path).status_code == 404
    assert charlie.client.post(f"/tests/{run.id}/again").status_code == 404


def test_its_verdict_shows_at_once_and_renews_the_rest_of_the_page(alice, run):
    waiting = alice.client.get(f"/tests/{run.id}").text
    (renewed,) = re.findall('hx-select-oob="([^"]+)"', waiting)
    assert all(f'id="{part}"' in waiting for part in renewed.replace("#", "").split(","))
    run_test(str(run.id))
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://localhost/tests/{run.id}"}
    answer = alice.client.get(f"/tests/{run.id}/stages", headers=headers)
    assert "callout-good" in answer.text
    assert answer.headers["HX-Trigger"] == "testFinished"
    assert "HX-Refresh" not in answer.headers
    assert "testFinished from:body" in waiting
    assert "testFinished from:body" not in alice.client.get(f"/tests/{run.id}").text


def test_it_leads_to_a_refused_credential_and_back(alice, run, server):
    assert "Edit credential" not in alice.client.get(f"/tests/{run.id}").text
    server.replies["AUTH"] = "535 5.7.8 no"
    run_test(str(run.id))
    page = alice.client.get(f"/tests/{run.id}").text
    assert f"/credentials/{run.credential_id}/edit?next=/tests/{run.id}" in page


def test_it_asks_often_at_first_and_then_less(alice, run, session, monkeypatch):
    monkeypatch.setattr(shown, "YOUNG_SECONDS", 60.0)
    assert "delay:60ms" in alice.client.get(f"/tests/{run.id}/stages").text
    run.created_at = utcnow() - timedelta(seconds=61)
    session.commit()
    assert "delay:400ms" in alice.client.get(f"/tests/{run.id}/stages").text
