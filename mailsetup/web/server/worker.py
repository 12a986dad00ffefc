"""Gunicorn's threaded worker, with the waiting for callers taken out of its threads.

Its own threads read a request from the socket and write the answer to it, and its loop waits two seconds for a caller
to hang up: as many slow callers as threads stop it. Here the loop collects each request, hands it over when it is
whole, and sends what the caller did not take at once.
"""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any

from gunicorn.errors import ConfigError
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from mailsetup.web.server.arriving import BODIES
from mailsetup.web.server.line import Line

# A caller that goes on gets a second more for each so many bytes: slow lines are served, dripping ones are not.
BYTES_A_SECOND = 16 * 1024
LINGER_BYTES = 256 * 1024
AWAY = b"503 Service Unavailable\r\nRetry-After: 5"
LATE = b"408 Request Timeout"


class Caller(TConn):  # type: ignore[misc] # gunicorn has no types
    """One connection and how long it may take for what it does now."""

    sock: Line

    def __init__(self, cfg: Any, line: Line, address: Any, server: Any) -> None:
        super().__init__(cfg, line, address, server)
        self.data_ready = True
        self.since = 0.0
        self.moved = 0
        self.stays = False

    def give(self, seconds: float) -> None:
        """Begins something that may take so long."""
        self.since, self.moved = time.monotonic(), 0
        self.timeout = self.since + seconds

    def moves(self, count: int, seconds: float) -> None:
        """So many bytes more came or went."""
        self.moved += count
        self.timeout = self.since + seconds + self.moved / BYTES_A_SECOND

    def in_step(self) -> bool:
        """Whether parser and frame saw the same end: what follows another end could be anybody's request."""
        request = self.sock.request
        return not (request.unclear or self.sock.broken or request.read(1) or self.parser.unreader.buf.getvalue())


class PatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A worker whose threads only ever work; times in seconds."""

    HEAD_SECONDS = 10.0
    BODY_SECONDS = 30.0
    ANSWER_SECONDS = 30.0
    LINGER_SECONDS = 2.0
    SWEEP_SECONDS = 0.5
    PLACES = 1000

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.pending_conns: dict[Caller, None] = {}
        self._next_sweep = 0.0

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Raises ConfigError: TLS ends at the proxy."""
        if cfg.is_ssl:
            raise ConfigError("The web process speaks plain HTTP; let the proxy in front of it end TLS.")
        super().check_config(cfg, log)

    def init_process(self) -> None:
        """Each caller may take two files, more in all than a shell usually allows."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * self.worker_connections + 512
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
        super().init_process()

    # A caller comes

    def accept(self, listener: Any) -> None:
        """Takes a caller; when all places are taken, whoever has held one longest without being served goes."""
        try:
            accepted, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        caller = Caller(self.cfg, Line(accepted, self.ANSWER_SECONDS), address, listener.getsockname())
        if self.nr_conns > min(self.PLACES, self.worker_connections - self.cfg.threads):
            self._make_room()
        caller.give(self.HEAD_SECONDS)
        self._hold(caller, EVENT_READ, self._on_words)

    def _make_room(self) -> None:
        oldest = next(iter(self.pending_conns), None)
        if oldest is not None:
            self._let_go(oldest)
            self._drop(oldest)
        elif self.keepalived_conns:
            oldest = self.keepalived_conns.popleft()
            self.poller.unregister(oldest.sock)
            self._drop(oldest)

    def on_client_socket_readable(self, conn: Caller, client: Line) -> None:
        """A caller that stayed says something again."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        conn.give(self.HEAD_SECONDS)
        self._on_words(conn)

    def _on_words(self, caller: Caller, _file: object = None) -> None:
        try:
            data = caller.sock.hear()
        except BlockingIOError:
            self._hold(caller, EVENT_READ, self._on_words)
            return
        except OSError:
            data = b""
        if data:
            self._take(caller, data)
        else:
            self._let_go(caller)
            self._drop(caller)

    def _take(self, caller: Caller, data: bytes) -> None:
        request = caller.sock.request
        try:
            request.take(data)
            if request.expects and not request.whole:
                caller.sock.say_continue()
        except OSError as error:  # no room for a file, or the caller is gone
            self.log.warning("A request could not be taken: %s", error.strerror)
            self._refuse(caller, AWAY)
            return
        if request.whole:
            self._let_go(caller)
            served = self.tpool.submit(self.handle, caller)
            served.add_done_callback(partial(self.method_queue.defer, self.finish_request, caller))
        elif BODIES.empty:
            self._refuse(caller, AWAY)
        else:
            self._hold(caller, EVENT_READ, self._on_words)
            if request.headed:
                caller.moves(len(data), self.BODY_SECONDS)

    def _keepalive_after(self, conn: Caller, keepalive: bool) -> bool:
        """Whether another request may follow; a body that nobody read and that has no sense ends it.

        Its request was answered: another answer would be taken for that to the next request.
        """
        try:
            return bool(super()._keepalive_after(conn, keepalive))
        except (NoMoreData, ParseException):
            return False

    # It was served

    def finish_request(self, conn: Caller, fs: Future[Any]) -> None:
        """Sends the rest of an answer, then keeps the caller or hangs up."""
        if conn.sock.fileno() < 0 or fs.cancelled() or fs.exception():
            self._drop(conn)
            return
        conn.stays = bool(fs.result()) and conn.in_step()
        if conn.sock.unsent:
            conn.give(self.ANSWER_SECONDS)
            self._hold(conn, EVENT_WRITE, self._on_room)
        else:
            self._after(conn)

    def _on_room(self, caller: Caller, _file: object = None) -> None:
        before = len(caller.sock.unsent)
        try:
            caller.sock.flush()
        except OSError:
            self._let_go(caller)
            self._drop(caller)
            return
        caller.moves(before - len(caller.sock.unsent), self.ANSWER_SECONDS)
        if not caller.sock.unsent:
            self._let_go(caller)
            self._after(caller)

    def _after(self, caller: Caller) -> None:
        if not caller.stays:
            self._hang_up(caller)
            return
        beyond = caller.sock.next_request()
        if beyond:
            caller.give(self.HEAD_SECONDS)
            self._take(caller, beyond)
            return
        caller.set_timeout()
        if not self.alive:
            caller.timeout = min(caller.timeout, time.monotonic() + STOP_KEEPALIVE_LINGER)
        self.keepalived_conns.append(caller)
        self.poller.register(caller.sock, EVENT_READ, partial(self.on_client_socket_readable, caller))

    # It goes

    def _hang_up(self, caller: Caller) -> None:
        # RFC 9112 section 9.6: half-close, then hear the rest, or the end of the answer may be lost.
        try:
            caller.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(caller)
            return
        caller.give(self.LINGER_SECONDS)
        self._hold(caller, EVENT_READ, self._on_last_words)

    def _on_last_words(self, caller: Caller, _file: object = None) -> None:
        try:
            heard = len(caller.sock.hear())
        except BlockingIOError:
            return
        except OSError:
            heard = 0
        caller.moved += heard
        if not heard or caller.moved > LINGER_BYTES:
            self._let_go(caller)
            self._drop(caller)

    def _refuse(self, caller: Caller, status: bytes) -> None:
        self._let_go(caller)
        try:
            caller.sock.say(b"HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        except OSError:
            self._drop(caller)
            return
        self._hang_up(caller)

    def _drop(self, caller: Caller) -> None:
        self.nr_conns -= 1
        caller.close()

    # Who waits for what

    def _hold(self, caller: Caller, event: int, then: Callable[[Caller, object], None]) -> None:
        if caller not in self.pending_conns:
            self.pending_conns[caller] = None
            self.poller.register(caller.sock, event, partial(then, caller))

    def _let_go(self, caller: Caller) -> None:
        if caller in self.pending_conns:
            self.pending_conns.pop(caller)
            self.poller.unregister(caller.sock)

    def murder_pending(self) -> None:
        """Sends away whoever took too long."""
        now = time.monotonic()
        if now < self._next_sweep:
            return
        self._next_sweep = now + self.SWEEP_SECONDS
        for caller in [caller for caller in self.pending_conns if caller.timeout < now]:
            request = caller.sock.request
            if request.size and not request.whole:
                self._refuse(caller, LATE)
            else:
                self._let_go(caller)
                self._drop(caller)

    def _cap_keepalive(self, deadline: float) -> None:
        """At the end, nobody is waited for who has said nothing."""
        super()._cap_keepalive(deadline)
        for caller in self.pending_conns:
            if not caller.sock.request.size:
                caller.timeout = min(caller.timeout, deadline)
