"""Two worker hosts that share nothing but the database and Redis work through one backlog."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from mailsetup import settings as settings_module
from mailsetup.core import db
from mailsetup.outbox import queue_mail
from mailsetup.outbox.models import SENT
from mailsetup.outbox.queue import together
from mailsetup.settings import Settings
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.faults.upkeep import counts, fresh, serve_on, swept
from tests.outbox.children import forked
from tests.outbox.conftest import mail, setup_settings
from tests.outbox.smtp_server import Server
from tests.processes import until
from tests.valkey_server import ValkeyServer

HOSTS = ("east.worker.example", "west.worker.example")
# More than the lanes of one host claim at once, so that there is some left for the other.
WORKSPACES, EACH = 2, 220


@pytest.fixture
def backlog(session: Session, smtp: Server) -> int:
    """Mail of a few workspaces; how much. The server takes no mail until `hold` is set."""
    smtp.hold.clear()
    for number in range(WORKSPACES):
        workspace = factories.make_workspace(session, name=f"Workspace {number}")
        factories.make_config(session, workspace, settings=setup_settings(smtp))
        with db.session_scope() as own, together(own):
            for _ in range(EACH):
                queue_mail(own, own.get_one(Workspace, workspace.id), mail())
    fresh(session)
    return WORKSPACES * EACH


@pytest.fixture
def hosts(settings: Settings, valkey: ValkeyServer, children: list[int], tmp_path: Path) -> list[int]:
    """A worker on each host: a process group, a name and a journal of its own."""

    def work(name: str) -> None:
        os.close(valkey.server._lock or 0)
        os.setsid()
        socket.gethostname = lambda: name
        own = replace(settings, journal_dir=str(tmp_path / name), base_url=f"https://{name}")
        settings_module.start(own)
        serve_on()

    children += [forked(lambda name=name: work(name)) for name in HOSTS]  # type: ignore[misc]
    return children


def both_at_work(smtp: Server, session: Session) -> None:
    """Each host has mail on the wire, which the server holds."""
    until(lambda: swept(session) and set(smtp.hosts) == set(HOSTS), seconds=30)


def test_two_hosts_share_one_backlog(backlog: int, hosts: list[int], smtp: Server, session: Session) -> None:
    def all_sent() -> bool:
        swept(session)
        return counts(session) == {SENT: backlog}

    both_at_work(smtp, session)
    assert len({os.getpgid(host) for host in hosts} - {os.getpgid(0)}) == len(HOSTS)
    smtp.hold.set()
    until(all_sent, seconds=60)
    assert len(smtp.mails) == len(set(smtp.mails)) == backlog
