"""HTTP that goes through the egress door, by urllib3; and the small client MSAL wants."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import requests
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    from mailsetup.core.egress import Door

POOL_TIMEOUT = urllib3.Timeout(connect=5, read=30)
MSAL_TIMEOUT = urllib3.Timeout(connect=5, read=15)
MSAL_ANSWER_LIMIT = 256 * 1024
MSAL_BODY_SECONDS = 15.0


class NoRedirectPool(urllib3.PoolManager):
    """A pool manager that hands a redirect back instead of following it somewhere unchecked."""

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, redirect: bool = False, **kw: Any
    ) -> urllib3.BaseHTTPResponse:
        """One request, one answer."""
        return super().urlopen(method, url, redirect=False, **kw)


def pool_through(door: Door) -> urllib3.PoolManager:
    """A pool whose every connection the door opens; names stay for SNI and verification."""
    pool = NoRedirectPool(timeout=POOL_TIMEOUT, retries=False, ssl_context=door.ssl_context(), maxsize=4)
    pool.pool_classes_by_scheme = _pool_classes(door)
    return pool


def _pool_classes(door: Door) -> dict[str, Any]:
    def dial(connection: HTTPConnection) -> socket.socket:
        seconds = connection.timeout if isinstance(connection.timeout, int | float) else 5.0
        return door.connect(connection.host, connection.port, float(seconds), web=True)

    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self)

    class SecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": PlainPool, "https": SecurePool}


def _read_bounded(response: urllib3.BaseHTTPResponse) -> bytes:
    """The body, which may neither be large nor drip in for ever. Raises urllib3's errors."""
    deadline = time.monotonic() + MSAL_BODY_SECONDS
    body = b""
    while piece := response.read1(16384):
        body += piece
        if len(body) > MSAL_ANSWER_LIMIT or time.monotonic() > deadline:
            response.close()
            raise urllib3.exceptions.ProtocolError("the answer is too large or too slow")
    return body


@dataclass
class Answer:
    """An HTTP answer in the shape MSAL reads."""

    status_code: int
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def raise_for_status(self) -> None:
        """Raises requests.HTTPError from status 400 on."""
        if self.status_code >= 400:
            raise requests.HTTPError(f"HTTP {self.status_code}")


class MsalClient:
    """MSAL's `http_client`; `last` is the newest answer, whose body MSAL hides in some of its errors."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        self._pool = pool
        self.last: Answer | None = None

    def get(
        self, url: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None, **_: Any
    ) -> Answer:
        """One GET. Raises requests.ConnectionError, requests.Timeout, EgressError."""
        query = urlencode(params or {})
        return self._request("GET", f"{url}{'&' if '?' in url else '?'}{query}" if query else url, headers, None)

    def post(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | str | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> Answer:
        """One POST of a form. Raises requests.ConnectionError, requests.Timeout, EgressError."""
        query = urlencode(params or {})
        body = data if isinstance(data, str) else urlencode(data or {})
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self._request("POST", f"{url}{'&' if '?' in url else '?'}{query}" if query else url, sent, body)

    def _request(self, method: str, url: str, headers: Mapping[str, str] | None, body: str | None) -> Answer:
        self.last = None
        try:
            response = self._pool.request(
                method, url, headers=dict(headers or {}), body=body, timeout=MSAL_TIMEOUT, preload_content=False
            )
            raw = _read_bounded(response)
        except urllib3.exceptions.TimeoutError as error:
            raise requests.Timeout("Microsoft did not answer in time") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise requests.ConnectionError("the connection to Microsoft broke") from error
        response.release_conn()
        self.last = Answer(response.status, raw.decode("utf-8", "replace"), dict(response.headers))
        return self.last

    def close(self) -> None:
        """Closes the kept connections."""
        self._pool.clear()
