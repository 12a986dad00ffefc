"""Where a secret could come out, read whole; and the dresses it could wear there."""

from __future__ import annotations

import base64
import html
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert, AlertRoute
from mailsetup.core import queues
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis import bundle
from mailsetup.diagnosis.models import TestRun
from mailsetup.events.models import EventEndpoint
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.models import Message
from mailsetup.settings import Settings
from tests.fakes.http_server import Asked
from tests.people import Person
from tests.security.test_canaries import SHOWS_CONTENT

COMMANDS = (
    ("doctor",), ("keys", "status"), ("keys", "rewrap"), ("audit", "verify"), ("db", "check"), ("outbox", "status"),
    ("workspace", "erased"), ("keys", "rotate-data", "--all"), ("keys", "status"),
)  # fmt: skip
OF: dict[str, type[Any]] = {
    "credential_id": Credential,
    "config_id": OutboundConfig,
    "alert_id": Alert,
    "route_id": AlertRoute,
    "endpoint_id": EventEndpoint,
    "run_id": TestRun,
    "message_id": Message,
}


def forms(secret: str) -> set[str]:
    """A secret as it stands and as it looks inside something else, a login of SMTP among it."""
    raw = secret.encode()
    found = {secret, quote(secret, safe=""), quote_plus(secret), html.escape(secret), raw.hex(), raw.hex().upper()}
    found |= {json.dumps(secret)[1:-1], "".join(f"\\u{ord(letter):04x}" for letter in secret)}
    for lead in range(3):
        whole = (base64.b64encode(bytes(lead) + raw), base64.urlsafe_b64encode(bytes(lead) + raw))
        # The first and last letters depend on what stands beside it.
        found |= {text.decode().rstrip("=")[(4 if lead else 0) : -2] for text in whole}
    return found | {form[::-1] for form in found}


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
    """A value as text, whether or not it is packed."""
    try:
        return zlib.decompress(part or b"").decode(errors="replace")
    except zlib.error:
        return (part or b"").decode(errors="replace")


def on_disk(settings: Settings) -> str:
    """The database's own bytes, where it is a file."""
    path = Path(settings.database_url.partition(":///")[2])
    files = path.parent.glob(f"{path.name}*") if settings.database_url.startswith("sqlite") else ()
    return "".join(file.read_bytes().decode("latin-1") for file in files)


def bundles(session: Session) -> dict[str, str]:
    """What a person sends to support about each test."""
    runs = session.scalars(select(TestRun)).all()
    return {f"bundle {run.id}": bundle.support_bundle(run) + bundle.support_json(run) for run in runs}


def details(app: Flask, session: Session, person: Person, key: str) -> dict[str, str]:
    """Every page and every answer of the API about every single thing there is."""
    known = {name: session.scalars(select(table.id)).all() for name, table in OF.items()}
    found, api = {}, {"Authorization": f"Bearer {key}"}
    for rule in app.url_map.iter_rules():
        name = next(iter(rule.arguments), "")
        if "GET" not in (rule.methods or ()) or rule.arguments != {name} & set(OF) or rule.endpoint in SHOWS_CONTENT:
            continue
        for row_id in known.get(name, ()):
            path = app.url_map.bind("localhost").build(rule.endpoint, {name: row_id})
            answer = person.client.get(path, headers=api if rule.endpoint.startswith("api.") else {})
            found[path] = answer.data.decode(errors="replace")
    return found


def typed(app: Flask) -> dict[str, str]:
    """What the operator's commands print."""
    runner = app.test_cli_runner()
    return {f"flask {' '.join(words)} ({number})": runner.invoke(args=list(words)).output
            for number, words in enumerate(COMMANDS)}  # fmt: skip


def failed(app: Flask, person: Person, patch: pytest.MonkeyPatch, password: str) -> str:
    """The page about a fault of ours in the middle of a request that brings secrets; its traceback goes to the log."""

    def broken(*_: object, **_values: object) -> None:
        raise RuntimeError("something of ours")

    patch.setattr(vault, "create_credential", broken)
    app.testing = False
    form = {"type": "smtp_login", "name": "Broken", "username": "u", "password": password}
    answer = person.client.post("/credentials/new", data=form)
    app.testing = True
    assert (answer.status_code, "give your operator this number" in answer.text) == (500, True)
    return answer.text


def arrived(requests: Iterable[Asked]) -> str:
    """What receivers were told; the address they were called at is theirs to know."""
    return "\n".join(f"{asked.method} {asked.headers} {asked.body.decode()}" for asked in requests)
