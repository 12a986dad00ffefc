"""What the figures are measured on: a PostgreSQL that really commits, a Valkey, Postfix's own load tools, rows."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core import db, queues
from mailsetup.core.clock import utcnow
from mailsetup.outbound.mailboxes import settle_keys
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import bodies, queue
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.freeze import Frozen, freeze
from mailsetup.outbox.models import SENT, Message, MessageBody
from mailsetup.workspaces import sealing
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.members import create_workspace
from tests import factories
from tests.databases import create_tables
from tests.postgresql_server import Cluster, programs
from tests.valkey_server import ValkeyServer

TOP = Path(__file__).parents[1]
POSTFIX = TOP / "var" / "bench" / "postfix"
SIZE = 10_240
REAL = {
    "fsync=off": "fsync=on",
    "synchronous_commit=off": "synchronous_commit=on",
    "shared_buffers=32MB": "shared_buffers=256MB",
}


class Database(Cluster):
    """PostgreSQL with its safe settings."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.start()
        assert self.process is not None
        given = self.process.args
        command = [REAL.get(str(part), str(part)) for part in given] if isinstance(given, list) else []
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder)
        self._wait_until_ready()


class World:
    """One database, one Redis and one process's settings, fresh for every figure."""

    def __init__(self) -> None:
        found = programs()
        if found is None:
            raise SystemExit("PostgreSQL is not installed.")
        self.cluster = Database(found)
        self.folder = Path(tempfile.mkdtemp(prefix="mailsetup-bench-"))
        self.valkey = ValkeyServer(self.folder / "valkey")
        self.valkey.start()

    def fresh(self, **changes: str) -> None:
        """An empty database."""
        name = f"bench_{secrets.token_hex(4)}"
        url = self.cluster.create_database(name)
        create_tables(url)
        self.valkey.flush()
        environ = {
            "MAILSETUP_ENV": "development",
            "MAILSETUP_DATABASE_URL": url,
            "MAILSETUP_REDIS_URL": self.valkey.url,
            "MAILSETUP_BASE_URL": "http://localhost",
            "MAILSETUP_SECRET_KEY": secrets.token_hex(32),
            "MAILSETUP_ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
            "MAILSETUP_EGRESS_ALLOW": "127.0.0.0/8,::1/128",
            "MAILSETUP_JOURNAL_DIR": str(self.folder / "journal"),
            "MAILSETUP_QUOTA_MESSAGES": "100000000",
            **changes,
        }
        self.environ = environ
        settings.start(settings.load(environ))
        with db.session_scope() as session:
            session.execute(text("ALTER TABLE message_bodies ALTER COLUMN sealed SET STORAGE EXTERNAL"))

    def stop(self) -> None:
        self.valkey.kill()
        self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def make_setup(port: int, **changes: Any) -> OutboundConfig:
    """A workspace with a setup that sends to this port."""
    with db.sessions()() as session:
        workspace = factories.make_workspace(session)
        values = factories.smtp_settings(host="127.0.0.1", port=port, **changes)
        return factories.make_config(session, workspace, settings=values)


