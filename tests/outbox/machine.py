"""The outbox as a machine that Hypothesis drives: workers, a mail server, people and time, in any order.

Every step is one the product takes, in a transaction of its own. After each the promises are checked: every mail is
accounted for, what was sent stays sent, nobody writes after its lease has ended, and a second copy comes only out of
an unknown outcome and is labelled.
"""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict
from mailsetup.mail_services.base import SendResult
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.models import HEALTHY, OutboundConfig
from mailsetup.outbox import actions, attempts, claim, explanations, queue_mail
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.journal import Journal
from mailsetup.outbox.ledger import ledger
from mailsetup.outbox.models import (
    CANCELLED,
    CLAIMED,
    EXPIRED,
    FAILED,
    IN_FLIGHT,
    PRIORITIES,
    QUEUED,
    SENDING,
    SENT,
    UNKNOWN,
    DeliveryAttempt,
    Message,
)
from mailsetup.outbox.replay import replay
from mailsetup.outbox.sweep import sweep
from mailsetup.outbox.tries import Done
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbox.conftest import mail

ACCEPTED = SendResult("A1", "250 2.0.0 ok")
# What came of a conversation, and whether the server has the mail then.
ANSWERS = {
    "accepted": True,
    "refused": False,
    "later": False,
    "lost_after_the_dot": True,
    "lost_in_the_mail": False,
    "hung_up_before": False,
    "our_fault": False,
}
ERRORS: dict[str, dict[str, Any]] = {
    "refused": {"scope": "message", "permanent": True, "stage": "recipient", "code": "550 5.1.1"},
    "later": {"scope": "message", "stage": "recipient", "code": "450 4.2.0"},
    "lost_after_the_dot": {"scope": "backend", "ambiguous": True, "stage": "accept", "code": "closed"},
    "lost_in_the_mail": {"scope": "backend", "ambiguous": True, "stage": "accept", "code": "closed"},
    "hung_up_before": {"scope": "backend", "stage": "sender", "code": "closed"},
}
which = st.integers(0, 1_000)


@dataclass(eq=False)
class Worker:
    """A worker's lane: what it holds under one lease, what it has heard and not written yet."""

    journal: Journal
    token: str
    waiting: list[Claimed]
    begun: list[Claimed] = field(default_factory=list)
    heard: list[Done] = field(default_factory=list)
    late: bool = False  # its lease has ended, and it does not know


