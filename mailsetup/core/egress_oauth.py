"""What Authlib's OAuth client asks of a session, through the egress door: bounded answers, no redirects."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from mailsetup.core.egress import Door
from mailsetup.core.egress_http import Answer, MsalClient, pool_through
from mailsetup.core.errors import EgressError, MailsetupError


class NoAnswer(MailsetupError):
    """The other side cannot be reached, is out of order, or answers with something else than asked for."""


@dataclass
class JSONAnswer:
    """An answer in the shape Authlib reads; what it holds is a JSON object."""

    status_code: int
    content: dict[str, Any]

    def json(self) -> dict[str, Any]:
        """The object."""
        return self.content


class OAuthSession:
    """Opens connections for one exchange; close it afterwards."""

    def __init__(self, door: Door) -> None:
        self._client = MsalClient(pool_through(door))

    def __enter__(self) -> OAuthSession:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def document(self, url: str) -> dict[str, Any]:
        """A JSON document. Raises NoAnswer."""
        try:
            answer = self._client.get(url, headers={"Accept": "application/json"})
        except (requests.RequestException, EgressError) as error:
            raise NoAnswer(_told(error)) from error
        if answer.status_code != 200:
            raise NoAnswer(f"HTTP {answer.status_code}")
        return _object(answer)

    def post(self, url: str, *, data: dict[str, str], headers: dict[str, str], auth: Any, **_: Any) -> JSONAnswer:
        """A token request, with the client's authentication put in by Authlib. Raises NoAnswer."""
        url, headers, body = auth.prepare("POST", url, dict(headers), _form(data))
        try:
            answer = self._client.post(url, data=body, headers=headers)
        except (requests.RequestException, EgressError) as error:
            raise NoAnswer(_told(error)) from error
        if answer.status_code >= 500 or 300 <= answer.status_code < 400:
            raise NoAnswer(f"HTTP {answer.status_code}")
        return JSONAnswer(answer.status_code, _object(answer))


def _form(data: dict[str, str]) -> str:
    return urlencode(data)


def _told(error: Exception) -> str:
    """Our own words; what the library says could quote the request."""
    return str(error) if isinstance(error, EgressError) else "no answer in time, or the connection broke"


def _object(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.text)
    except ValueError as error:
        raise NoAnswer("the answer is not JSON") from error
    if not isinstance(content, dict):
        raise NoAnswer("the answer is not a JSON object")
    return content
