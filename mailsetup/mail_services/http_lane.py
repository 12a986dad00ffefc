"""One kept HTTPS connection, made stage by stage so that a test can show each; bounded in time and size."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from mailsetup.mail_services.base import Report
from mailsetup.mail_services.dialing import Deadline, Server, is_quiet
from mailsetup.mail_services.errors import TransportError

ANSWER_LIMIT = 64 * 1024
IDLE_SECONDS = 50.0
RETRY_AFTER_MIN, RETRY_AFTER_MAX = 1.0, 3600.0


@dataclass(frozen=True)
class HttpAnswer:
    """Status, headers (names in lower case) and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body, whatever it is."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> dict[str, Any]:
        """The body's JSON object; empty for HTML, nothing, or half of one."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def retry_after(self) -> float | None:
        """Seconds that the service asks us to wait, between one second and one hour (RFC 9110 10.2.3)."""
        value = self.headers.get("retry-after", "").strip()
        if not value:
            return None
        return min(max(_seconds(value), RETRY_AFTER_MIN), RETRY_AFTER_MAX)


def _seconds(value: str) -> float:
    try:
        return float(int(value))
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return RETRY_AFTER_MIN


class HttpLane:
    """A connection that is opened by `open` only: it never reconnects behind our back."""

    def __init__(self, server: Server, *, encrypted: bool = True) -> None:
        self.server = server
        self._encrypted = encrypted
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether the kept connection is still good for a request."""
        if self._connection is None or self._connection.sock is None:
            return False
        idle = time.monotonic() - self._used_at
        if idle > IDLE_SECONDS or not is_quiet(self._connection.sock):
            self.close()
            return False
        return True

    def open(self, report: Report) -> None:
        """Find, connect, encrypt. Raises TransportError."""
        deadline = Deadline(self.server.timeouts.session)
        with report.stage("resolve") as note:
            self.server.resolve(note)
        with report.stage("connect") as note:
            connected: socket.socket = self.server.connect(note, deadline)
        if self._encrypted:
            with report.stage("tls") as note:
                connected = self.server.secure(connected, note, deadline)
        self._connection = http.client.HTTPConnection(self.server.host, self.server.port)
        self._connection.auto_open = 0
        self._connection.sock = connected
        self._used_at = time.monotonic()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
        """One POST. Raises TransportError, `ambiguous` once the whole request is out."""
        return self.request("POST", path, body, headers)

    def get(self, path: str, headers: Mapping[str, str]) -> HttpAnswer:
        """One GET. Raises TransportError."""
        return self.request("GET", path, None, headers)

    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> HttpAnswer:
        """One request. Raises TransportError, `ambiguous` once the whole request is out."""
        connection = self._connection
        if connection is None or connection.sock is None:
            raise self._broken(ConnectionResetError("not connected"), sent=False)
        deadline, sent = Deadline(self.server.timeouts.session), False
        try:
            connection.sock.settimeout(deadline.within(self.server.timeouts.command))
            connection.request(method, path, body=body, headers=dict(headers))
            sent = True
            answer = self._read(connection, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise self._broken(error, sent=sent) from error
        self._used_at = time.monotonic()
        return answer

    def _read(self, connection: http.client.HTTPConnection, deadline: Deadline) -> HttpAnswer:
        connection.sock.settimeout(deadline.within(self.server.timeouts.command))
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        body = self._body(connection, response, deadline)
        return HttpAnswer(response.status, headers, body)

    def _body(
        self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse, deadline: Deadline
    ) -> bytes:
        """What the body says, as far as it comes: the status has decided already."""
        body = b""
        try:
            while len(body) < ANSWER_LIMIT and (piece := response.read1(16384)):
                body += piece
                if connection.sock is not None:
                    connection.sock.settimeout(deadline.within(self.server.timeouts.command))
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
        if response.isclosed() or response.length == 0:
            response.close()
        else:
            self.close()
        return body[:ANSWER_LIMIT]

    def _broken(self, error: Exception, *, sent: bool) -> TransportError:
        timeout = isinstance(error, TimeoutError)
        code = "answer_lost" if sent else "timeout" if timeout else "closed"
        return self.server.failure(str(error), channel="http", code=code, stage="authenticate", ambiguous=sent)

    def close(self) -> None:
        """Hangs up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
