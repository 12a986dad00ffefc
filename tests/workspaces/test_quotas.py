"""What a workspace may use, and what happens at the end of it."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import func, select

from mailsetup.alerts.models import Alert
from mailsetup.api.keys import create_key
from mailsetup.core import db, walls
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import QuotaReached
from mailsetup.diagnosis.start import start_test_run
from mailsetup.events.endpoints import add_endpoint
from mailsetup.gateway import door
from mailsetup.outbox import queue_mail, quota
from mailsetup.outbox.models import Message
from mailsetup.outbox.queue import together
from mailsetup.workspaces import quotas
from mailsetup.workspaces.models import AuditEvent, Invitation, Workspace
from tests import factories


@pytest.fixture
def settings_changes():
    return {"quota_messages": 3, "quota_tests": 1, "quota_invitations": 1, "quota_webhooks": 1}


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch):
    monkeypatch.setattr(quota, "_seen", {})


def mail():
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "ar@northwind.example", "b@contoso.example", "Hello"
    message.set_content("Hello")
    return message


def queue_in_its_own_transaction(workspace_id):
    with walls.only(workspace_id), db.session_scope() as session:
        try:
            queue_mail(session, session.get_one(Workspace, workspace_id), mail())
        except QuotaReached:
            return 0
    return 1


def test_it_takes_no_more_messages_than_the_quota_however_many_come_at_once(session, alice):
    session.commit()
    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(queue_in_its_own_transaction, [alice.workspace.id] * 16))
    assert taken == session.scalar(select(func.count(Message.id))) == 3


def queue_together(workspace_id):
    with walls.only(workspace_id), db.session_scope() as session, together(session, 20):
        workspace, taken = session.get_one(Workspace, workspace_id), 0
        with suppress(QuotaReached):
            for _ in range(20):
                queue_mail(session, workspace, mail())
                taken += 1
    return taken


def test_it_takes_no_more_in_batches_either(session, alice):
    quotas.set_limit(session, alice.workspace, quotas.MESSAGES, 90, actor=alice.actor)
    session.commit()
    with ThreadPoolExecutor(8) as pool:
        taken = sum(pool.map(queue_together, [alice.workspace.id] * 8))
    assert taken == session.scalar(select(func.count(Message.id))) == 90


def test_it_tells_a_mail_program_to_come_again(session, alice):
    key, _ = create_key(session, workspace_id=alice.workspace.id, actor=alice.actor, name="Shop", scopes=["send"])
    session.commit()
    caller = door.Caller(key.id, alice.workspace.id, "Shop")
    answers = [door.accept(caller, mail().as_bytes(), ["b@contoso.example"]) for _ in range(4)]
    assert [answer[:3] for answer in answers] == ["250", "250", "250", "451"]


def test_it_tells_a_program_what_to_do_and_when_there_is_room(session, alice, client):
    _, key = create_key(session, workspace_id=alice.workspace.id, actor=alice.actor, name="Shop", scopes=["send"])
    fields = {"to": ["b@contoso.example"], "subject": "Hello", "text": "Hello"}
    headers = {"Authorization": f"Bearer {key.reveal()}"}
    batch = client.post("/api/v1/messages/batch", json={"messages": [dict(fields) for _ in range(4)]}, headers=headers)
    states = [result.get("error", {}).get("status", 202) for result in batch.get_json()["results"]]
    assert states == [202, 202, 202, 429]
    answer = client.post("/api/v1/messages", json=fields, headers=headers)
    assert answer.status_code == 429
    assert answer.content_type == "application/problem+json"
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400
    assert "raise the quota" in answer.get_json()["detail"]


def test_it_lets_the_operator_say_another_number(app, session, alice):
    session.commit()
    arguments = ["workspace", "quota", str(alice.workspace.id), "messages"]
    run = app.test_cli_runner().invoke
    assert run(args=[*arguments, "5000"]).output == "0 of 5,000 messages today\n"
    assert run(args=[*arguments, "usual"]).output == "0 of 3 messages today\n"
    assert run(args=[*arguments, "many"]).exit_code == 1


def test_it_counts_far_from_the_end_only_now_and_then(session, alice, monkeypatch):
    quotas.set_limit(session, alice.workspace, quotas.MESSAGES, 100_000, actor=alice.actor)
    asked = itertools.count()
    monkeypatch.setitem(quotas.counters, quotas.MESSAGES, lambda *_: next(asked))
    for _ in range(50):
        quota.admit(session, alice.workspace.id)
    assert next(asked) == 1


def test_it_refuses_without_counting_only_for_a_moment(session, alice):
    quota._seen[alice.workspace.id] = quota._Seen(utcnow() - quota.REFUSES_FOR, 0, 3, full=True)
    quota.admit(session, alice.workspace.id)


def test_it_refuses_one_invitation_too_many_beside_the_field(alice, session):
    for name in ("erin", "frank"):
        answer = alice.client.post("/members/invite", data={"email": f"{name}@contoso.example", "role": "member"})
    assert answer.status_code == 422
    assert "has used its 1 invitations of today. Nobody was invited" in answer.text
    assert session.scalar(select(func.count(Invitation.id))) == 1


def test_it_refuses_one_webhook_too_many(session, alice):
    facts = {"workspace_id": alice.workspace.id, "actor": alice.actor, "types": ["message.sent"]}
    add_endpoint(session, name="Shop", url="https://shop.example/hook", **facts)
    with pytest.raises(QuotaReached) as caught:
        add_endpoint(session, name="Till", url="https://till.example/hook", **facts)
    assert "Delete one" in caught.value.fields["url"]
    assert caught.value.retry_after is None


def test_it_refuses_one_test_too_many(session, alice):
    values: dict[str, Any] = {"kind": "smtp_basic", "settings": factories.smtp_settings(), "credential_id": None}
    values |= {"workspace_id": alice.workspace.id, "actor": alice.actor, "user_id": alice.user.id}
    start_test_run(session, recipient="it@northwind.example", **values)
    with pytest.raises(QuotaReached) as caught:
        start_test_run(session, recipient="it@northwind.example", **values)
    assert 0 < (caught.value.retry_after or 0) <= 86_400


def test_it_keeps_quotas_of_workspaces_apart_and_lets_the_operator_raise_one(session, alice, charlie):
    quotas.set_limit(session, alice.workspace, quotas.MESSAGES, 5, actor=alice.actor)
    limits = [quotas.limit_of(session, who.workspace.id, quotas.MESSAGES) for who in (alice, charlie)]
    assert limits == [5, 3]
    quotas.set_limit(session, alice.workspace, quotas.MESSAGES, None, actor=alice.actor)
    assert quotas.limit_of(session, alice.workspace.id, quotas.MESSAGES) == 3
    session.commit()
    changes = session.scalars(select(AuditEvent.detail).where(AuditEvent.action == "quota:change")).all()
    assert [change["now"] for change in changes] == ["5", "3"]


def test_it_shows_use_against_the_quota_and_warns_on_the_first_page(session, alice, bob):
    factories.make_config(session, alice.workspace)
    for _ in range(3):
        queue_mail(session, alice.workspace, mail())
    assert "3 of 3 messages today" in bob.client.get("/settings").text
    assert "This workspace has used 3 of 3 messages today." in bob.client.get("/").text


def test_it_tells_whoever_is_in_charge_before_mail_is_refused_and_when_there_is_room(session, alice):
    for _ in range(3):
        queue_mail(session, alice.workspace, mail())
    assert quota.watch(session) == 1
    alert = session.scalars(select(Alert)).one()
    assert (alert.workspace_id, alert.cause, alert.resolved_at) == (alice.workspace.id, "quota", None)
    quotas.set_limit(session, alice.workspace, quotas.MESSAGES, 100, actor=alice.actor)
    assert quota.watch(session) == 0
    session.refresh(alert)
    assert alert.resolved_at is not None
