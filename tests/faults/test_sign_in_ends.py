"""Rows 47 and 49: a sign-in that was revoked, a client secret that ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import store_grant, update_credential
from mailsetup.outbound import tokens
from mailsetup.outbound.jobs import probe
from mailsetup.outbound.models import BROKEN, HEALTHY
from mailsetup.outbox.models import QUEUED, SENT
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import Mailbox
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests.faults.upkeep import counts, due_now, fresh
from tests.outbound.conftest import box
from tests.outbound.microsoft_world import (
    make_app_credential,
    make_grant,
    make_setup,
    new_mailbox,
    settings_for,
    signed_in,
)
from tests.outbox.conftest import Queue

__all__ = ["box"]

Send = Callable[[], None]


@pytest.fixture
def settings_changes(box: Sandbox) -> dict[str, Any]:
    return settings_for(box)


@pytest.fixture
def mailbox(box: Sandbox) -> Mailbox:
    return new_mailbox(box)


def alerts(session: Session) -> list[Alert]:
    fresh(session)
    return list(session.scalars(select(Alert)))


def sign_in_again(session: Session, credential: Credential, mailbox: Mailbox) -> None:
    found = signed_in(mailbox)
    store_grant(
        session,
        workspace_id=credential.workspace_id,
        actor=SYSTEM,
        user_id=None,
        name=credential.name,
        public={"app": "platform", "cloud": "global", **found.account},
        secrets={},
        token_cache=found.cache.blob,
        credential_id=credential.id,
    )
    session.commit()


def renew_secret(session: Session, app: Credential, box: Sandbox) -> None:
    world = box.world
    raw = {"tenant_id": world.contoso.tenant_id, "client_id": world.app.client_id, "client_secret": world.app.secret}
    update_credential(session, app, actor=SYSTEM, user_id=None, name=app.name, raw=raw)
    session.commit()


def forget_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a worker that has just started."""
    monkeypatch.setattr(tokens, "_memory", tokens.TokenMemory())


def test_row_47_the_sign_in_was_revoked(
    workspace: Workspace,
    box: Sandbox,
    mailbox: Mailbox,
    queue: Queue,
    send: Send,
    session: Session,
) -> None:
    credential = make_grant(session, workspace, mailbox)
    config = make_setup(session, credential, mailbox.address)
    queue()
    send()
    box.world.revoke_sessions(mailbox.address)
    for _ in range(20):
        queue()
    send()
    send()
    [alert] = alerts(session)
    assert (config.health, counts(session)) == (BROKEN, {SENT: 1, QUEUED: 20})
    sign_in_again(session, credential, mailbox)
    probe(str(config.id))
    due_now(session)
    send()
    assert counts(session) == {SENT: 21}
    session.refresh(alert)
    assert (config.health, alert.resolved_at is not None) == (HEALTHY, True)


@pytest.mark.parametrize(
    ("raw", "expired", "cause"),
    [({}, True, "client_secret_expired"), ({"client_secret": "not~this~one"}, False, "client_secret_wrong")],
    ids=["expired", "wrong"],
)
def test_row_49_the_client_secret_ended(
    raw: dict[str, str],
    expired: bool,
    cause: str,
    workspace: Workspace,
    box: Sandbox,
    mailbox: Mailbox,
    queue: Queue,
    send: Send,
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = make_app_credential(session, workspace, box, **raw)
    config = make_setup(session, app, mailbox.address, kind="graph_client_credentials")
    box.world.expire_secret(expired=expired)
    for _ in range(20):
        queue()
    send()
    [alert] = alerts(session)
    assert (config.health, config.health_cause, counts(session)) == (BROKEN, cause, {QUEUED: 20})
    assert any("Certificates & secrets" in step for step in alert.explanation["steps"])
    box.world.expire_secret(expired=False)
    renew_secret(session, app, box)
    forget_tokens(monkeypatch)
    probe(str(config.id))
    due_now(session)
    send()
    assert (counts(session), config.health) == ({SENT: 20}, HEALTHY)
