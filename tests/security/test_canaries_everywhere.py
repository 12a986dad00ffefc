"""More than twelve secrets, some of which the sandbox takes; every fault of the sandbox; none comes out anywhere.

Minutes long: `make test-security` runs it; test_canaries.py is the short one of every run.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.jobs import send_notices
from mailsetup.core import logs
from mailsetup.core.errors import MailsetupError
from mailsetup.core.issuers import Issuer
from mailsetup.core.redact import Secret
from mailsetup.credentials import token_cache, vault
from mailsetup.credentials.models import Credential, CredentialToken
from mailsetup.diagnosis import start
from mailsetup.diagnosis.jobs import run_test
from mailsetup.diagnosis.models import TestRun
from mailsetup.events.catalogue import WORDS
from mailsetup.events.jobs import deliver_events
from mailsetup.mail_services.webhooks import new_secret
from mailsetup.outbound import tokens
from mailsetup.outbound.models import HEALTHY, Mailbox, MailHost, OutboundConfig
from mailsetup.outbox.drain import Drain
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.switches import FAMILIES, FAULTS
from mailsetup.settings import Settings
from mailsetup.workspaces import quotas
from mailsetup.workspaces.login import TOKEN
from tests import factories, walls
from tests.fakes.http_server import Answer, Asked, HTTPServer
from tests.outbound.conftest import box
from tests.outbound.microsoft_world import make_grant, make_setup, new_mailbox, settings_for, signed_in
from tests.people import Person
from tests.security.canary_places import (
    arrived,
    bundles,
    details,
    everything_in_redis,
    failed,
    forms,
    on_disk,
    typed,
)
from tests.security.test_canaries import exported, made_by, pages, seed
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


LISTENERS = {"slack", "teams", "google_chat", "discord", "webhook", "events"}


def repeats(asked: Asked) -> Answer:
    """A receiver that says what it was asked, and refuses now and then."""
    wrong = asked.path.startswith(("/teams", "/webhook"))
    return Answer(500 if wrong else 200, f"{asked.method} {asked.path} {asked.headers} {asked.body!r}".encode())


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    with HTTPServer(None, repeats) as running:
        yield running


@pytest.fixture
def settings_changes(box: Sandbox, receiver: HTTPServer) -> dict[str, Any]:
    host, port = box.operator_smtp
    return {
        **settings_for(box),
        "operator_smtp_url": Secret(f"smtp://{host}:{port}?tls=none"),
        "operator_webhook_url": Secret(f"{receiver.url}/operator"),
        "operator_webhook_secret": new_secret(),
        "metrics_token": Secret(secrets.token_urlsafe(20)),
        "oidc_issuers": (Issuer("contoso", "C", "https://login.contoso.example", "c", Secret(secrets.token_hex(16))),),
    }


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
    deliver_events()
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


def way(person: Person, receiver: HTTPServer, channel: str) -> dict[str, str]:
    """A way of alerts whose address is its key, as those of chats are."""
    secret = f"canary-{secrets.token_hex(9)}"
    form = {"severity": "warning", "digest": "at_once", "address": f"{receiver.url}/{channel}/{secret}"}
    answer = person.client.post(f"/alerts/ways/new?channel={channel}", data=form)
    found = re.search(r"whsec_[\w+/=-]+", answer.text)
    return {f"way {channel}": secret, **({f"signs {channel}": found[0]} if found else {})}


def heard_by(person: Person, receiver: HTTPServer) -> dict[str, str]:
    """Ways that lead to somebody who listens: each sort of notice, and events."""
    found: dict[str, str] = {}
    for channel in ("slack", "teams", "google_chat", "discord", "webhook"):
        found |= way(person, receiver, channel)
    hook = {"name": "Listens", "url": f"{receiver.url}/events", "types": list(WORDS)}
    return {**found, "signs events": made_by(person.client.post("/events/new", data=hook), r"(whsec_[\w+/=-]+)")}


def signs_in_with(person: Person) -> dict[str, str]:
    """The second factor, its recovery codes, and the session of this browser."""
    page = "/settings/security/second-factor"
    person.client.post(f"{page}/begin")
    shown = made_by(person.client.get(page), r'<code class="copy-value">([A-Z2-7 ]+)</code>').replace(" ", "")
    answer = person.client.post(f"{page}/confirm", data={"code": pyotp.TOTP(shown).now()})
    codes = re.findall(r"<li><code>([a-z0-9-]{27})</code>", answer.text)
    with person.client.session_transaction() as cookie:
        found = {"totp": shown, "totp bytes": base64.b32decode(shown).hex(), "session": cookie[TOKEN]}
    return {**found, **{f"recovery code {number}": code for number, code in enumerate(codes)}}


def of_the_operator(settings: Settings) -> dict[str, str]:
    """What the operator's settings hold."""
    ring = settings.key_ring.keys.items()
    keys = {f"master key {name}": base64.b64encode(key).decode() for name, key in ring if isinstance(key, bytes)}
    return {
        **keys,
        "cookies": settings.secret_key.reveal(),
        "metrics": settings.metrics_token.reveal(),
        "issuer": settings.oidc_issuers[0].client_secret.reveal(),
        "operator's webhook": settings.operator_webhook_secret.reveal(),
    }


@pytest.mark.usefixtures("no_limits")
def test_no_secret_comes_out_whatever_fails(
    app: Flask, session: Session, settings: Settings, alice: Person, box: Sandbox, doors: list[Door], capfd: Any,
    receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    logs.configure()
    canaries = {**signs_in_with(alice), **seed(alice), **heard_by(alice, receiver)}
    typed_in = len(canaries)
    configs = setups(session, alice, box)
    canaries |= {"app that works": box.world.app.secret, "login that works": box.world.service_account.password}
    canaries |= {"platform app": box.world.platform_app.secret, "private key": certificate(session, alice)}
    canaries |= of_the_operator(settings)
    raised = {}
    for name in FAULTS:
        with failing(box, name):
            meet(session, alice, configs, name, canaries["key"], f"https://shop.example/{canaries['mail']}")
            raised[name] = signing_in(box, name) if FAMILY[name] == "entra" else ""
    places = {**raised, **bundles(session), **details(app, session, alice, canaries["key"])}
    places |= pages(doors, alice, canaries["key"])
    places |= {path: alice.client.get(path).text for path in ("/alerts", "/audit", "/audit/export.csv", "/messages")}
    places |= {"failure": failed(app, alice, monkeypatch, canaries["login"]), **typed(app)}
    places |= {"export": exported(session, alice), "redis": everything_in_redis(), "heard": arrived(receiver.requests)}
    places |= {"rows": str(walls.snapshot(session)), "file": on_disk(settings)}
    places["letters"] = "".join(str(mail.content) for mail in box.inbox() if "operator" in mail.door.lower())
    places["log"] = "".join(capfd.readouterr())
    canaries |= given_tokens(session)
    assert typed_in >= 30
    assert len(raised) == len(FAULTS)
    assert "AADSTS7000215" in places["rows"]
    assert "page_failed" in places["log"]
    assert places["letters"], {mail.door for mail in box.inbox()}
    assert {asked.path.split("/")[1] for asked in receiver.requests} >= LISTENERS
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