class Outbox(RuleBasedStateMachine):
    """One workspace with one setup, and everything that may happen to its mail."""

    folder: Path  # where this machine's journals are; set by the test
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.workers: list[Worker] = []
        self.mails: list[uuid.UUID] = []
        self.copies: Counter[uuid.UUID] = Counter()
        self.said_to_be_sent: set[uuid.UUID] = set()
        self.seen_sent: set[uuid.UUID] = set()

    @initialize(policy=st.sampled_from(["resend", "hold"]))
    def a_setup(self, policy: str) -> None:
        with db.sessions()() as session:
            workspace = factories.make_workspace(session)
            config = factories.make_config(session, workspace, unknown_policy=policy)
            self.workspace_id, self.config_id = workspace.id, config.id

    @rule(number=st.integers(1, 4), priority=st.sampled_from(sorted(PRIORITIES)))
    def queue(self, number: int, priority: str) -> None:
        with db.session_scope() as session:
            workspace = session.get_one(Workspace, self.workspace_id)
            self.mails += [queue_mail(session, workspace, mail(), priority=priority).id for _ in range(number)]

    @rule()
    def claim(self) -> None:
        with db.session_scope() as session:
            batch = claim.claim(session, self.config_id, utcnow(), lane=uuid.uuid4().hex)
        if not batch.mails:
            return
        worker = Worker(Journal(self.folder), batch.mails[0].token, batch.mails)
        worker.journal.start(worker.token)
        self.workers.append(worker)

    @precondition(lambda self: self.workers)
    @rule(one=which, number=st.integers(1, 5))
    def begin(self, one: int, number: int) -> None:
        worker = self._worker(one)
        group, worker.waiting = worker.waiting[:number], worker.waiting[number:]
        with db.session_scope() as session:
            begun = claim.begin_sending(session, group, utcnow())
        assert not (worker.late and begun)
        worker.begun += begun

    @precondition(lambda self: any(worker.begun for worker in self.workers))
    @rule(one=which, answer=st.sampled_from([*ANSWERS, "accepted", "accepted"]))
    def talk(self, one: int, answer: str) -> None:
        able = [worker for worker in self.workers if worker.begun and not worker.late]
        if not able:
            return
        worker = able[one % len(able)]
        message = worker.begun.pop(0)
        worker.journal.begun(message.id)
        self.copies[message.id] += ANSWERS[answer]
        if answer == "accepted":
            worker.journal.accepted(message.id, ACCEPTED)
        elif answer in ERRORS and not ERRORS[answer].get("ambiguous"):
            worker.journal.refused(message.id)
        worker.heard.append(_done(message, answer))

    @precondition(lambda self: any(worker.heard for worker in self.workers))
    @rule(one=which)
    def record(self, one: int) -> None:
        able = [worker for worker in self.workers if worker.heard]
        worker = able[one % len(able)]
        before = self._rows() if worker.late else {}
        with db.session_scope() as session:
            self._record(session, worker.heard)
        worker.journal.settled()
        worker.heard = []
        assert not worker.late or self._rows() == before, "a late write changed something"

    def _record(self, session: Session, heard: Sequence[Done]) -> None:
        now, config = utcnow(), session.get_one(OutboundConfig, self.config_id)
        accepted = [(one.message, one.result) for one in heard if one.result is not None]
        if accepted:
            attempts.record_all_sent(session, accepted, now)
        for one in heard:
            if one.error is not None:
                attempts.record_failed(session, one.message, config, one.error, now)
            elif one.result is None:
                attempts.record_fault(session, one.message, explanations.INTERNAL, now)

    @precondition(lambda self: self.workers)
    @rule(one=which)
    def leave(self, one: int) -> None:
        """The end of a turn: what was heard is written, what is left is given back."""
        worker = self._worker(one)
        before = self._rows() if worker.late else {}
        with db.session_scope() as session:
            self._record(session, worker.heard)
            if left := [*worker.begun, *worker.waiting]:
                claim.release(session, left, utcnow())
        worker.journal.settled()
        worker.journal.close()
        self.workers.remove(worker)
        assert not worker.late or self._rows() == before, "a late worker gave back what is not its own"

    @precondition(lambda self: self.workers)
    @rule(one=which, disk=st.sampled_from(["kept", "kept", "lost"]))
    def crash(self, one: int, disk: str) -> None:
        """SIGKILL, or the whole machine with its journal; whoever is next on it reads what was left."""
        worker = self._worker(one)
        self.workers.remove(worker)
        os.close(worker.journal._file)
        if disk == "lost" and worker.journal._path:
            worker.journal._path.unlink()

    @rule()
    def next_worker_starts(self) -> None:
        replay(self.folder, utcnow())

    @rule()
    def sweep(self) -> None:
        with db.session_scope() as session:
            sweep(session)

    @precondition(lambda self: self.workers)
    @rule(one=which)
    def renew(self, one: int) -> None:
        with db.session_scope() as session:
            claim.renew(session, [self._worker(one).token], utcnow())

    @rule(one=which)
    def lease_ends(self, one: int) -> None:
        """Of whoever holds a mail, alive or dead; a sweep sees it."""
        held = [row for row in self._rows().values() if row["lease_token"]]
        if not held:
            return
        token = held[one % len(held)]["lease_token"]
        with db.session_scope() as session:
            over = update(Message).where(Message.lease_token == token)
            session.execute(over.values(lease_until=utcnow() - timedelta(seconds=1)))
        for worker in self.workers:
            worker.late = worker.late or worker.token == token
        self.sweep()

    @rule()
    def time_passes(self) -> None:
        """Every pause is over; a person has mended the setup."""
        self._change(Message.status == QUEUED, next_attempt_at=utcnow())
        self._mend()

    @precondition(lambda self: self.mails)
    @rule(one=which)
    def time_runs_out(self, one: int) -> None:
        self._change(Message.id == self._mail(one), expires_at=utcnow() - timedelta(seconds=1))
        self.sweep()

    @precondition(lambda self: self.mails)
    @rule(one=which)
    def cancel(self, one: int) -> None:
        self._act(self._mail(one), actions.cancel, (QUEUED, CLAIMED), CANCELLED)

    @precondition(lambda self: self.mails)
    @rule(one=which)
    def retry(self, one: int) -> None:
        self._act(self._mail(one), actions.retry, (QUEUED, FAILED, EXPIRED, CANCELLED), QUEUED)

    @precondition(lambda self: self.mails)
    @rule(one=which, outcome=st.sampled_from(actions.RESOLUTIONS))
    def resolve(self, one: int, outcome: str) -> None:
        chosen = self._mail(one)
        if self._act(chosen, actions.resolve, (UNKNOWN,), SENT if outcome == SENT else QUEUED, outcome):
            self.said_to_be_sent |= {chosen} if outcome == SENT else set()

    def _act(self, chosen: uuid.UUID, action: Any, allowed: tuple[str, ...], after: str, *more: str) -> bool:
        with db.sessions()() as session:
            message = session.get_one(Message, chosen)
            before = message.status
            try:
                action(session, message, *more, actor=SYSTEM)
            except Conflict:
                assert before not in allowed
                return False
            session.commit()
            assert (before in allowed, message.status) == (True, after)
        return True

    @invariant()
    def every_mail_is_accounted_for(self) -> None:
        Outbox.steps += 1
        with db.session_scope() as session:
            found = ledger(session, self.workspace_id)
        assert found.balances
        assert found.accepted == len(self.mails)

    @invariant()
    def each_mail_is_what_it_may_be(self) -> None:
        rows = self._rows()
        sent = {one for one, row in rows.items() if row["status"] == SENT}
        assert self.seen_sent <= sent, "what was sent is no longer"
        assert all(self.copies[one] or one in self.said_to_be_sent for one in sent), "sent, and nobody got it"
        self.seen_sent = sent
        for one, row in rows.items():
            assert (row["lease_token"] is not None) == (row["status"] in {CLAIMED, SENDING})
            assert self.copies[one] < 2 or row["possible_duplicate"], "a second copy without a label"

    @invariant()
    def nobody_holds_what_another_has(self) -> None:
        rows = self._rows()
        for worker in self.workers:
            mine = {one.id for one in (*worker.begun, *(done.message for done in worker.heard))}
            still = {one for one in mine if rows[one]["lease_token"] == worker.token}
            assert still == (set() if worker.late else mine)

    def teardown(self) -> None:
        """All mail comes to its end; what has copies beyond the first owes each to an unknown outcome."""
        if not self.mails:
            return
        for worker in list(self.workers):
            self.crash(self.workers.index(worker), "kept")
        replay(self.folder, utcnow())
        for _ in range(200):
            left = {row["status"] for row in self._rows().values()} & set(IN_FLIGHT)
            if not left:
                break
            self._settle()
        assert not left, f"{left} never ended"
        self.each_mail_is_what_it_may_be()
        unknown = self._unknown_attempts()
        assert all(number <= 1 + unknown[one] for one, number in self.copies.items())

    def _settle(self) -> None:
        self._change(Message.lease_token.is_not(None), lease_until=utcnow() - timedelta(seconds=1))
        self.sweep()
        for number, (one, row) in enumerate(self._rows().items()):
            if row["status"] == UNKNOWN:
                self.resolve(self.mails.index(one), "resend" if number % 2 else SENT)
        self.time_passes()
        self.claim()
        while self.workers:
            self.begin(0, 50)
            while any(worker.begun for worker in self.workers):
                self.talk(0, "accepted")
            self.leave(0)

    def _worker(self, one: int) -> Worker:
        return self.workers[one % len(self.workers)]

    def _mail(self, one: int) -> uuid.UUID:
        return self.mails[one % len(self.mails)]

    def _rows(self) -> dict[uuid.UUID, dict[str, Any]]:
        with db.session_scope() as session:
            query = select(Message.__table__).where(Message.workspace_id == self.workspace_id)
            return {row["id"]: dict(row) for row in session.execute(query).mappings()}

    def _change(self, chosen: Any, **values: Any) -> None:
        with db.session_scope() as session:
            session.execute(update(Message).where(Message.workspace_id == self.workspace_id, chosen).values(**values))

    def _mend(self) -> None:
        with db.session_scope() as session:
            mine = update(OutboundConfig).where(OutboundConfig.id == self.config_id)
            session.execute(mine.values(health=HEALTHY, blocked_until=None, failures_in_row=0, refusals_in_row=0))

    def _unknown_attempts(self) -> Counter[uuid.UUID]:
        with db.session_scope() as session:
            query = (
                select(DeliveryAttempt.message_id, func.count())
                .where(DeliveryAttempt.workspace_id == self.workspace_id, DeliveryAttempt.outcome == UNKNOWN)
                .group_by(DeliveryAttempt.message_id)
            )
            return Counter({row[0]: row[1] for row in session.execute(query)})


def _done(message: Claimed, answer: str) -> Done:
    if answer == "accepted":
        return Done(message, result=ACCEPTED)
    if answer in ERRORS:
        return Done(message, error=TransportError("the answer", channel="smtp_reply", **ERRORS[answer]))
    return Done(message)
