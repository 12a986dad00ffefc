"""One workspace with a setup, a scripted server, workers that are killed; rows of the fault matrix by name.

`make test-faults` runs every row on both databases; an ordinary run takes the short selection below.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from mailsetup import platform as platform_module
from mailsetup import settings as settings_module
from mailsetup.core import db
from mailsetup.outbox import queue_mail
from mailsetup.outbox.models import Message
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.api.conftest import Call, caller, key_of
from tests.fakes.certificates import Authority
from tests.faults.database_proxy import Faulty, faulty
from tests.outbox.children import ended
from tests.outbox.conftest import Queue, config, mail, send, setup_settings, smtp, workspace
from tests.outbox.smtp_server import Server
from tests.people import Person
from tests.processes import alive

__all__ = ["config", "send", "smtp", "workspace"]

EVERY_RUN = (
    "row_02",
    "row_04",
    "row_05",
    "row_07",
    "row_11",
    "row_16",
    "row_18",
    "row_26",
    "row_35",
    "row_41",
    "row_44",
    "row_47",
    "row_49",
    "row_56_a_small",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if "/faults/" in item.nodeid]
    for item in ours:
        item.add_marker(pytest.mark.faults)
    named = any("faults" in str(argument) for argument in config.args)
    if named or "faults" in str(config.getoption("markexpr")) or config.getoption("keyword"):
        return
    left_out = {item for item in ours if not any(f"test_{row}_" in item.nodeid for row in EVERY_RUN)}
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def queue(session: Session, workspace: Workspace) -> Queue:
    """Queues a mail in a transaction of its own, as the product does while workers write."""

    def queued(message: EmailMessage | None = None, **options: Any) -> Message:
        with db.session_scope() as own:
            row = queue_mail(own, own.get_one(Workspace, workspace.id), message or mail(), **options)
        session.commit()
        found = session.get_one(Message, row.id)
        session.commit()
        return found

    return queued


@pytest.fixture
def timeouts(settings: settings_module.Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes waits of the mail services short."""

    def shorten(**seconds: float) -> None:
        platform = platform_module.current_platform()
        short = replace(platform, timeouts=replace(platform.timeouts, **seconds))
        monkeypatch.setattr(platform_module, "_built", (settings, short))

    return shorten


@pytest.fixture
def children() -> Iterator[list[int]]:
    """Processes that a test starts and that must not outlive it."""
    started: list[int] = []
    yield started
    for child in started:
        if alive(child):
            os.kill(child, signal.SIGKILL)
            ended(child)


@pytest.fixture
def database(settings: settings_module.Settings, tmp_path: Path) -> Iterator[Faulty]:
    """The product's database, with a switch."""
    with faulty(settings.database_url, tmp_path) as switched:
        yield switched


@pytest.fixture
def call(client: FlaskClient, session: Session, alice: Person, smtp: Server) -> Call:
    """Calls the API of a workspace with a setup."""
    factories.make_config(session, alice.workspace, settings=setup_settings(smtp))
    return caller(client, key_of(session, alice))
