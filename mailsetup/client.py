"""The small client for product code in another process or on another host.

    client = Client("https://mail.example.com", api_key)
    client.send(message, idempotency_key="order-42-receipt")    # an email.message.EmailMessage, or fields

Tries again when nothing was acknowledged; the idempotency key, made up when none is given, keeps that from
queueing a mail twice. Needs urllib3 and nothing else of this product.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

TRIES = 5
PAUSES = (0.2, 1.0, 3.0, 8.0)
LONGEST_PAUSE = 30.0
FAR = 600.0
AGAIN = {429, 502, 503, 504}
TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)
RAW_MAIL = "message/rfc822"


class APIError(Exception):
    """The service said no, or did not answer; `errors` has a sentence for each wrong field."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('title', '')}: {problem.get('detail', '')}".strip())
        self.status = status
        self.problem = dict(problem)
        self.errors: dict[str, str] = dict(problem.get("errors") or {})


class Client:
    """Queues mail over the HTTP API; safe to share between threads."""

    def __init__(self, base_url: str, api_key: str, *, ca_bundle: str | None = None) -> None:
        self._base = f"{base_url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False, maxsize=8, ca_certs=ca_bundle)

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def send(
        self,
        message: EmailMessage | Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        to: Sequence[str] | None = None,
    ) -> dict[str, Any]:
        """Queues a mail: an EmailMessage, or the fields of the API. Returns once it is on disk. Raises APIError.

        `to` names the recipients of an EmailMessage, where they are not those in its headers.
        """
        headers = {"Idempotency-Key": idempotency_key or f"auto-{secrets.token_hex(16)}"}
        if isinstance(message, EmailMessage):
            if to is not None:
                headers["X-Mailsetup-To"] = ", ".join(to)
            return self._call("POST", "/messages", message.as_bytes(policy=SMTP), RAW_MAIL, headers)
        return self._call("POST", "/messages", _json(message), headers=headers)

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Queues up to 500 mails, each given as fields; one result for each, in order. Raises APIError."""
        keyed = [{"idempotency_key": f"auto-{secrets.token_hex(16)}", **message} for message in messages]
        results: list[dict[str, Any]] = self._call("POST", "/messages/batch", _json({"messages": keyed}))["results"]
        return results

    def get(self, message_id: str | uuid.UUID) -> dict[str, Any]:
        """The mail and every attempt at it. Raises APIError."""
        return self._call("GET", f"/messages/{uuid.UUID(str(message_id))}")

    def cancel(self, message_id: str | uuid.UUID) -> dict[str, Any]:
        """Takes the mail out of the queue. Raises APIError with status 409 once it is on its way."""
        # Asked again after a lost answer it would be refused: what the mail is then tells.
        return self._call("POST", f"/messages/{uuid.UUID(str(message_id))}/cancel", tries=1)

    def close(self) -> None:
        """Ends the connections."""
        self._pool.clear()

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        *,
        tries: int = TRIES,
    ) -> dict[str, Any]:
        sent = {**self._headers, "Content-Type": content_type, **(headers or {})}
        for turn in range(tries):
            last = turn == tries - 1
            try:
                answer = self._pool.request(method, self._base + path, body=body, headers=sent, redirect=False)
            except HTTPError as error:
                if last:
                    raise APIError(0, {"title": "No answer", "detail": type(error).__name__}) from error
                time.sleep(_pause(turn))
                continue
            asked = answer.headers.get("Retry-After", "")
            if answer.status not in AGAIN or last or _far(asked):
                return _read(answer)
            time.sleep(_pause(turn, asked))
        raise AssertionError("every turn returns or raises")


def _json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields).encode()


def _far(asked: str) -> bool:
    """Whether there is no point in waiting here: a quota has room again tomorrow."""
    return asked.isdigit() and float(asked) > FAR


def _pause(turn: int, asked: str = "") -> float:
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else PAUSES[min(turn, len(PAUSES) - 1)]


def _read(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = {"title": "This is not the mail API", "detail": "The answer is not JSON."}
        raise APIError(answer.status, found) from None
    if answer.status >= 300 or not isinstance(found, dict):
        raise APIError(answer.status, found if isinstance(found, dict) else {})
    return found