def sample(size: int = SIZE) -> EmailMessage:
    message = EmailMessage()
    message["To"] = "customer@fabrikam.example"
    message["Subject"] = "Your invoice"
    message.set_content(("x" * 69 + "\n") * (size // 70))
    return message


def load_rows(config: OutboundConfig, count: int, *, size: int = SIZE) -> None:
    """Queues so many mails of this size, in bulk."""
    with db.session_scope() as session:
        own = session.get_one(OutboundConfig, config.id)
        frozen = freeze(sample(size), queue.sender_of(own), when=utcnow())
        for start in range(0, count, 500):
            _insert(session, own, frozen, min(500, count - start))
    analyze()


def load_many(port: int, workspaces: int, each: int, size: int = SIZE) -> None:
    """So many workspaces, each with a setup and a few mails."""
    with db.session_scope() as session:
        frozen = None
        for number in range(workspaces):
            workspace = create_workspace(session, name=f"Workspace {number}", owner=None, actor=SYSTEM)
            values = factories.smtp_settings(host="127.0.0.1", port=port)
            own = OutboundConfig(workspace_id=workspace.id, name="Setup", kind="smtp_basic", settings=values)
            own.from_address, own.alerts_address = values["from_address"], "alerts@northwind.example"
            own.health, own.is_default = "healthy", True
            session.add(own)
            session.flush()
            settle_keys(session, own)
            frozen = frozen or freeze(sample(size), queue.sender_of(own), when=utcnow())
            _insert(session, own, frozen, each)
    analyze()


def _insert(session: Session, own: OutboundConfig, frozen: Frozen, count: int) -> None:
    rows: list[dict[str, Any]] = []
    sealed: list[dict[str, Any]] = []
    for _ in range(count):
        row = queue._row(own.workspace_id, own, frozen, {})
        rows.append({name: value for name, value in vars(row).items() if not name.startswith("_")})
        content = sealing.seal_body(session, bodies.place(own.workspace_id, row.id), frozen.content)
        sealed.append({"message_id": row.id, "workspace_id": own.workspace_id, "sealed": content})
    session.execute(insert(Message), rows)
    session.execute(insert(MessageBody), sealed)


def analyze() -> None:
    """What autovacuum does in a database that has been there for a while."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def vacuum() -> None:
    """What autovacuum does after so many new rows: from then on an index alone can answer."""
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if connection.dialect.name == "postgresql" else "ANALYZE"))


def sent() -> int:
    with db.session_scope() as session:
        return session.scalar(select(func.count()).where(Message.status == SENT)) or 0


def child(work: Callable[[], object]) -> int:
    """Runs `work` in a process of its own."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        if db.sessions().kw.get("bind") is not None:
            db.engine().dispose(close=False)
        queues.forget_connections()
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def drained(lanes: int = 32, workers: int = 1, **patches: Any) -> float:
    """Seconds until worker processes have sent and recorded everything that is due."""

    def work() -> None:
        for target, name, value in patches.get("patch", ()):
            setattr(target, name, value)
        while Drain(lanes, slice_seconds=600).run():
            pass

    began = time.monotonic()
    children = [child(work) for _ in range(workers)]
    for one in children:
        os.waitpid(one, 0)
    return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def postfix() -> Path:
    """Postfix's smtp-source and smtp-sink, unpacked without installing anything."""
    if not (POSTFIX / "usr/sbin/smtp-sink").exists():
        POSTFIX.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "-q", "postfix"], cwd=POSTFIX, check=True, capture_output=True)
        package = next(POSTFIX.glob("postfix_*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(POSTFIX)], check=True)
    return POSTFIX / "usr/sbin"


def _libraries() -> dict[str, str]:
    return {**os.environ, "LD_LIBRARY_PATH": str(POSTFIX / "usr/lib/postfix")}


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Postfix's sink on a free port."""
    port, programs_folder = free_port(), postfix()
    unprivileged = ["-u", "nobody"] if os.getuid() == 0 else []
    command = [str(programs_folder / "smtp-sink"), *unprivileged, f"127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(command, env=_libraries(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise SystemExit(f"nothing listens on port {port}")


def smtp_source(port: int, count: int) -> float:
    """Messages a second of Postfix's source, one session, reused."""
    command = [str(postfix() / "smtp-source"), "-s", "1", "-d", "-l", str(SIZE), "-m", str(count), f"127.0.0.1:{port}"]
    began = time.monotonic()
    subprocess.run(command, env=_libraries(), check=True, capture_output=True)
    return count / (time.monotonic() - began)


@contextmanager
def serving(work: Callable[[], object]) -> Iterator[None]:
    """A server in a process of its own."""
    process = child(work)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
