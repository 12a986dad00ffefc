"""More than twelve secrets, some of which the sandbox takes; every fault of the sandbox; none comes out anywhere.

Minutes long: `make test-security` runs it; test_canaries.py is the short one of every run.
"""

from __future__ import annotations

import base64
import html
import json
import secrets
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.jobs import send_notices
from mailsetup.core import logs, queues
from mailsetup.core.errors import MailsetupError
from mailsetup.core.redact import Secret
from mailsetup.credentials import token_cache, vault
from mailsetup.credentials.models import Credential, CredentialToken
from mailsetup.diagnosis import bundle, start
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import TestRun
from mailsetup.events.jobs import deliver_events
from mailsetup.outbound import tokens
from mailsetup.outbound.models import HEALTHY, Mailbox, MailHost, OutboundConfig
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.models import Message
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.switches import FAMILIES, FAULTS
from mailsetup.settings import Settings
from mailsetup.workspaces import quotas
from tests import factories, walls
from tests.outbound.conftest import box
from tests.outbound.microsoft_world import make_grant, make_setup, new_mailbox, settings_for, signed_in
from tests.people import Person
from tests.security.test_canaries import exported, pages, seed
from tests.test_walls import Door, doors

__all__ = ["box", "doors"]
pytestmark = pytest.mark.timeout(3600)
# Which setups meet the faults of a family.
MEET = {
    "entra": ("graph_client_credentials", "graph_delegated", "smtp_xoauth2"),
    "graph": ("graph_client_credentials", "graph_delegated"),
    "smtp": ("smtp_xoauth2",),
    "mail-server": ("smtp_basic",),
    "operator": ("smtp_basic",),
}
FAMILY = {fault.name: family for family, faults in FAMILIES.items() for fault in faults}


@pytest.fixture
def settings_changes(box: Sandbox) -> dict[str, Any]:
    host, port = box.operator_smtp
    return {**settings_for(box), "operator_smtp_url": Secret(f"smtp://{host}:{port}?tls=none")}


@pytest.fixture
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of tests within minutes; the limits have tests of their own."""
    monkeypatch.setattr(start, "LIMIT", 10**6)
    monkeypatch.setattr(quotas, "check", lambda *_args, **_values: None)


def kept_as(session: Session, person: Person, name: str, **values: str) -> Credential:
    """Typed into the form, as a person does it."""
    person.client.post("/credentials/new", data={"name": name, **values})
    return session.scalars(select(Credential).where(Credential.name == name)).one()


def setups(session: Session, person: Person, box: Sandbox) -> dict[str, OutboundConfig]:
    """One of each kind, with secrets that the sandbox takes."""
    app, account = box.world.app, box.world.service_account
    first, second, third = (new_mailbox(box) for _ in range(3))
    ids = {"cloud": "global", "tenant_id": box.world.contoso.tenant_id, "client_id": app.client_id}
    own = kept_as(session, person, "Own app", type="microsoft_app", client_secret=app.secret, **ids)
    login = kept_as(session, person, "Server", type="smtp_login", username=account.address, password=account.password)
    host, port = box.smtp_starttls
    where = factories.smtp_settings(host=host, port=port, tls="starttls", username=account.address)
    basic = factories.make_config(session, person.workspace, settings=where, credential=login, is_default=False)
    return {
        "graph_client_credentials": make_setup(
            session, own, first.address, "graph_client_credentials", is_default=False
        ),
        "smtp_xoauth2": make_setup(session, own, second.address, "smtp_xoauth2", is_default=False),
        "graph_delegated": make_setup(
            session, make_grant(session, person.workspace, third), third.address, is_default=False
        ),
        "smtp_basic": basic,
    }


def certificate(session: Session, person: Person) -> str:
    """The private key of a certificate that was made here, which never leaves."""
    ids = {"cloud": "global", "tenant_id": str(person.workspace.id), "client_id": str(person.workspace.id)}
    row = kept_as(session, person, "With certificate", type="microsoft_app", make_certificate="true", **ids)
    found = vault.credential_value(session, row).secrets
    pem = next(value.reveal() for value in found.values() if "PRIVATE KEY" in value.reveal())
    return max(pem.splitlines(), key=len)


def given_tokens(session: Session) -> dict[str, str]:
    """What Microsoft gave: access tokens, and refresh tokens of people."""
    found = {}
    for row in session.scalars(select(CredentialToken)):
        cache = token_cache.load(session, row.credential_id, row.version)
        assert cache is not None
        for part in ("AccessToken", "RefreshToken"):
            for number, entry in enumerate(json.loads(cache.blob).get(part, {}).values()):
                found[f"{part} {row.id} {number}"] = entry["secret"]
    return found


@contextmanager
def failing(box: Sandbox, name: str) -> Iterator[None]:
    box.switch(name)
    try:
        yield
    finally:
        box.switch(name, on=False)


def meet(session: Session, person: Person, configs: dict[str, OutboundConfig], name: str, key: str, body: str) -> None:
    """One fault by a test and by a mail of every setup that can meet it; then everybody is told."""
    for kind in MEET[FAMILY[name]]:
        config_id = configs[kind].id
        person.client.post("/tests", data={"config_id": config_id})
        run = session.scalars(select(TestRun).order_by(TestRun.id.desc()).limit(1)).one()
        session.commit()
        run_test(str(run.id))
    mail = {"to": "customer@fabrikam.example", "subject": "Reset", "text": body, "config": str(config_id)}
    answer = person.client.post("/api/v1/messages", json=mail, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 202, answer.text
    Drain(1, slice_seconds=0.2).run()
    send_notices()
    ready_again(session)


def ready_again(session: Session) -> None:
    session.execute(update(OutboundConfig).values(health=HEALTHY, blocked_until=None))
    session.execute(update(Mailbox).values(paused_until=None))
    session.execute(update(MailHost).values(paused_until=None))
    session.commit()
    tokens._memory.clear()


def signing_in(box: Sandbox, name: str) -> str:
    """What the exceptions say when a person's sign-in meets the fault."""
    try:
        signed_in(new_mailbox(box))
    except (MailsetupError, AssertionError, OSError, LookupError, ValueError) as error:
        return f"{error!r} {error} {''.join(traceback.format_exception(error))}"
    return ""


