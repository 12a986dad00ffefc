"""Erasing a workspace: nothing opens, nobody comes in, nothing is sent, and the operator keeps the fact."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from mailsetup.cli.audit import audit as audit_commands
from mailsetup.cli.workspaces import workspace as workspace_commands
from mailsetup.core import db
from mailsetup.core.crypto import Place
from mailsetup.core.db import Base
from mailsetup.core.errors import InvalidInput, UnsealError
from mailsetup.core.sealed_values import VERSION
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import Message, MessageBody
from mailsetup.privacy import erase, jobs
from mailsetup.privacy.models import Erasure
from mailsetup.workspaces import sealing
from mailsetup.workspaces.models import Workspace, WorkspaceKey
from tests import factories, walls
from tests.outbox import smtp_server
from tests.outbox.conftest import mail, setup_settings
from tests.people import Person

KEPT = {"audit_events", "audit_heads", "erasures"}


def erase_now(session, person: Person) -> uuid.UUID:
    workspace_id = person.workspace.id
    answer = person.client.post("/settings/data/erase", data={"typed": person.workspace.name})
    assert answer.status_code == 302
    session.expire_all()
    return workspace_id


def rows_of(session, workspace_id) -> dict[str, int]:
    session.commit()
    tables = [table for table in Base.metadata.sorted_tables if "workspace_id" in table.c]
    query = {table.name: select(func.count()).where(table.c.workspace_id == workspace_id) for table in tables}
    return {name: found for name, one in query.items() if (found := session.scalar(one))}


def test_it_leaves_nothing_but_the_fact(session, alice, charlie):
    for person in (alice, charlie):
        for make in walls.OBJECTS.values():
            make(session, person)
    before = rows_of(session, charlie.workspace.id)
    gone = erase_now(session, alice)
    jobs.work()
    assert set(rows_of(session, gone)) == KEPT
    assert session.get(Workspace, gone) is None
    assert rows_of(session, charlie.workspace.id) == before
    done = session.scalars(select(Erasure)).one()
    assert (done.asked_by, bool(done.finished_at)) == (alice.user.email, True)
    assert f"by {alice.user.email}, 1 mails waited" in CliRunner().invoke(workspace_commands, ["erased"]).output
    assert "a deleted workspace" in CliRunner().invoke(audit_commands, ["verify"]).output


def test_it_destroys_the_key_so_that_what_was_copied_stays_shut(session, alice):
    message_id = walls.message(session, alice)
    row = session.get(Message, message_id)
    place = erase_place(row)
    sealed = sealing.seal_body(session, place, b"reset link")
    assert sealed.startswith(VERSION.encode())
    session.commit()
    erase_now(session, alice)
    assert session.scalar(select(func.count()).select_from(WorkspaceKey)) == 0
    with pytest.raises(UnsealError, match="destroyed"):
        sealing.unseal_body(session, place, sealed)


def erase_place(row: Message) -> Place:
    return Place(str(row.workspace_id), MessageBody.__tablename__, str(row.id), "content")


def test_members_and_programs_lose_access_at_once(session, alice, bob):
    api_key = walls.api_key(session, alice)
    gone = erase_now(session, alice)
    assert bob.client.get("/messages").location == "/workspaces/new"
    assert "api_keys" not in rows_of(session, gone), api_key


def test_nothing_is_sent_any_more_whatever_was_claimed(session, alice):
    with smtp_server.running() as smtp:
        config = factories.make_config(session, alice.workspace, settings=setup_settings(smtp))
        for _ in range(3):
            queue_mail(session, alice.workspace, mail())
        session.commit()
        erase_now(session, alice)
        Drain(2, slice_seconds=2).run()
        assert smtp.mails == []
    assert session.get(OutboundConfig, config.id).health == "paused"
    assert session.scalars(select(Erasure.waiting)).one() == 3
    session.commit()
    jobs.work()
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_lane_in_the_middle_of_it_ends_quietly(session, alice):
    with smtp_server.running() as smtp:
        factories.make_config(session, alice.workspace, settings=setup_settings(smtp))
        for _ in range(3):
            queue_mail(session, alice.workspace, mail())
        session.commit()
        smtp.hold.clear()
        worker = walls_thread(Drain(1, slice_seconds=5).run)
        assert smtp.got_mail.wait(60)
        gone = erase_now(session, alice)
        jobs.work()
        smtp.hold.set()
        worker.join(60)
        assert not worker.is_alive()
    assert "messages" not in rows_of(session, gone)
    assert "alerts" not in rows_of(session, gone)


def walls_thread(run):
    worker = threading.Thread(target=run)
    worker.start()
    return worker


def test_it_goes_on_where_it_stopped(session, alice, monkeypatch):
    monkeypatch.setattr(erase, "BATCH", 2)
    config = factories.make_config(session, alice.workspace)
    for _ in range(5):
        factories.make_message(session, config)
    gone = erase_now(session, alice)
    assert erase.carry_on(time.monotonic())
    assert rows_of(session, gone)["messages"] == 3
    jobs.sweep(session)
    session.commit()
    jobs.work()
    assert set(rows_of(session, gone)) == KEPT


def test_other_processes_forget_the_key(session, alice):
    sealing.data_key(session, alice.workspace.id)
    kept = dict(sealing._cache)
    gone = erase_now(session, alice)
    sealing._cache.update(kept)
    with db.session_scope() as own:
        sealing.forget_destroyed(own)
    assert gone not in sealing._cache


def test_it_wants_the_name(session, alice):
    answer = alice.client.post("/settings/data/erase", data={"typed": "northwind"})
    assert answer.status_code == 422
    assert "exactly as it stands" in answer.text
    with pytest.raises(InvalidInput):
        erase.erase(session, alice.workspace, typed="", actor=alice.actor)
    assert session.get(WorkspaceKey, alice.workspace.id)


def test_it_is_for_owners(ada):
    assert ada.client.get("/settings/data/erase").status_code == 403
