"""The commands about mail and keys."""

from __future__ import annotations

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.api.models import ApiKey
from mailsetup.cli.outbox import commands
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.models import CANCELLED
from mailsetup.workspaces.models import Workspace
from tests.outbox.conftest import Queue


def run(app: Flask, session: Session, *words: str) -> Result:
    for command in commands:
        app.cli.add_command(command)
    session.commit()
    result = app.test_cli_runner().invoke(args=list(words))
    session.expire_all()
    return result


def test_it_shows_the_ledger(app: Flask, session: Session, queue: Queue, config: OutboundConfig) -> None:
    queue()
    result = run(app, session, "outbox", "status")
    assert result.exit_code == 0
    assert "accepted 1 = 0 sent + 0 failed + 0 expired + 0 cancelled + 1 in flight" in result.output


def test_it_cancels_and_sends_again(app: Flask, session: Session, queue: Queue, config: OutboundConfig) -> None:
    row = queue()
    assert run(app, session, "outbox", "cancel", str(row.id)).exit_code == 0
    assert row.status == CANCELLED
    assert run(app, session, "outbox", "cancel", str(row.id)).exit_code == 1
    assert run(app, session, "outbox", "retry", str(row.id)).exit_code == 0
    assert row.status == "queued"


def test_it_makes_a_key(app: Flask, session: Session, workspace: Workspace) -> None:
    result = run(app, session, "api-key", "create", "Northwind", "--scope", "send", "--name", "Shop")
    assert result.output.startswith("oms_live_")
    assert session.scalars(select(ApiKey.scopes)).one() == ["send"]


@pytest.mark.parametrize("words", [("Nowhere", "--scope", "send"), ("Northwind",), ("Northwind", "--scope", "root")])
def test_it_makes_no_key_for_wrong_words(
    app: Flask, session: Session, workspace: Workspace, words: tuple[str, ...]
) -> None:
    assert run(app, session, "api-key", "create", *words).exit_code
    assert session.scalar(select(ApiKey.id)) is None
