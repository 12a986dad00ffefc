"""Rows 6, 43-46 and 50: what Graph and its gateways may answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import Mail, Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, OutboundConfig
from mailsetup.outbox.models import QUEUED, SENT, UNKNOWN, Message
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.fakes.certificates import Authority
from tests.fakes.http_server import Answer
from tests.fakes.microsoft_server import CLIENT, TENANT, Microsoft, graph_error
from tests.faults.crash_points import crash_at
from tests.faults.upkeep import counts, due_now, fresh, leases_over
from tests.outbox.conftest import Queue

Send = Callable[[], None]
FRANK = "ar@northwind.example"


@pytest.fixture
def microsoft(authority: Authority) -> Iterator[Microsoft]:
    with Microsoft(authority.server()) as running:
        yield running


@pytest.fixture
def settings_changes(microsoft: Microsoft, authority: Authority) -> dict[str, Any]:
    return {
        "microsoft_login_url": microsoft.url,
        "graph_url": microsoft.url,
        "ca_bundle": str(authority.bundle),
    }


@pytest.fixture
def config(session: Session, workspace: Workspace) -> OutboundConfig:
    raw = {"cloud": "global", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": "a~secret~value"}
    app = factories.make_credential(session, workspace, type="microsoft_app", raw=raw)
    values = {"username": FRANK, "from_address": FRANK, "from_name": "Northwind"}
    return factories.make_config(session, workspace, kind="graph_client_credentials", settings=values, credential=app)


def test_row_06_sigkill_after_graph_accepted(
    config: OutboundConfig,
    queue: Queue,
    send: Send,
    microsoft: Microsoft,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = queue()
    crash_at("after_graph_202", monkeypatch)
    leases_over(session)
    assert (row.status, row.possible_duplicate) == (QUEUED, True)
    due_now(session)
    send()
    assert (row.status, row.possible_duplicate, len(microsoft.mails)) == (SENT, True, 2)
    assert microsoft.mails[0].body == microsoft.mails[1].body


def in_seconds(seconds: int) -> str:
    return format_datetime(utcnow() + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (lambda: "120", 115, 121),
        (lambda: in_seconds(90), 80, 91),
        (lambda: None, 20, 40),
        (lambda: "-5", 0, 40),
        (lambda: "315360000", 3590, 3601),
        (lambda: in_seconds(315360000), 3590, 3601),
        (lambda: "soon", 0, 40),
    ],
    ids=["seconds", "date", "absent", "negative", "ten-years", "far-date", "words"],
)
def test_row_43_graph_asks_to_wait(
    value: Callable[[], str | None],
    low: int,
    high: int,
    config: OutboundConfig,
    queue: Queue,
    send: Send,
    microsoft: Microsoft,
    session: Session,
) -> None:
    wanted = value()
    headers = {} if wanted is None else {"Retry-After": wanted}
    microsoft.mail_answers = [graph_error(429, "ApplicationThrottled", **headers) for _ in range(8)]
    row = queue()
    send()
    fresh(session)
    assert (row.status, row.retry_step, row.possible_duplicate) == (QUEUED, 0, False)
    assert config.health in {HEALTHY, DEGRADED}
    assert config.blocked_until is not None
    if low:
        assert timedelta(seconds=low) < config.blocked_until - utcnow() < timedelta(seconds=high)
    microsoft.mail_answers = []
    due_now(session)
    send()
    assert (row.status, row.possible_duplicate) == (SENT, False)


@pytest.mark.parametrize(("status", "doubt"), [(503, False), (502, True), (504, True)])
def test_row_44_a_gateway_gives_up(
    status: int, doubt: bool, config: OutboundConfig, queue: Queue, send: Send, microsoft: Microsoft, session: Session
) -> None:
    microsoft.mail_answers = [Answer(status, b"<html>Gateway</html>")]
    row = queue()
    send()
    assert (row.status, row.possible_duplicate) == (QUEUED, doubt)
    config.unknown_policy = "hold"
    due_now(session)
    microsoft.mail_answers = [Answer(status, b"")]
    send()
    assert row.status == (UNKNOWN if doubt else QUEUED)


def odd_answer(chance: random.Random) -> Answer:
    status = chance.choice([200, 201, 204, 400, 401, 403, 404, 413, 429, 500, 502, 503, 504, 599])
    body = chance.choice(
        [
            b"",
            b"<html><body>Bad gateway</body></html>",
            b'{"error": {"code": "',
            b'{"error": null}',
            b'{"error": []}',
            b'[1, 2, {"error": 3}]',
            b'{"error": {"code": 7, "innerError": {"code": null}}}',
            b"\xff\xfe\x00" * 50,
            b"[" * 5000,
            chance.randbytes(200),
        ]
    )
    return Answer(status, b"" if status == 204 else body, cut=chance.choice([0, 0, 0, 5]) if status != 204 else 0)


def test_row_45_graph_answers_with_nonsense(config: OutboundConfig, session: Session, microsoft: Microsoft) -> None:
    chance = random.Random(45)
    service = connect_config(session, config)
    session.commit()
    content = b"From: ar@northwind.example\r\nTo: me@fabrikam.example\r\nSubject: Hi\r\n\r\nHello\r\n"
    given = Mail(FRANK, ("me@fabrikam.example",), content, "<1@northwind.example>")
    for _ in range(500):
        answer = odd_answer(chance)
        microsoft.mail_answers = [answer, answer]
        with pytest.raises(TransportError) as failed:
            service.deliver(given, Report())
        assert failed.value.ambiguous or answer.status not in {200, 201, 204, 502, 504}
        assert len(failed.value.raw) <= 8192
    microsoft.mail_answers = []
    assert service.deliver(given, Report()).service_id
    service.close()


def test_row_46_the_token_ends_in_the_middle_of_a_batch(
    config: OutboundConfig, queue: Queue, send: Send, microsoft: Microsoft, session: Session
) -> None:
    for _ in range(6):
        queue()
    usual = microsoft._answer
    refused: list[str] = []

    def answer(asked: Any) -> Answer:
        token = asked.headers.get("Authorization", "")
        if asked.path.endswith("/sendMail") and (token in refused or (len(microsoft.mails) == 3 and not refused)):
            refused.append(token)
            return graph_error(401, "InvalidAuthenticationToken")
        return usual(asked)

    microsoft.server.answer = answer
    send()
    assert counts(session) == {SENT: 6}
    assert len(set(refused)) == 1
    assert microsoft.issued == 2
    assert len(microsoft.mails) == 6 + len(refused)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "ErrorAccessDenied"),
        (403, "ErrorSendAsDenied"),
        (404, "MailboxNotEnabledForRESTAPI"),
        (404, "ErrorInvalidUser"),
        (403, "Authorization_RequestDenied"),
    ],
)
def test_row_50_the_mailbox_is_closed_to_us(
    status: int, code: str, config: OutboundConfig, queue: Queue, send: Send, microsoft: Microsoft, session: Session
) -> None:
    microsoft.mail_answers = [graph_error(status, code) for _ in range(40)]
    for _ in range(40):
        queue()
    send()
    send()
    fresh(session)
    assert (config.health, counts(session)) == (BROKEN, {QUEUED: 40})
    assert session.scalar(select(func.count()).select_from(Alert)) == 1
    assert len(microsoft.mails) <= 4
    assert (session.scalar(select(func.sum(Message.retry_step))) or 0) == 0
