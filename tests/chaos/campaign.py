"""One campaign: `python -m tests.chaos.campaign --seconds 600 --database postgresql --seed 7`.

Queues mail all the time, hurts something every few seconds by a plan that the seed decides, waits until the
ledger is empty, and compares it with what the mail server received. Exit code 1 when anything was lost, or
doubled without a label. Deadlines are shortened by moving them in the database, never by waiting.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import SQLAlchemyError

from bench import report
from mailsetup import settings
from mailsetup.core import db
from mailsetup.outbound.models import Mailbox, OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.outbox.claim import WIRE_DEADLINE
from mailsetup.outbox.clock import database_now
from mailsetup.outbox.models import CLAIMED, IN_FLIGHT, QUEUED, SENDING, UNKNOWN, Message
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.chaos.sink import Sink
from tests.chaos.world import World, make_database

WORKSPACES = 8
TOGETHER = 5
ON_THE_WIRE = timedelta(seconds=20)
PLAN = {"worker-1": 26, "worker-2": 26, "scheduler": 6, "flush": 16, "redis": 13, "database": 13}


def invoice(number: int) -> EmailMessage:
    message = EmailMessage()
    message["To"] = f"customer{number}@fabrikam.example"
    message["Subject"] = f"Invoice {number}"
    message.set_content(f"Here is invoice {number}.\n" + "x" * (number % 5000))
    return message


class Campaign:
    """What is queued, what is hurt, and what came of it."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.chance = random.Random(options.seed)
        self.sink = Sink(options.seed)
        self.world = World(folder, make_database(options.database, folder))
        settings.start(settings.load(self.world.environ))
        self.accepted: list[str] = []
        self.refused = 0
        self.over = threading.Event()
        self.workspaces = [self._workspace(number) for number in range(WORKSPACES)]

    def _workspace(self, number: int) -> Any:
        with db.sessions()() as session:
            workspace = factories.make_workspace(session, name=f"Workspace {number}")
            factories.make_config(
                session, workspace, settings=factories.smtp_settings(host="127.0.0.1", port=self.sink.port)
            )
            return workspace.id

    def run(self) -> dict[str, Any]:
        began = time.monotonic()
        self.world.start_all()
        producer = threading.Thread(target=self._produce)
        upkeep = threading.Thread(target=self._upkeep)
        producer.start()
        upkeep.start()
        self._hurt(began + self.options.seconds, producer)
        self._drain()
        self.over.set()
        upkeep.join()
        return {**self._verdict(), "seconds": round(time.monotonic() - began)}

    def _produce(self) -> None:
        """Spreads the mails over the campaign; a mail counts as accepted once its commit has returned."""
        total, seconds = self.options.messages, self.options.seconds * 0.95
        began = time.monotonic()
        for first in range(0, total, TOGETHER):
            while time.monotonic() - began < seconds * first / total:
                time.sleep(0.002)
            self._queue(range(first, min(first + TOGETHER, total)))

    def _queue(self, numbers: range) -> None:
        """One transaction of the product's, with a few mails in it."""
        key = secrets.token_hex(4)
        while True:
            try:
                with db.session_scope() as session:
                    workspace = session.get_one(Workspace, self.workspaces[numbers[0] // TOGETHER % WORKSPACES])
                    rows = [
                        queue_mail(session, workspace, invoice(one), idempotency_key=f"{key}-{one}") for one in numbers
                    ]
                self.accepted += [str(row.id) for row in rows]
                return
            except SQLAlchemyError:
                # Not acknowledged: the caller comes again with the same key.
                self.refused += 1
                time.sleep(0.1)

    def _hurt(self, until: float, producer: threading.Thread) -> None:
        """Until the time is over and all mail is queued, whichever comes last."""
        names, weights = list(PLAN), list(PLAN.values())
        while True:
            pause, what = self.chance.uniform(2.0, 7.0), self.chance.choices(names, weights)[0]
            if time.monotonic() + pause > until and not producer.is_alive():
                time.sleep(max(until - time.monotonic(), 0))  # it lasts as long as it says
                return
            time.sleep(pause)
            self.world.hurt(what)
            self.world.keep_alive()

    def _upkeep(self) -> None:
        """Moves deadlines forward: a conversation of this campaign is over in seconds, not in minutes."""
        while not self.over.wait(2):
            self.world.keep_alive()
            print(f"\r{len(self.accepted)} queued, {len(self.sink.copies)} received ", end="", flush=True)
            try:
                self._shift()
            except SQLAlchemyError:
                continue

    def _shift(self) -> None:
        with db.session_scope() as session:
            now = database_now(session)
            begun_before = now + WIRE_DEADLINE - ON_THE_WIRE
            overdue = update(Message).where(Message.status == SENDING, Message.lease_until < begun_before)
            session.execute(overdue.values(lease_until=now - timedelta(seconds=1)))
            waiting = update(Message).where(Message.status == QUEUED, Message.next_attempt_at > now)
            session.execute(waiting.values(next_attempt_at=now))
            session.execute(update(OutboundConfig).values(blocked_until=None))
            session.execute(update(Mailbox).values(paused_until=None))

    def _drain(self) -> None:
        deadline = time.monotonic() + 900
        while time.monotonic() < deadline:
            try:
                with db.session_scope() as session:
                    left = session.scalar(select(func.count()).where(Message.status.in_(IN_FLIGHT)))
            except SQLAlchemyError:
                left = -1
            if left == 0:
                return
            time.sleep(0.5)

    def _verdict(self) -> dict[str, Any]:
        with db.session_scope() as session:
            rows = session.execute(
                select(Message.id, Message.message_id, Message.status, Message.possible_duplicate, Message.crash_count)
            ).all()
        by_id = {str(row.id): row for row in rows}
        copies = self.sink.copies
        doubled = [row for row in rows if len(copies.get(row.message_id, ())) > 1]
        return {
            "database": self.options.database,
            "seed": self.options.seed,
            "accepted": len(self.accepted),
            "refused_and_repeated": self.refused,
            "states": dict(Counter(row.status for row in rows)),
            "lost": self._lost(by_id),
            "never_acknowledged_but_kept": len(by_id.keys() - set(self.accepted)),
            "duplicates": sum(len(copies[row.message_id]) - 1 for row in doubled),
            "duplicates_without_label": sum(not row.possible_duplicate for row in doubled),
            "duplicates_not_byte_equal": sum(len(set(copies[row.message_id])) > 1 for row in doubled),
            "strangers": len(copies.keys() - {row.message_id for row in rows}),
            "answers_withheld": self.sink.hang_ups,
            "hurt": dict(self.world.done),
        }

    def _lost(self, by_id: dict[str, Any]) -> int:
        """Acknowledged, and gone: no row, or said to be sent and never received, or not ended at all."""
        lost = 0
        for name in self.accepted:
            row = by_id.get(name)
            unseen = row is not None and row.status == "sent" and row.message_id not in self.sink.copies
            lost += row is None or unseen or row.status in {QUEUED, CLAIMED, SENDING, UNKNOWN}
        return lost


def failed(result: dict[str, Any]) -> bool:
    wrong = ("lost", "duplicates_without_label", "duplicates_not_byte_equal", "strangers")
    return any(result[name] for name in wrong)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="write the result into bench/chaos.json")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    options.seed = options.seed or secrets.randbelow(10**6) + 1
    options.messages = options.messages or max(100, 35 * options.seconds)
    print(f"Campaign on {options.database}: {options.messages} mails, {options.seconds} s, SEED={options.seed}")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="mailsetup-chaos-") as folder:
        campaign = Campaign(options, Path(folder))
        try:
            result = campaign.run()
        finally:
            campaign.over.set()
            campaign.world.stop()
    print("\n" + json.dumps(result, indent=2))
    if options.keep:
        known = json.loads(report.CHAOS.read_text()) if report.CHAOS.exists() else {}
        report.CHAOS.write_text(json.dumps({**known, options.database: result}, indent=2, sort_keys=True) + "\n")
        report.write()
    print("FAILED" if failed(result) else "0 lost, every duplicate labelled")
    return int(failed(result))


if __name__ == "__main__":
    sys.exit(main())
