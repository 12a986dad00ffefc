"""Keeps the lanes of one worker busy over all setups that have due mail, each in its turn."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from mailsetup import settings
from mailsetup.core import db, stopping, tallies
from mailsetup.mail_services import registry
from mailsetup.outbound.mailboxes import pause_of, renew_lanes
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import claim
from mailsetup.outbox.allowance import unshared
from mailsetup.outbox.bundle import Bundle
from mailsetup.outbox.clock import DatabaseClock
from mailsetup.outbox.deliver import Lane
from mailsetup.outbox.journal import folder_for
from mailsetup.outbox.ready import Ready, ready_setups
from mailsetup.outbox.replay import replay
from mailsetup.outbox.timing import LaneClock

SLICE_SECONDS = 60.0
# A lane that waits for a slow server must not hold up everybody else: the drain goes on around it.
STUCK_SECONDS = 5.0
LONGEST_SECONDS = 2400.0
LANE_TURN_SECONDS = 2.0
# So many lanes of one process use the database at once: more only wait for the interpreter, and slow each other down.
AT_THE_DATABASE = 4
# Setups with little mail that are served together, and so many such groups at once: of 4, 8 and 32, 4 were the fastest.
BUNDLE, QUICK_BUNDLES = 50, 4
RENEW_SECONDS = 20.0
FIGURES_SECONDS = 5.0
LOOK_SECONDS = 0.05
IDLE_LOOK_SECONDS = 0.5
# Mail that may go only later than this is left to the sweep, which rings again.
WORTH_WAITING = timedelta(seconds=5)
AGAIN = timedelta(seconds=1)


class Drain:
    """Starts a lane for each setup that has due mail; more for one setup up to what its mailbox allows."""

    def __init__(self, lanes: int, *, slice_seconds: float = SLICE_SECONDS) -> None:
        self.lanes = lanes
        self.slice_seconds = slice_seconds
        self.clock = DatabaseClock()
        self.journals = folder_for(settings.current())
        self.began = time.monotonic()
        self.ends = self.began + slice_seconds
        self._running: dict[Future[None], Lane | Bundle] = {}
        self._helping: set[Future[None]] = set()
        # Whose mail did not go in a bundle: it has a lane of its own for the rest of this drain.
        self._alone: set[uuid.UUID] = set()
        self._not_before: dict[uuid.UUID, datetime] = {}
        self._tokens: set[str] = set()
        self.transactions = threading.BoundedSemaphore(AT_THE_DATABASE)
        self._lock = threading.Lock()
        self._renewed = self.began
        self._line: deque[list[Ready]] = deque()
        self._cursor: uuid.UUID | None = None
        self._more = True
        self._crowded = False
        self._figures = LaneClock()

    def run(self) -> bool:
        """Sends until nothing is due or the slice is over; whether mail may still be due."""
        replay(self.journals, self.clock.now())
        with ThreadPoolExecutor(self.lanes, thread_name_prefix="lane") as pool:
            while self._lanes_busy() or self._goes_on():
                started = self._may_start() and self._start_lanes(pool)
                busy = self._lanes_busy()
                self._wait(LOOK_SECONDS if started else IDLE_LOOK_SECONDS)
                self._renew()
                self._extend()
                self.clock.look_again()
                self._count(busy)
        tallies.flush()
        return self._more or self._soon()

    def over(self, started: float) -> bool:
        """Whether a lane that began at this moment should let others have its place."""
        now = time.monotonic()
        return stopping.requested() or now > self.ends or (self._crowded and now - started > LANE_TURN_SECONDS)

    def hold(self, token: str) -> None:
        """Keeps this lease renewed."""
        with self._lock:
            self._tokens.add(token)

    def drop(self, token: str) -> None:
        """Ends the renewal."""
        with self._lock:
            self._tokens.discard(token)

    def _goes_on(self) -> bool:
        return self._may_start() and (self._more or self._soon())

    def _soon(self) -> bool:
        """Whether mail that could not be claimed may go in a moment."""
        soon = self.clock.now() + WORTH_WAITING
        return any(until < soon for until in self._not_before.values())

    def _may_start(self) -> bool:
        return not stopping.requested() and time.monotonic() < self.ends

    def _start_lanes(self, pool: ThreadPoolExecutor) -> bool:
        if self._lanes_busy() < self.lanes and not self._line:
            self._line.extend(self._look())
        started = False
        for _ in range(len(self._line)):
            if self._lanes_busy() >= self.lanes:
                break
            setups = self._line.popleft()
            if len(setups) > 1 and not self._another_bundle():
                self._line.append(setups)
                continue
            started = self._start(pool, [setup for setup in setups if self._has_room(setup)]) or started
        self._crowded = bool(self._line) and self._lanes_busy() >= self.lanes
        return self._help(pool) or started

    def _start(self, pool: ThreadPoolExecutor, setups: list[Ready]) -> bool:
        if not setups:
            return False
        turn = Lane(setups[0], self) if len(setups) == 1 else Bundle(setups, self)
        self._running[pool.submit(turn.run)] = turn
        return True

    def _another_bundle(self) -> bool:
        """Whether one more finds room: those whose servers answer at once only fight for the interpreter."""
        return sum(not bundle.needs_help for bundle in self._bundles()) < QUICK_BUNDLES

    def _help(self, pool: ThreadPoolExecutor) -> bool:
        """Idle lanes take over what waits behind a slow server in bundles; whether that should be asked again soon."""
        waiting = [bundle for bundle in self._bundles() if bundle.waiting]
        slow = [bundle for bundle in waiting if bundle.needs_help]
        for bundle in slow[: self.lanes - self._lanes_busy()]:
            self._helping.add(pool.submit(bundle.help))
        return bool(waiting)

    def _bundles(self) -> list[Bundle]:
        return [turn for turn in self._running.values() if isinstance(turn, Bundle)]

    def _lanes_busy(self) -> int:
        return len(self._running) + len(self._helping)

    def _look(self) -> list[list[Ready]]:
        """The next setups with due mail, in turns; begins again at the front when the last of them had its turn."""
        now = self.clock.now()
        self._not_before = {config: until for config, until in self._not_before.items() if until > now}
        with db.session_scope() as session:
            found, self._cursor = ready_setups(session, now, after=self._cursor)
            kinds = _known_kinds()
            found = [setup for setup in found if setup.config_id not in self._not_before and setup.kind in kinds]
            few = [setup.config_id for setup in found if setup.few and setup.config_id not in self._alone]
            together = unshared(session, few, now) if len(few) > 1 else set()
        self._more = bool(found) or self._cursor is not None
        small = [setup for setup in found if setup.config_id in together]
        large = [setup for setup in found if setup.config_id not in together]
        bundles = [small[start : start + BUNDLE] for start in range(0, len(small), BUNDLE)]
        return [*bundles, *([setup] for setup in large)]

    def _has_room(self, setup: Ready) -> bool:
        if any(setup.config_id in bundle.open for bundle in self._bundles()):
            return False
        busy = Counter(turn.setup.config_id for turn in self._running.values() if isinstance(turn, Lane))
        return busy[setup.config_id] < registry.get(setup.kind).connections_per_mailbox

    def _wait(self, seconds: float) -> None:
        if not self._lanes_busy():
            if self._more or self._soon():
                stopping.wait(seconds)
            return
        done, _ = wait([*self._running, *self._helping], timeout=seconds, return_when=FIRST_COMPLETED)
        self._helping -= done
        for turn in [self._running.pop(future) for future in done if future in self._running]:
            self._more = True
            self._note(turn)

    def _note(self, turn: Lane | Bundle) -> None:
        if isinstance(turn, Bundle):
            self._alone |= turn.alone
            self._not_before.update(dict.fromkeys(turn.put_off, self.clock.now() + AGAIN))
        elif not turn.claimed_any:
            self._put_off(turn.setup)

    def _put_off(self, setup: Ready) -> None:
        """Due mail that could not be claimed: the mailbox's limit is reached, or another worker has it."""
        now = self.clock.now()
        with db.session_scope() as session:
            config = session.get(OutboundConfig, setup.config_id)
            pause = pause_of(session, config) if config is not None else None
        self._not_before[setup.config_id] = max(now + AGAIN, pause.until if pause else now)

    def _renew(self) -> None:
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        self._renewed = time.monotonic()
        with self._lock:
            tokens = sorted(self._tokens)
        if tokens:
            with db.session_scope() as session:
                claim.renew(session, tokens, self.clock.now())
                names = [turn.name for turn in self._running.values() if isinstance(turn, Lane)]
                renew_lanes(session, names, self.clock.now())

    def _count(self, busy: int) -> None:
        self._figures.tick(busy)
        if self._figures.is_due(FIGURES_SECONDS):
            tallies.flush()

    def _extend(self) -> None:
        now = time.monotonic()
        if self._lanes_busy() and now > self.ends + STUCK_SECONDS and now - self.began < LONGEST_SECONDS:
            self.ends = now + self.slice_seconds


def _known_kinds() -> set[str]:
    return {service.kind for service in registry.all_kinds()}
