"""Secrets go in through pages and the API, mail servers fail and repeat them: none comes out again."""

from __future__ import annotations

import base64
import io
import re
import secrets
import zipfile
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.jobs import send_notices
from mailsetup.core import logs, queues
from mailsetup.core.redact import Secret
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import TestRun
from mailsetup.events.jobs import deliver_events
from mailsetup.outbound.models import HEALTHY, OutboundConfig
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import Message
from mailsetup.privacy import jobs as privacy_jobs
from mailsetup.privacy.models import Export
from mailsetup.settings import Settings
from mailsetup.workspaces.jobs import send_letters
from tests import factories, walls
from tests.outbox import smtp_server
from tests.outbox.smtp_server import Server
from tests.people import Person
from tests.test_walls import Door, doors

__all__ = ["doors"]
GUID = "6f5902ac-0000-4000-8000-0f2bd6a1e7c3"
# What a mail says is for admins, and for whoever takes it away on purpose.
SHOWS_CONTENT = {"messages.content"}
FAULTS = ("535 5.7.8 no: {blob} {secret}", "454 4.7.0 later {secret}", "hang up", "999 {secret}", "535 \x1b[31m{blob}")


@pytest.fixture
def operator_server() -> Iterator[Server]:
    with smtp_server.running() as server:
        yield server


@pytest.fixture
def settings_changes(operator_server: Server) -> dict[str, Any]:
    password = secrets.token_hex(12)
    operator_server.answers["EHLO"] += ["250-here\r\n250 AUTH PLAIN LOGIN"] * 100
    operator_server.answers["AUTH"] += [f"535 5.7.8 no: {password}", *["235 welcome"] * 100]
    return {"operator_smtp_url": Secret(f"smtp://ops:{password}@127.0.0.1:{operator_server.port}?tls=none")}


def of_the_operator(settings: Settings) -> str:
    """The password of the operator's own mail server."""
    return urlsplit(settings.operator_smtp_url.reveal()).password or ""


def new_password_link(person: Person, server: Server) -> str:
    """The secret of the link in the letter for who forgot their password; the letter itself may hold it."""
    person.client.post("/sign-in/forgotten", data={"email": person.user.email})
    send_letters()
    letter = message_from_bytes(server.mails.pop(), policy=policy.default)
    found = re.search(r"/new-password/([\w-]{20,})", str(letter.get_body(("plain",))))
    assert found
    return found[1]


def made_by(answer: Any, pattern: str) -> str:
    found = re.search(pattern, answer.get_data(as_text=True))
    assert found, answer.get_data(as_text=True)[:2000]
    return found.group(1)


def seed(person: Person) -> dict[str, str]:
    """What was typed, and what was made and shown once."""
    post, typed = (
        person.client.post,
        {name: f"canary-{secrets.token_hex(9)}" for name in ("login", "app", "mail", "way")},
    )
    post("/credentials/new", data={"type": "smtp_login", "name": "L", "username": "u", "password": typed["login"]})
    app = {"type": "microsoft_app", "name": "A", "cloud": "global", "tenant_id": GUID, "client_id": GUID}
    post("/credentials/new", data={**app, "client_secret": typed["app"]})
    way = {"severity": "warning", "digest": "at_once"}
    post("/alerts/ways/new?channel=slack", data={**way, "address": f"https://hooks.example.com/{typed['way']}"})
    hook = {"name": "Shop", "url": "https://shop.example.com/hooks", "types": ["message.sent"]}
    key = post("/api-keys/new", data={"name": "Shop", "scopes": ["send", "read", "test"]})
    invited = post("/members/invite", data={"email": "new@northwind.example", "role": "member"})
    draft = post("/setup/new", data={"kind": "graph_client_credentials"}).location.removesuffix("/credential")
    signed = post("/alerts/ways/new?channel=webhook", data={**way, "address": "https://ops.example.com/x"})
    return {
        **typed,
        "event": made_by(post("/events/new", data=hook), r"(whsec_[\w+/=-]+)"),
        "key": made_by(key, r"(oms_live_\w{49})"),
        "calendar": made_by(post("/credentials/calendar"), r"/calendar/([\w-]{20,})\.ics"),
        "invitation": made_by(invited, r"/invitations/([\w-]{20,})"),
        "hand-over": made_by(post(f"{draft}/handover"), r"/handover/([\w-]{43})<"),
        "signing": made_by(signed, r"(whsec_[\w+/=-]+)"),
        "password": factories.PASSWORD,
    }