def forms(secret: str) -> set[str]:
    """A secret as it stands and as it looks inside something else."""
    raw = secret.encode()
    found = {secret, secret[::-1], quote(secret, safe=""), quote_plus(secret), html.escape(secret), raw.hex()}
    found |= {json.dumps(secret)[1:-1], "".join(f"\\u{ord(letter):04x}" for letter in secret)}
    for lead in range(3):
        whole = (base64.b64encode(bytes(lead) + raw), base64.urlsafe_b64encode(bytes(lead) + raw))
        # The first and last letters depend on what stands beside it.
        found |= {text.decode().rstrip("=")[(4 if lead else 0) : -2] for text in whole}
    return found


def everything_in_redis() -> str:
    """Every key of every sort, packed values unpacked."""
    store, found = queues.connection(), list[str]()
    for key in store.scan_iter(count=1000):
        kind: Any = store.type(key)
        read: dict[str, Any] = {
            "hash": lambda key=key: [part for pair in store.hgetall(key).items() for part in pair],
            "string": lambda key=key: [store.get(key)],
            "list": lambda key=key: store.lrange(key, 0, -1),
            "set": lambda key=key: list(store.smembers(key)),
            "zset": lambda key=key: store.zrange(key, 0, -1),
            "stream": lambda key=key: [str(store.xrange(key)).encode()],
        }
        found += [str(key), *(unpacked(part) for part in read[kind.decode()]())]
    return "\n".join(found)


def unpacked(part: bytes | None) -> str:
    try:
        return zlib.decompress(part or b"").decode(errors="replace")
    except zlib.error:
        return (part or b"").decode(errors="replace")


def on_disk(settings: Settings) -> str:
    """The database's own bytes, where it is a file."""
    path = Path(settings.database_url.partition(":///")[2])
    files = path.parent.glob(f"{path.name}*") if settings.database_url.startswith("sqlite") else ()
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def told(session: Session, person: Person, key: str) -> dict[str, str]:
    """Each test with its bundle, each mail, as page and by the API."""
    found, api = {}, {"Authorization": f"Bearer {key}"}
    for run in session.scalars(select(TestRun)).all():
        found[f"bundle {run.id}"] = bundle.support_bundle(run) + bundle.support_json(run)
        found[f"test {run.id}"] = person.client.get(f"/tests/{run.id}").text
        found[f"test {run.id} in the API"] = person.client.get(f"/api/v1/tests/{run.id}", headers=api).text
    for message in session.scalars(select(Message)).all():
        found[f"mail {message.id}"] = person.client.get(f"/messages/{message.id}").text
        found[f"mail {message.id} in the API"] = person.client.get(f"/api/v1/messages/{message.id}", headers=api).text
    return found


@pytest.mark.usefixtures("no_limits")
def test_no_secret_comes_out_whatever_fails(
    app: Flask, session: Session, settings: Settings, alice: Person, box: Sandbox, doors: list[Door], capfd: Any
) -> None:
    logs.configure()
    canaries = seed(alice)
    configs = setups(session, alice, box)
    canaries |= {"app that works": box.world.app.secret, "login that works": box.world.service_account.password}
    canaries |= {"platform app": box.world.platform_app.secret, "private key": certificate(session, alice)}
    raised = {}
    for name in FAULTS:
        with failing(box, name):
            meet(session, alice, configs, name, canaries["key"], f"https://shop.example/{canaries['mail']}")
            raised[name] = signing_in(box, name) if FAMILY[name] == "entra" else ""
    deliver_events()
    places = {**raised, **told(session, alice, canaries["key"]), **pages(doors, alice, canaries["key"])}
    places |= {path: alice.client.get(path).text for path in ("/alerts", "/audit", "/audit/export.csv", "/messages")}
    places |= {"export": exported(session, alice), "redis": everything_in_redis()}
    places |= {"rows": str(walls.snapshot(session)), "file": on_disk(settings)}
    places["letters"] = "".join(str(mail.content) for mail in box.inbox() if "operator" in mail.door.lower())
    places["log"] = "".join(capfd.readouterr())
    canaries |= given_tokens(session)
    assert len(canaries) >= 14
    assert len(raised) == len(FAULTS)
    assert "AADSTS7000215" in places["rows"]
    assert places["letters"], {mail.door for mail in box.inbox()}
    found = [(name, place) for name, secret in canaries.items() for form in forms(secret)
             for place, text in places.items() if form in text]  # fmt: skip
    assert found == []


def test_it_would_find_a_secret_in_every_dress() -> None:
    """Else the long test could not fail."""
    secret = f"canary&{secrets.token_hex(9)}"
    for lead in range(3):
        blob = base64.b64encode(b"x" * lead + f"{secret} and more".encode()).decode()
        assert any(form in blob for form in forms(secret)), lead
    assert any(form in json.dumps({"a": secret}) for form in forms(secret))
