"""The naive design: an RQ job, a connection and a commit for each message.

`python -m bench.naive simple|fork` is its worker, a process of its own as an operator would start it: the job's module
and all it needs are imported before the first job, and nothing else has run in it yet.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import select

from mailsetup import settings
from mailsetup.core import db, queues
from mailsetup.core.clock import utcnow
from mailsetup.outbox import bodies
from mailsetup.outbox.models import SENT, Message

WORKERS: Mapping[str, type[Any]] = {"simple": SimpleWorker, "fork": Worker}


def send(message_id: str) -> None:
    """What a first version does with one message."""
    with db.session_scope() as session:
        row = session.get_one(Message, uuid.UUID(message_id))
        content = bodies.read(session, row.workspace_id, row.id)
        with smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_PORT"])) as server:
            server.sendmail(row.envelope_sender, [entry["address"] for entry in row.recipients], content)
        row.status, row.finished_at = SENT, utcnow()


def rate(environ: Mapping[str, str], port: int, kind: str) -> float:
    """Messages a second of one worker over all queued rows, from the first receipt to the last: without its start."""
    line = _line()
    with db.session_scope() as session:
        for (message_id,) in session.query(Message.id):
            line.enqueue(send, str(message_id), result_ttl=0)
    command = [sys.executable, "-m", "bench.naive", kind]
    subprocess.run(command, check=True, env={**os.environ, **environ, "BENCH_PORT": str(port)})
    with db.session_scope() as session:
        receipts = sorted(filter(None, session.scalars(select(Message.finished_at).where(Message.status == SENT))))
    return (len(receipts) - 1) / (receipts[-1] - receipts[0]).total_seconds()


def _line() -> Queue:
    return Queue("naive", connection=queues.connection(), serializer=JSONSerializer)


def main() -> None:
    settings.start(settings.load(os.environ))
    worker = WORKERS[sys.argv[1]]([_line()], connection=queues.connection(), serializer=JSONSerializer)
    worker.work(burst=True, logging_level="ERROR")


if __name__ == "__main__":
    main()