def spellings(secret: str) -> set[str]:
    """The secret as it stands, and as it looks when it is sent to a mail server."""
    blobs = (secret, f"\0u\0{secret}")
    return {secret, *(base64.b64encode(blob.encode()).decode().rstrip("=") for blob in blobs)}


def fail(server: Server, secret: str) -> None:
    """The next conversations end with what this service says, which repeats the login."""
    blob = base64.b64encode(f"\0u\0{secret}".encode()).decode()
    server.answers["EHLO"] += ["250-here\r\n250 AUTH PLAIN LOGIN"] * 20
    server.answers["AUTH"] += [fault.format(blob=blob, secret=secret) for fault in FAULTS] * 2


def work(session: Session, person: Person, config: OutboundConfig) -> None:
    """Every fault by a test and by a delivery; then everybody is told."""
    for _ in FAULTS:
        person.client.post("/tests", data={"config_id": config.id})
        run = session.scalars(select(TestRun).order_by(TestRun.id.desc())).first()
        assert run is not None
        session.commit()
        run_test(str(run.id))
        session.execute(update(OutboundConfig).values(health=HEALTHY, blocked_until=None))
        session.commit()
        Drain(1, slice_seconds=10).run()
    send_notices()
    deliver_events()


def in_redis() -> str:
    found = []
    for name in queues.QUEUES:
        found += [f"{job.args} {job.description} {job.meta} {job.exc_info}" for job in queues.queue(name).jobs]
    store = queues.connection()
    for key in store.scan_iter():
        kind = store.type(key)
        value = store.hgetall(key) if kind == b"hash" else store.get(key) if kind == b"string" else b""
        found.append(f"{key!r} {value!r}")
    return "\n".join(found)


def pages(found: list[Door], person: Person, key: str) -> dict[str, str]:
    taken = {}
    for door in found:
        if door.method == "GET" and door.endpoint not in SHOWS_CONTENT:
            headers = {"Authorization": f"Bearer {key}"} if door.rule == "api" else {}
            taken[str(door)] = person.client.get(door.path, headers=headers).data.decode(errors="replace")
    return taken


def exported(session: Session, person: Person) -> str:
    person.client.post("/settings/data/exports")
    privacy_jobs.work()
    row = session.scalars(select(Export).where(Export.parts > 0)).one()
    taken = zipfile.ZipFile(io.BytesIO(person.client.get(f"/settings/data/exports/{row.id}/file").data))
    return "\n".join(taken.read(name).decode() for name in taken.namelist())


def test_no_secret_comes_out_again(
    app: Flask, session: Session, alice: Person, operator_server: Server, doors: list[Door], capfd: Any,
    settings: Settings,
) -> None:  # fmt: skip
    logs.configure()
    canaries = {**seed(alice), "operator's mail server": of_the_operator(settings)}
    canaries["new password"] = new_password_link(alice, operator_server)
    api = {"Authorization": f"Bearer {canaries['key']}"}
    with smtp_server.running() as server:
        credential = session.scalars(select(Credential).where(Credential.name == "L")).one()
        where = factories.smtp_settings(host="127.0.0.1", port=server.port, username="u")
        session.execute(update(OutboundConfig).values(is_default=False))
        config = factories.make_config(session, alice.workspace, settings=where, credential=credential)
        mail = {
            "to": "customer@fabrikam.example",
            "subject": "Reset",
            "text": f"https://shop.example/{canaries['mail']}",
        }
        assert alice.client.post("/api/v1/messages", json=mail, headers=api).status_code == 202
        fail(server, canaries["login"])
        work(session, alice, config)
    run = session.scalars(select(TestRun).order_by(TestRun.id.desc()).limit(1)).one()
    message = session.scalars(select(Message).where(Message.subject == "Reset")).one()
    places = pages(doors, alice, canaries["key"])
    for path in (f"/tests/{run.id}", f"/messages/{message.id}", f"/outbound/{config.id}", "/alerts", "/audit"):
        places[path] = alice.client.get(path).get_data(as_text=True)
    places["message in the API"] = alice.client.get(f"/api/v1/messages/{message.id}", headers=api).get_data(
        as_text=True
    )
    places.update(export=exported(session, alice), redis=in_redis(), database=str(walls.snapshot(session)))
    places["mails"] = b"".join(operator_server.mails).decode()
    places["log"] = "".join(capfd.readouterr())
    # Else there was nothing to let out: the services refused, and somebody was told.
    assert "5.7.8 no" in places["database"]
    assert operator_server.mails
    assert len(operator_server.answers["AUTH"]) < 100
    found = [(name, place) for name, secret in canaries.items() for form in spellings(secret)
             for place, text in places.items() if form in text]  # fmt: skip
    assert found == []
