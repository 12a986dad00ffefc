"""P4, P5, P6, P8, P9, P10: Graph, latency, accepting, growth, fairness, memory."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import urllib3
from sqlalchemy import func, insert, select, text

from bench import servers
from bench.world import (
    SIZE,
    TOP,
    World,
    _wait_for,
    child,
    drained,
    free_port,
    load_many,
    load_rows,
    make_setup,
    sample,
    sent,
    serving,
    smtp_sink,
)
from mailsetup.api.keys import create_key
from mailsetup.cli.development.programs import procfile
from mailsetup.core import db, queues
from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import SendResult
from mailsetup.mail_services.graph_service import GraphService
from mailsetup.mail_services.limits import Limits
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import attempts, bodies, claim, queue_mail
from mailsetup.outbox.drain import Drain
from mailsetup.outbox.freeze import freeze
from mailsetup.outbox.models import SENT, Message, MessageBody
from mailsetup.outbox.queue import _row, sender_of
from mailsetup.workspaces import sealing
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.fakes.certificates import Authority
from tests.fakes.microsoft_server import CLIENT, TENANT, Microsoft

FRANK = "ar@northwind.example"


def p4(world: World, count: int = 2_000) -> tuple[float, float]:
    authority = Authority(Path(tempfile.mkdtemp(prefix="mailsetup-bench-tls-")))
    microsoft = Microsoft(authority.server())

    def serve() -> None:
        with microsoft:
            threading.Event().wait()

    with serving(serve):
        addresses = {"MAILSETUP_MICROSOFT_LOGIN_URL": microsoft.url, "MAILSETUP_GRAPH_URL": microsoft.url}
        world.fresh(MAILSETUP_CA_BUNDLE=str(authority.bundle), **addresses)
        load_rows(graph_setup(), count)
        ours = count / drained(patch=[(GraphService, "limits", Limits())])
        assert sent() == count
        return ours, posted(microsoft.url, count, ssl.create_default_context(cafile=str(authority.bundle)))


def graph_setup() -> OutboundConfig:
    raw = {"cloud": "global", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": uuid.uuid4().hex}
    with db.sessions()() as session:
        workspace = factories.make_workspace(session)
        app = factories.make_credential(session, workspace, type="microsoft_app", raw=raw)
        values = {"username": FRANK, "from_address": FRANK, "from_name": ""}
        return factories.make_config(
            session, workspace, kind="graph_client_credentials", settings=values, credential=app
        )


def posted(url: str, count: int, context: ssl.SSLContext) -> float:
    pool = urllib3.PoolManager(ssl_context=context, maxsize=1)
    body = b"x" * (SIZE * 4 // 3)
    began = time.monotonic()
    for _ in range(count):
        pool.request("POST", f"{url}/v1.0/users/{FRANK}/sendMail", body=body, headers={"Authorization": "x" * 1500})
    return count / (time.monotonic() - began)


def p5(world: World, workspaces: int = 1_000, each: int = 10) -> tuple[float, float]:
    listener = servers.listen()
    with serving(partial(servers.smtp, listener, None, 0.2)):
        world.fresh()
        load_many(listener.getsockname()[1], workspaces, each)
        seconds = drained(lanes=32, workers=2)
        assert sent() == workspaces * each
    return workspaces * each / seconds, 64 / 0.2


def p6_queue(world: World, count: int = 1_000) -> tuple[float, float]:
    world.fresh()
    config = make_setup(9)
    message = sample()
    began = time.monotonic()
    for _ in range(count):
        with db.session_scope() as session:
            queue_mail(session, session.get_one(Workspace, config.workspace_id), message)
    ours = count / (time.monotonic() - began)
    return ours, bare(config, count, together=1)


def bare(config: OutboundConfig, count: int, *, together: int) -> float:
    """Rows a second of plain inserts of the same rows, so many a commit."""
    with db.session_scope() as session:
        own = session.get_one(OutboundConfig, config.id)
        frozen = freeze(sample(), sender_of(own), when=utcnow())
        sealed = sealing.seal_body(session, bodies.place(own.workspace_id, own.id), frozen.content)
        rows = []
        for _ in range(count):
            row = _row(own.workspace_id, own, frozen, {})
            rows.append({name: value for name, value in vars(row).items() if not name.startswith("_")})
    began = time.monotonic()
    for start in range(0, count, together):
        part = rows[start : start + together]
        with db.engine().begin() as connection:
            connection.execute(insert(Message), part)
            contents = [{"message_id": r["id"], "workspace_id": r["workspace_id"], "sealed": sealed} for r in part]
            connection.execute(insert(MessageBody), contents)
    return count / (time.monotonic() - began)


def p6_messages(world: World, count: int = 800, clients: int = 4) -> tuple[float, float]:
    world.fresh()
    config = make_setup(9)
    post = poster(config)

    def work() -> None:
        for _ in range(count // clients):
            assert post("/api/v1/messages", MAIL) == 202

    with served(world) as url:
        post.url = url
        assert post("/api/v1/messages", MAIL) == 202
        post.http.clear()  # the clients must not share a connection
        began = time.monotonic()
        children = [child(work) for _ in range(clients)]
        for one in children:
            os.waitpid(one, 0)
        ours = count / (time.monotonic() - began)
    with db.session_scope() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == count + 1
    return ours, bare(config, count, together=1)


MAIL = {"to": "customer@fabrikam.example", "subject": "Your invoice", "text": ("x" * 69 + "\n") * (SIZE // 70)}


class Poster:
    """A program with an API key, over one connection of its own."""

    def __init__(self, secret: str) -> None:
        self.secret, self.url, self.http = secret, "", urllib3.PoolManager()

    def __call__(self, path: str, body: object) -> int:
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        answer = self.http.request("POST", self.url + path, body=json.dumps(body).encode(), headers=headers)
        return answer.status


def poster(config: OutboundConfig) -> Poster:
    with db.session_scope() as session:
        _, key = create_key(session, workspace_id=config.workspace_id, actor=SYSTEM, name="Bench", scopes=["send"])
        return Poster(key.reveal())


@contextmanager
def served(world: World) -> Iterator[str]:
    """The product's web process, as `make run` starts it, which it still does at the first call."""
    port = free_port()
    gunicorn = shlex.split(procfile()["web"].replace("app:app", "bench.web:app"))
    process = subprocess.Popen(
        [sys.executable, "-m", *gunicorn, "-b", f"127.0.0.1:{port}"], cwd=TOP, env={**os.environ, **world.environ}
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def p6_batch(world: World, count: int = 2_000) -> tuple[float, float]:
    world.fresh()
    config = make_setup(9)
    post = poster(config)
    with served(world) as post.url:
        assert post("/api/v1/messages/batch", {"messages": [MAIL]}) == 202
        began = time.monotonic()
        for _ in range(count // 100):
            assert post("/api/v1/messages/batch", {"messages": [MAIL] * 100}) == 202
        ours = count / (time.monotonic() - began)
    return ours, bare(config, count, together=50)


MANY_ROWS = """
INSERT INTO messages (id, workspace_id, config_id, status, priority, next_attempt_at, expires_at, attempt_count,
    retry_step, crash_count, possible_duplicate, message_id, from_address, envelope_sender, recipients,
    recipients_text, subject, size, frozen, request_hash, metadata, service_id, created_by, created_at)
SELECT gen_random_uuid(), c.workspace_id, c.id, 'queued', 5, now() - interval '1 minute', now() + interval '5 days', 0,
    0, 0, false, '<m@x>', 'a@x', 'a@x', '[{"address": "b@y", "state": "waiting"}]',
    'b@y', 'Hi', 300, true, '', '{}', '', '', now()
FROM outbound_configs c, generate_series(1, :each)
"""


def p8(world: World) -> tuple[float, float]:
    return cycles(world, 10_000, 100), cycles(world, 1, 1_000)


def cycles(world: World, workspaces: int, each: int) -> float:
    """Milliseconds of claim, begin and done of 50, the median of 15."""
    world.fresh()
    load_many(9, workspaces, 1, size=300)
    with db.session_scope() as session:
        session.execute(text("DELETE FROM messages"))
        session.execute(text(MANY_ROWS), {"each": each})
    with db.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    with db.session_scope() as session:
        configs = list(session.scalars(select(OutboundConfig.id).limit(15))) * 15
    took = []
    for config in configs[:18]:
        began = time.monotonic()
        with db.session_scope() as session:
            rows = claim.claim(session, config, utcnow()).mails
        with db.session_scope() as session:
            claim.begin_sending(session, rows, utcnow())
            attempts.record_all_sent(session, [(row, SendResult("A1", "250 ok")) for row in rows], utcnow())
        took.append(1000 * (time.monotonic() - began))
        assert len(rows) == claim.BATCH
    return statistics.median(took[3:])


def p9(world: World, flood: int = 150_000, others: int = 50, seconds: int = 60) -> tuple[float, float]:
    """The 95th percentile of queued to sent of those who send little while one floods all the time."""
    with smtp_sink() as port:
        world.fresh()
        load_rows(make_setup(port), flood, size=1_000)
        quiet = [make_setup(port) for _ in range(others)]
        worker = child(_drain_for_ever)
        ids, ends = [], time.monotonic() + seconds
        while time.monotonic() < ends:
            for config in quiet:
                with db.session_scope() as session:
                    ids.append(queue_mail(session, session.get_one(Workspace, config.workspace_id), sample(1000)).id)
                time.sleep(10 / others)
        time.sleep(5)
        with db.session_scope() as session:
            query = select(Message.created_at, Message.finished_at).where(Message.id.in_(ids), Message.status == SENT)
            waits = sorted((row.finished_at - row.created_at).total_seconds() for row in session.execute(query))
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)
    assert len(waits) == len(ids), f"{len(waits)} of {len(ids)} were sent in time"
    return waits[int(len(waits) * 0.95)], 1.0


def _drain_for_ever() -> None:
    while True:
        Drain(32, slice_seconds=600).run()


def p10_worker(world: World) -> tuple[float, float]:
    listener = servers.listen()
    with serving(partial(servers.smtp, listener, None, 0.2)):
        world.fresh()
        load_many(listener.getsockname()[1], 64, 40)
        return started("mailsetup.cli.worker", "mail", world=world), 1.0


def started(*program: str, world: World) -> float:
    """The most memory, in MB, that a worker's busy child takes, measured as the kernel's resident size."""
    process = subprocess.Popen([str(production()), "-m", *program], env={**os.environ, **world.environ})
    queues.ring("mailsetup.outbox.jobs.drain")
    most, deadline = 0.0, time.monotonic() + 60
    while time.monotonic() < deadline and sent() < 64 * 40:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        most = max([most, *(resident(int(one)) for one in children)])
        time.sleep(0.1)
    process.kill()
    process.wait()
    return most


def resident(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def p10_web(world: World) -> tuple[float, float]:
    """In an environment with what production installs: some libraries load more where developers' tools are."""
    world.fresh()
    port = free_port()
    gunicorn = [str(production()), "-m", *shlex.split(procfile()["web"]), "--threads", "4", "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen([*gunicorn, "--log-level", "error"], cwd=TOP, env={**os.environ, **world.environ})
    http = urllib3.PoolManager()
    for _ in range(200):
        try:
            http.request("GET", f"http://127.0.0.1:{port}/sign-in", retries=False)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    most = max(resident(int(one)) for one in children)
    process.terminate()
    process.wait()
    return most, 1.0


def production() -> Path:
    """Python with requirements.txt and nothing else."""
    locked = TOP / "requirements.txt"
    folder = TOP / "var" / "bench" / f"production-{hashlib.sha256(locked.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", "--require-hashes", "-r", str(locked)], check=True)
        (folder / "complete").touch()
    return python
