"""One lane: keeps one connection to one setup's mail service and sends that setup's mail through it.

No transaction is open while the network is in use. What became of one group of mails and the start of the
next are written in the same transaction; what happens within a group is noted in the lane's journal, so that
a killed worker leaves no more than the mail on the wire in doubt.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup.core import stopping, tallies, walls
from mailsetup.core.errors import MailsetupError
from mailsetup.mail_services.base import Mail, MailService
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import health, hosts, mailboxes
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import attempts, bodies, claim, explanations, prepare
from mailsetup.outbox.claim import Batch, Claimed
from mailsetup.outbox.ready import Ready
from mailsetup.outbox.timing import TRIES
from mailsetup.outbox.tries import Done, LaneReport, count_tries, talk, written
from mailsetup.outbox.turn import GROUP_SECONDS, Turn, Turns

# A group ends after so many bytes, too: what was begun but not sent yet must not grow large.
GROUP_BYTES = 4_000_000
log = structlog.get_logger()


class SetupGone(MailsetupError):
    """The setup was deleted while its mail was claimed; the mail waits for another."""


class Lane(Turn):
    """Sends one setup's mail, a batch at a time, until there is none or its turn is over."""

    def __init__(self, setup: Ready, turns: Turns) -> None:
        super().__init__(turns)
        self.setup = setup
        self.started = time.monotonic()
        self.service: MailService | None = None
        self.following: Batch | None = None
        self.waiting: deque[Claimed] = deque()
        self.begun: deque[tuple[Claimed, Mail]] = deque()
        self.times = LaneReport()
        self.name = secrets.token_hex(16)
        self.mailbox_key = self.host_key = ""
        self.in_lane = self.stopped = False
        self.claimed_any = False
        self._health_told = False

    def run(self) -> None:
        """Claims and sends; a fault of ours ends this lane alone."""
        ids = {"workspace": str(self.setup.workspace_id), "config": str(self.setup.config_id)}
        with walls.only(self.setup.workspace_id), structlog.contextvars.bound_contextvars(**ids):
            self._run()

    def _run(self) -> None:
        try:
            while not self.turns.over(self.started) and self._claim():
                if not self._send_batch():
                    break
        except SetupGone:
            log.info("setup_gone", config=str(self.setup.config_id))
        except SQLAlchemyError as error:
            log.warning("lane_database_away", config=str(self.setup.config_id), error=type(error).__name__)
        except Exception:  # The job edge: the mail was given back, and is tried again in a moment.
            log.exception("lane_failed", config=str(self.setup.config_id))
            self.claimed_any = False
        finally:
            self.journal.close()
            self._give_back_ahead()
            if self.service is not None:
                self.service.close()
            self._leave()

    def _claim(self) -> bool:
        """Takes the next batch, if that was not done with the end of the one before."""
        if self.following is None:
            with self.transaction() as session:
                self.following = self._next_batch(session)
                if self.service is None and self.following.mails:
                    # What is wrong with its values is told when it is opened.
                    with suppress(TransportError):
                        self.service = self._connected(session)
        batch, self.following = self.following, None
        self.waiting.extend(batch.mails)
        self.mailbox_key, self.host_key = batch.mailbox_key, batch.host_key
        self.in_lane = self.in_lane or batch.in_lane
        self.claimed_any = self.claimed_any or bool(self.waiting)
        self._health_told = False
        return bool(self.waiting)

    def _next_batch(self, session: Session) -> Batch:
        return claim.claim(session, self.setup.config_id, self.turns.clock.now(), lane=self.name)

    def _connected(self, session: Session) -> MailService:
        config = self._config(session)
        if not config.mailbox_key:
            mailboxes.settle_keys(session, config)
        return connect_config(session, config)

    def _send_batch(self) -> bool:
        """Sends what was claimed; False when the connection is of no more use."""
        token = self.waiting[0].token
        self.turns.hold(token)
        try:
            self.journal.start(token)
            return self._open() and self._send_all()
        finally:
            self._give_back()
            self.turns.drop(token)
            self.times.hand_over()

    def _open(self) -> bool:
        try:
            if self.service is None:
                with self.transaction() as session:
                    self.service = self._connected(session)
            self.service.open(self.times)
        except TransportError as error:
            self._record_unopened(error)
            return False
        if self.host_key:
            with self.transaction() as session:
                hosts.answered(session, self.host_key, self.turns.clock.now())
        return True

    def _record_unopened(self, error: TransportError) -> None:
        """The service could not be reached: noted on the mail at hand, the others are given back untouched."""
        message, now = self.waiting.popleft(), self.turns.clock.now()
        with self.transaction() as session:
            if claim.begin_sending(session, [message], now):
                attempts.record_failed(session, message, self._config(session), error, now)
        tallies.add(TRIES, "backend")

    def _send_all(self) -> bool:
        self._turn([])
        while self.begun:
            done = self._send_group()
            good = all(one.connection_good for one in done)
            self._turn(done, go_on=good and not stopping.requested())
            if not good or self.stopped or stopping.requested():
                return False
        return True

    def _send_group(self) -> list[Done]:
        """Sends what was begun, until the connection is of no more use or the group has lasted long enough."""
        ends, done = time.monotonic() + GROUP_SECONDS, []
        while self.begun and not stopping.requested() and time.monotonic() < ends:
            done.append(self._talk(*self.begun[0]))
            self.begun.popleft()
            # A refusal is recorded at once: several in a row may stop the setup, and this lane with it.
            if done[-1].error is not None or not done[-1].connection_good:
                break
        return done

    def _turn(self, done: list[Done], *, go_on: bool = True) -> None:
        """Writes what became of a group and begins the next one, in one transaction."""
        following = None
        with ExitStack() as undone:
            # The next mail's trouble, or the database's, must not cost what is known of this one.
            if done:
                undone.callback(self._record_patiently, done)
            with self.transaction() as session:
                self._record(session, done)
                begun = self._begin(session) if go_on and not self.stopped else None
                if done and begun is not None and self._is_last(*begun):
                    following = self._next_batch(session)
            undone.pop_all()
        self.following = following
        self.journal.settled()
        count_tries(done)
        if begun is not None:
            # What a rolled back transaction began was never on the wire: it stays in line to be given back.
            self.begun, taken = begun
            for _ in range(taken):
                self.waiting.popleft()

    def _is_last(self, begun: deque[tuple[Claimed, Mail]], taken: int) -> bool:
        """Whether nothing of the batch is left, and the lane goes on."""
        return not begun and taken == len(self.waiting) and not self.turns.over(self.started)

    def _begin(self, session: Session) -> tuple[deque[tuple[Claimed, Mail]], int]:
        """What to send next, and how many of the waiting it took: the rest of the group first, in its order."""
        now = self.turns.clock.now()
        if self.begun:
            held = {message.id for message in claim.still_held(session, [message for message, _ in self.begun], now)}
            return deque(pair for pair in self.begun if pair[0].id in held), 0
        taken = 0
        while taken < len(self.waiting):
            group = fitting(itertools.islice(self.waiting, taken, None))
            taken += len(group)
            begun = self._begin_group(session, group, now)
            if begun:
                return begun, taken
        return deque(), taken

    def _begin_group(self, session: Session, group: list[Claimed], now: datetime) -> deque[tuple[Claimed, Mail]]:
        begun = claim.begin_sending(session, group, now)
        if _required(self.service).looks_up:
            claim.will_look_up(session, begun)
        sealed = bodies.sealed_of(session, [message.id for message in begun])
        prepared = (
            (message, prepare.prepared(session, message, sealed.get(message.id), now, config=self._config))
            for message in begun
        )
        return deque((message, mail) for message, mail in prepared if mail is not None)

    def _talk(self, message: Claimed, mail: Mail) -> Done:
        following = self.begun[1][1] if len(self.begun) > 1 else None
        service = _required(self.service)
        return talk(service, message, mail, times=self.times, journal=self.journal, following=following)

    def _record(self, session: Session, done: list[Done]) -> None:
        now = self.turns.clock.now()
        sent = [(one.message, one.result) for one in done if one.result is not None]
        if sent:
            attempts.record_all_sent(session, sent, now)
            self._tell_health(session)
        for one in done:
            if one.error is not None:
                config = self._config(session)
                attempts.record_failed(session, one.message, config, one.error, now)
                self.stopped, self._health_told = not config.sends, False
            elif one.result is None:
                attempts.record_fault(session, one.message, explanations.INTERNAL, now)

    def _tell_health(self, session: Session) -> None:
        # Once a batch is enough: a setup that was degraded is healthy after its first accepted mail.
        if not self._health_told:
            health.accepted(session, self._config(session))
            self._health_told = True

    def _record_patiently(self, done: list[Done]) -> None:
        def write() -> None:
            with self.transaction() as session:
                self._record(session, done)

        if written(write, len(done)):
            self.journal.settled()

    def _give_back(self) -> None:
        """What was claimed and not sent: of this batch, or of the one that was taken ahead and is not wanted."""
        left = [*(message for message, _ in self.begun), *self.waiting]
        self.begun.clear()
        self.waiting.clear()
        self.return_unsent(left)

    def _give_back_ahead(self) -> None:
        if self.following is not None:
            self.waiting.extend(self.following.mails)
            self.mailbox_key, self.following = self.following.mailbox_key, None
            self._give_back()

    def release(self, session: Session, left: Sequence[Claimed]) -> None:
        """As any turn's, and the mailbox's count is less by these."""
        super().release(session, left)
        if self.mailbox_key:
            now, people = self.turns.clock.now(), sum(len(message.recipients) for message in left)
            mailboxes.count_back(session, self.mailbox_key, now, mails=len(left), recipients=people)

    def _leave(self) -> None:
        if not self.in_lane:
            return
        try:
            with self.transaction() as session:
                mailboxes.leave_lane(session, self.name)
        except SQLAlchemyError as error:
            # It ends by itself a minute after its last renewal.
            log.warning("lane_not_left", config=str(self.setup.config_id), error=type(error).__name__)

    def _config(self, session: Session) -> OutboundConfig:
        config = session.get(OutboundConfig, self.setup.config_id)
        if config is None:
            raise SetupGone(str(self.setup.config_id))
        return config


def fitting(mails: Iterable[Claimed]) -> list[Claimed]:
    """The first of these, as many as may be in memory at once; at least one."""
    size = 0
    group: list[Claimed] = []
    for message in mails:
        size += message.size
        if group and size > GROUP_BYTES:
            break
        group.append(message)
    return group


def _required(service: MailService | None) -> MailService:
    if service is None:
        raise RuntimeError("the lane is not open")
    return service
