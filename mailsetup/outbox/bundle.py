"""The few mails of many setups, taken, begun and recorded together; each setup's go over a connection of their own.

A setup with one mail costs a lane four transactions. Fifty such setups cost a bundle four in all. Only what has nothing
to share with others comes into a bundle: no counted mailbox, no server that was away, no mail that a worker died of,
no service that is looked up. All that goes through a lane, one setup at a time, as does what does not work out here.

Several lanes may work at one bundle: each takes the next setup from its line, so a slow server holds up nobody else.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mailsetup.core import stopping, walls
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import health, hosts
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import allowance, attempts, bundle_start, claim, explanations
from mailsetup.outbox.bundle_start import Part
from mailsetup.outbox.claim import Claimed
from mailsetup.outbox.ready import Ready
from mailsetup.outbox.tries import Done, LaneReport, count_tries, talk, written
from mailsetup.outbox.turn import GROUP_SECONDS, Turn, Turns

SLOW_SECONDS = 0.03
log = structlog.get_logger()


class Bundle(Turn):
    """Sends what is due of these setups now, once; what was not sent is given back when the last lane leaves."""

    def __init__(self, setups: Sequence[Ready], turns: Turns) -> None:
        super().__init__(turns)
        self.setups = tuple(setups)
        self.open = {setup.config_id for setup in setups}  # those that may not have another turn yet
        # Whose turn comes again in a moment, and whose mail needs a lane of its own: known once it was run.
        self.put_off: set[uuid.UUID] = set()
        self.alone: set[uuid.UUID] = set()
        self._token = secrets.token_hex(16)
        self._line: deque[Part] = deque()
        self._left: list[Claimed] = []
        self._done: list[Done] = []
        self._lock = threading.Lock()
        self._lanes = 0
        self._looked = self._recorded = self._moved = time.monotonic()

    @property
    def needs_help(self) -> bool:
        """Whether setups, or what is known of others, wait while every lane at it has to do with a slow server."""
        now = time.monotonic()
        if self._line:
            return now - self._moved > SLOW_SECONDS
        return bool(self._done or self._left) and now - self._recorded > GROUP_SECONDS

    @property
    def waiting(self) -> bool:
        """Whether another lane could take something over."""
        return bool(self._line or self._done or self._left)

    def run(self) -> None:
        """Takes the mail, and sends it; a fault of ours leaves these setups to a lane each."""
        self._lanes += 1
        self.turns.hold(self._token)
        try:
            self._take()
        except SQLAlchemyError as error:
            log.warning("bundle_database_away", setups=len(self.setups), error=type(error).__name__)
            self._scatter()
        except Exception:  # The job edge: one setup that nobody can read must not stop the others.
            log.exception("bundle_failed", setups=len(self.setups))
            self._scatter()
        finally:
            self.turns.drop(self._token)
            self._work()

    def help(self) -> None:
        """Sends along, in another lane."""
        with self._lock:
            self._lanes += 1
        self._work()

    def _scatter(self) -> None:
        """Each by itself: then at most one of them fails again."""
        self.alone.update(setup.config_id for setup in self.setups)

    def _take(self) -> None:
        """In two steps: a mail that kills the worker that reads it must be found in its hands."""
        with self.transaction() as session:
            found = bundle_start.claimed(session, self.setups, self._token, self.turns.clock.now())
        self.alone, self.put_off = found.alone, found.put_off
        if not found.mails:
            return
        with ExitStack() as undone:
            undone.callback(self._left.extend, found.mails)
            self.journal.start(self._token)
            with self.transaction() as session:
                started = bundle_start.begun(session, found.mails, self.turns.clock.now())
            undone.pop_all()
        self.alone |= started.alone
        self._looked = self._recorded = self._moved = time.monotonic()
        self._line = deque(started.parts)
        self.open &= {part.config_id for part in started.parts}

    def _work(self) -> None:
        times = LaneReport()
        try:
            while (part := self._next()) is not None:
                self._send(part, times)
                if time.monotonic() - self._recorded > GROUP_SECONDS:
                    self._write_down()
            self._write_down()
        except Exception:  # The job edge: the journal keeps what was heard.
            log.exception("bundle_failed", setups=len(self.setups))
            self.journal.keep()
        finally:
            times.hand_over()
            self._leave()

    def _next(self) -> Part | None:
        """The next setup in line; none is left to send once the worker should stop."""
        with self._lock:
            if stopping.requested():
                self._set_aside(self._line)
                self._line.clear()
            elif self._line and time.monotonic() - self._looked > GROUP_SECONDS:
                self._look_again()
            self._moved = time.monotonic()
            return self._line.popleft() if self._line else None

    def _look_again(self) -> None:
        """What has waited in line for long: is it still ours, and may its setup still send."""
        parts, now = list(self._line), self.turns.clock.now()
        self._line.clear()
        try:
            with self.transaction() as session:
                held = claim.still_held(session, [message for part in parts for message, _ in part.mails], now)
                may = allowance.unshared(session, [part.config_id for part in parts], now)
        except SQLAlchemyError as error:
            log.warning("bundle_database_away", setups=len(parts), error=type(error).__name__)
            held, may = [], set()
        ours = {message.id for message in held}
        # What is no longer ours is given back in vain.
        self._set_aside(part for part in parts if part.config_id not in may)
        for part in parts:
            part.keep(ours)
        self._line.extend(part for part in parts if part.config_id in may and part.mails)
        self._looked = time.monotonic()

    def _set_aside(self, parts: Iterable[Part]) -> None:
        self._left += [message for part in parts for message, _ in part.mails]

    def _send(self, part: Part, times: LaneReport) -> None:
        ids = {"workspace": str(part.workspace_id), "config": str(part.config_id)}
        with walls.only(part.workspace_id), structlog.contextvars.bound_contextvars(**ids):
            try:
                self._send_all(part, times)
            except SQLAlchemyError as error:
                log.warning("lane_database_away", config=str(part.config_id), error=type(error).__name__)
            except Exception:  # The job edge: a lane of its own may find the same, and harms nobody else.
                log.exception("lane_failed", config=str(part.config_id))
                self.alone.add(part.config_id)
            finally:
                part.service.close()
                self.open.discard(part.config_id)
                with self._lock:
                    self._set_aside([part])

    def _send_all(self, part: Part, times: LaneReport) -> None:
        """Until the first that fails: whatever is left of it then has another turn, as its setup may have none."""
        since = self._looked
        if (unopened := self._opened(part, times)) is not None:
            self._record_failure(part, unopened)
            return
        since = self._held_since(part, since)
        while part.mails and not stopping.requested():
            message, mail = part.mails[0]
            following = part.mails[1][1] if len(part.mails) > 1 else None
            done = talk(part.service, message, mail, times=times, journal=self.journal, following=following)
            part.mails.popleft()
            if done.result is None:
                self._record_failure(part, done)
                return
            with self._lock:
                self._done.append(done)
            since = self._held_since(part, since)

    def _held_since(self, part: Part, since: float) -> float:
        """When its server takes long, others' mail waits no longer, and the wire deadline of its own counts anew."""
        now = time.monotonic()
        if now - since < GROUP_SECONDS:
            return since
        with walls.everywhere():
            self._write_down()
        with self.transaction() as session:
            mails = [message for message, _ in part.mails]
            part.keep({message.id for message in claim.still_held(session, mails, self.turns.clock.now())})
        return now

    def _opened(self, part: Part, times: LaneReport) -> Done | None:
        """None, or how it failed: noted on the first mail, the others are given back untouched."""
        try:
            part.service.open(times)
        except TransportError as error:
            message, _ = part.mails.popleft()
            return Done(message, error=error)
        return None

    def _record_failure(self, part: Part, done: Done) -> None:
        """At once, and in a transaction of its workspace: it may stop the setup, and tells people so."""
        self._write_patiently(lambda: self._write_failure(part, done), 1)
        count_tries([done])
        if done.error is not None and hosts.away(done.error):
            with self._lock:
                away = [one for one in self._line if one.host_key == part.host_key]
                self._set_aside(away)
                self._line = deque(one for one in self._line if one.host_key != part.host_key)

    def _write_failure(self, part: Part, done: Done) -> None:
        now = self.turns.clock.now()
        with self.transaction() as session:
            config = session.get(OutboundConfig, part.config_id)
            if done.error is None:
                attempts.record_fault(session, done.message, explanations.INTERNAL, now)
            elif config is None:
                log.info("setup_gone", config=str(part.config_id))
                # Where nobody knows what became of it, its wire deadline decides.
                claim.release(session, [] if done.error.ambiguous else [done.message], now)
            else:
                attempts.record_failed(session, done.message, config, done.error, now)

    def _write_down(self) -> None:
        """What was accepted, and what has another turn."""
        with self._lock:
            done, self._done = self._done, []
            left, self._left = self._left, []
            self._recorded = time.monotonic()
        if done:
            self._write_patiently(lambda: self._write(done), len(done))
            count_tries(done)
        self.return_unsent(left)

    def _write_patiently(self, write: Callable[[], object], number: int) -> None:
        known = False
        try:
            known = written(write, number)
        finally:
            if not known:
                self.journal.keep()

    def _write(self, done: list[Done]) -> None:
        accepted = [(one.message, one.result) for one in done if one.result is not None]
        with self.transaction() as session:
            attempts.record_all_sent(session, accepted, self.turns.clock.now())
            news = health.unsettled(session, {message.config_id for message, _ in accepted})
        for workspace_id, config_id in news:
            with walls.only(workspace_id), self.transaction() as session:
                if (config := session.get(OutboundConfig, config_id)) is not None:
                    health.accepted(session, config)

    def _leave(self) -> None:
        """The last one out closes the journal; it stays for the next worker where the database does not know all."""
        with self._lock:
            self._lanes -= 1
            if self._lanes:
                return
            self.journal.settled()
            self.journal.close()
