"""Rows 6 and 44 where the setup's owner chose verified sending: what was accepted is never sent again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services.graph_drafts import Drafts
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.models import FAILED, QUEUED, SENT
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.draft_store import DraftStore
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.faults.crash_points import crash_at
from tests.faults.upkeep import due_now, leases_over
from tests.outbox.conftest import Queue, mail

Send = Callable[[], None]
SENDER = "ar@contoso.com"
READER = "customer@fabrikam.example"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSETUP_ENV", "test")
        with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
            running.world.allow_drafts()
            yield running


@pytest.fixture
def box(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.state.switches.all_off()
    running.state.store.clear_mails()
    running.world.allow_drafts()


@pytest.fixture
def settings_changes(running: Sandbox) -> dict[str, Any]:
    return {
        "microsoft_login_url": running.login_url,
        "graph_url": running.graph_url,
        "ca_bundle": str(running.ca_file),
    }


@pytest.fixture
def config(session: Session, workspace: Workspace, box: Sandbox) -> OutboundConfig:
    app, tenant = box.world.app, box.world.contoso.tenant_id
    raw = {"cloud": "global", "tenant_id": tenant, "client_id": app.client_id, "client_secret": app.secret}
    credential = factories.make_credential(session, workspace, type="microsoft_app", raw=raw)
    values = {"username": SENDER, "from_address": SENDER, "from_name": "Contoso", "verified_send": True}
    kind = "graph_client_credentials"
    return factories.make_config(session, workspace, kind=kind, settings=values, credential=credential)


def drafts_of(box: Sandbox, message_id: str) -> list[bool]:
    """Of each message the mailbox holds under this id, whether it was sent."""
    return [draft.sent for draft in DraftStore(box.state.store).find(SENDER, message_id)]


@pytest.mark.parametrize("point", ["after_graph_202", "after_the_draft"])
def test_row_06_sigkill_after_graph_accepted_is_looked_up(
    point: str,
    config: OutboundConfig,
    queue: Queue,
    send: Send,
    box: Sandbox,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = queue()
    crash_at(point, monkeypatch)
    assert len(box.inbox(READER)) == (1 if point == "after_graph_202" else 0)
    leases_over(session)
    assert (row.status, row.possible_duplicate) == (QUEUED, False)
    due_now(session)
    send()
    assert (row.status, row.possible_duplicate, len(box.inbox(READER))) == (SENT, False, 1)
    assert drafts_of(box, row.message_id) == [True], "a draft that was not finished is removed"


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_row_44_a_gateway_gives_up_after_it_was_accepted(
    policy: str, config: OutboundConfig, queue: Queue, send: Send, box: Sandbox
) -> None:
    config.unknown_policy = policy
    row = queue()
    box.switch("graph:504-accepted")
    send()
    assert (row.status, row.possible_duplicate, len(box.inbox(READER))) == (SENT, False, 1)


def test_row_44_a_gateway_gives_up_and_nobody_can_be_asked(
    config: OutboundConfig, queue: Queue, send: Send, box: Sandbox, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    box.switch("graph:504-accepted", times=1)
    with monkeypatch.context() as patched:
        patched.setattr(Drafts, "state", lambda *_: "draft")
        send()
    assert (row.status, row.possible_duplicate, len(box.inbox(READER))) == (QUEUED, False, 1)
    assert "looks into the mailbox" in (row.last_explanation or {})["what"]
    due_now(session)
    send()
    assert (row.status, row.possible_duplicate, len(box.inbox(READER))) == (SENT, False, 1)


def test_row_44_a_draft_that_nobody_finds_is_a_doubt(
    config: OutboundConfig, queue: Queue, send: Send, box: Sandbox, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    crash_at("after_graph_202", monkeypatch)
    leases_over(session)
    for draft in DraftStore(box.state.store).find(SENDER, row.message_id):
        DraftStore(box.state.store).delete(draft)
    for _ in range(2):
        due_now(session)
        send()
    assert (row.status, row.possible_duplicate, len(box.inbox(READER))) == (SENT, True, 2)


def test_without_the_permission_an_old_draft_is_a_doubt(
    config: OutboundConfig, queue: Queue, send: Send, box: Sandbox, session: Session
) -> None:
    row = queue()
    row.handle = "AAk-unknown"
    config.settings = {**config.settings, "verified_send": False}
    box.world.allow_drafts(allowed=False)
    for _ in range(2):
        due_now(session)
        send()
    assert (row.status, row.possible_duplicate, len(box.inbox(READER))) == (SENT, True, 1)


def large() -> EmailMessage:
    message = mail()
    for number, size in enumerate((7_000_000, 2_000_000, 50_000)):
        content = os.urandom(64) * (size // 64)
        message.add_attachment(content, maintype="application", subtype="pdf", filename=f"Bericht {number} ü.pdf")
    return message


def test_it_sends_large_attachments_in_pieces(config: OutboundConfig, queue: Queue, send: Send, box: Sandbox) -> None:
    given = large()
    row = queue(given)
    send()
    assert row.status == SENT
    found = box.inbox(READER)[0].message
    kept = {part.get_filename(): part.get_payload(decode=True) for part in found.iter_attachments()}
    assert kept == {part.get_filename(): part.get_payload(decode=True) for part in given.iter_attachments()}
    assert (found["Message-ID"], str(found["Subject"])) == (row.message_id, "Your invoice")
    pieces = [one for one in box.requests if one.asked.startswith("PUT /api/gv1.0/")]
    assert len(pieces) == 2


def test_without_it_a_large_mail_is_refused_before_it_is_queued(
    config: OutboundConfig, queue: Queue, session: Session
) -> None:
    config.settings = {**config.settings, "verified_send": False}
    session.commit()
    with pytest.raises(InvalidInput, match="verified sending"):
        queue(large())


def test_without_the_permission_the_setup_waits_for_a_person(
    config: OutboundConfig, queue: Queue, send: Send, box: Sandbox
) -> None:
    box.world.allow_drafts(allowed=False)
    row = queue()
    send()
    assert (config.health, row.status, box.inbox(READER)) == ("broken", QUEUED, [])
    assert "Mail.ReadWrite" in str(config.explanation)


def test_a_refused_mail_leaves_no_draft(config: OutboundConfig, queue: Queue, send: Send, box: Sandbox) -> None:
    box.switch("graph:ErrorInvalidRecipients", times=1)
    row = queue()
    send()
    assert (row.status, drafts_of(box, row.message_id)) == (FAILED, [])


def test_who_lost_the_lease_sends_no_draft(
    config: OutboundConfig, queue: Queue, send: Send, box: Sandbox, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = queue()
    create = Drafts.create

    def slow(drafts: Drafts, body: bytes) -> str:
        made = create(drafts, body)
        leases_over(session)
        return made

    monkeypatch.setattr(Drafts, "create", slow)
    send()
    assert (row.status, box.inbox(READER), drafts_of(box, row.message_id)) == (QUEUED, [], [])
