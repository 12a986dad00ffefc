"""Taking a workspace away: everything of it, nothing of others, no secret, and it goes on where it stopped."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile

import pytest
from sqlalchemy import func, select

from mailsetup.core.db import Base
from mailsetup.outbox import bodies
from mailsetup.privacy import export, jobs, rows
from mailsetup.privacy.models import READY, Export, ExportPart
from mailsetup.workspaces.models import AuditEvent
from tests import factories, walls
from tests.people import Person

# Names that look like secrets and are none.
HARMLESS = {
    "secret_names", "secret_version", "old_secret_until", "tested_fingerprint", "fingerprint", "key", "idempotency_key",
    "subject_key", "mailbox_key", "host_key", "credential_version", "created_by",
}  # fmt: skip


def made(session, person: Person, **form: str) -> zipfile.ZipFile:
    assert person.client.post("/settings/data/exports", data=form).status_code == 302
    jobs.work()
    own = select(Export).where(Export.workspace_id == person.workspace.id).order_by(Export.created_at.desc())
    row = session.scalars(own).first()
    answer = person.client.get(f"/settings/data/exports/{row.id}/file")
    assert answer.status_code == 200
    return zipfile.ZipFile(io.BytesIO(answer.data))


def test_it_holds_everything_of_the_workspace_and_nothing_of_another(session, alice, charlie):
    for person in (alice, charlie):
        for make in walls.OBJECTS.values():
            make(session, person)
    taken = made(session, alice)
    names = {name.removesuffix(".json") for name in taken.namelist()}
    assert {"workspaces", "credentials", "messages", "members", "outbound_configs", "audit_events"} <= names
    for name in taken.namelist():
        if name.endswith(".json"):
            owners = {one.get("workspace_id", one["id"]) for one in json.loads(taken.read(name))}
            assert owners == {str(alice.workspace.id)}, name
    assert alice.user.email in taken.read("members.json").decode()


def test_it_takes_no_column_along_that_may_be_secret():
    taken = {column.name for table in rows.all_tables() for column in rows.columns_of(table)}
    odd = {name for name in taken if re.search("seal|hash|token|secret|wrapped|password|key|print", name)}
    assert odd <= HARMLESS


def test_it_holds_no_password(session, alice):
    credential = factories.make_credential(session, alice.workspace, raw={"username": "m", "password": "canary-7Kq2x"})
    taken = made(session, alice)
    assert str(credential.id) in taken.read("credentials.json").decode()
    assert not [name for name in taken.namelist() if b"canary-7Kq2x" in taken.read(name)]


@pytest.mark.parametrize("wanted", ["true", ""])
def test_it_holds_the_content_of_mail_only_when_asked(session, alice, wanted):
    message_id = walls.message(session, alice)
    bodies.store(session, alice.workspace.id, message_id, b"Subject: Hello\r\n\r\nWorld")
    session.commit()
    taken = made(session, alice, with_content=wanted)
    assert (f"content/{message_id}.eml" in taken.namelist()) == bool(wanted)


def test_it_goes_on_where_it_stopped_and_says_how_far_it_is(session, alice, monkeypatch):
    monkeypatch.setattr(rows, "BATCH", 2)
    config = factories.make_config(session, alice.workspace)
    for _ in range(5):
        factories.make_message(session, config)
    alice.client.post("/settings/data/exports")
    assert export.carry_on(time.monotonic())
    session.expire_all()
    page = alice.client.get("/settings/data", headers={"HX-Request": "true"}).text
    assert re.search(r"\d of \d+ rows", page)
    assert "hx-trigger" in page
    jobs.work()
    session.commit()
    row = session.scalars(select(Export)).one()
    assert (row.state, row.done) == (READY, row.total)
    assert session.scalar(select(func.count()).select_from(ExportPart)) == row.parts


def test_its_parts_are_sealed(session, alice):
    made(session, alice)
    assert not [one for one in session.scalars(select(ExportPart.sealed)) if b"Northwind" in one]


def test_it_makes_one_at_a_time_and_writes_it_down(session, alice):
    alice.client.post("/settings/data/exports")
    answer = alice.client.post("/settings/data/exports", follow_redirects=True)
    assert "being made already" in answer.text
    assert session.scalar(select(func.count()).select_from(Export)) == 1
    assert "Workspace taken away as a file" in alice.client.get("/audit").text


def test_it_writes_down_who_deleted_it(session, alice):
    made(session, alice)
    alice.client.post(f"/settings/data/exports/{session.scalar(select(Export.id))}/delete")
    deleted = AuditEvent.action == "workspace:delete-export"
    assert session.scalar(select(AuditEvent.actor_label).where(deleted)) == alice.user.email
    assert session.scalar(select(func.count(Export.id))) == 0


def test_it_is_for_owners(ada):
    assert ada.client.post("/settings/data/exports").status_code == 403
    assert Base.metadata.tables["exports"] not in rows.all_tables()
