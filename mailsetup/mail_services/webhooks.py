"""Signed webhooks (Standard Webhooks 1.0, github.com/standard-webhooks): signing, and one POST through the door.

Who sends the same notice again uses the same id, by which a receiver tells a repeat from a new one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random_source
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from mailsetup.core.egress import Door
from mailsetup.core.redact import Secret, scrub
from mailsetup.mail_services.base import Evidence, Report, StageNote
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.http_lane import HttpAnswer, HttpLane
from mailsetup.mail_services.timeouts import Timeouts

STAGES = ("settings", "resolve", "connect", "tls", "accept")
STAGE_LABELS = {
    "settings": "Reading the address",
    "resolve": "Finding the server",
    "connect": "Connecting",
    "tls": "Securing the connection",
    "accept": "Notice accepted",
}
# Receivers are told to answer within 15 seconds; a slow one is tried again later.
TIMEOUTS = Timeouts(resolve=5.0, connect=10.0, command=15.0, final=15.0, session=30.0)
URL_LIMIT = 2000
QUOTE_LIMIT = 300
_PREFIX = "whsec_"
_SECRET_BYTES = 32
_SHAPE = "Type an address that begins with https://, like https://example.com/hooks/mail."
_GONE = frozenset({404, 410})
_WORDS = {
    "no_such_name": "There is no server named {host}.",
    "lookup_failed": "{host} could not be looked up just now.",
    "not_public": "{host} does not lead to a public address that is called with https:// on port 443.",
    "expired": "The certificate of {host} has expired.",
    "not_yet_valid": "The certificate of {host} is not valid yet.",
    "wrong_name": "The certificate that answered is not one for {host}.",
    "self_signed": "The certificate of {host} is signed by itself, so nobody vouches for it.",
    "unknown_issuer": "The certificate of {host} comes from somebody whom this server does not trust.",
    "answer_lost": "{host} took the notice and gave no answer in time.",
    "closed": "{host} hung up.",
    "proxy": "The proxy on the way to {host} did not let the connection through.",
}
_NO_CONNECTION = "{host} did not answer."
_NO_TLS = "No secure connection to {host} came about."


@dataclass(frozen=True)
class Outcome:
    """How one POST ended: `stage` is the last one entered, `words` are for people, `quote` is the receiver's.

    `permanent` means that the receiver asked never to be called here again (410), or is not there (404).
    `retry_after` is in seconds, where the receiver named a time.
    """

    accepted: bool
    stage: str
    words: str
    status: int | None = None
    quote: str = ""
    permanent: bool = False
    retry_after: float | None = None


def new_secret() -> Secret:
    """A signing secret as receivers' libraries read it: `whsec_` and 32 random bytes in base64."""
    return Secret(_PREFIX + base64.b64encode(random_source.token_bytes(_SECRET_BYTES)).decode())


def signed_headers(
    body: bytes, *, message_id: str, secrets: Iterable[Secret], timestamp: int | None = None
) -> dict[str, str]:
    """The three headers of a signed webhook; several secrets while one replaces another. Raises ValueError."""
    seconds = int(time.time()) if timestamp is None else timestamp
    signed = b".".join((message_id.encode(), str(seconds).encode(), body))
    marks = [base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode() for secret in secrets]
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(seconds),
        "Webhook-Signature": " ".join(f"v1,{mark}" for mark in marks),
    }


def _key(secret: Secret) -> bytes:
    try:
        return base64.b64decode(secret.reveal().removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("this is not a signing secret") from None


def clean_url(text: str) -> str:
    """The address a webhook goes to. Raises ValueError, whose text is for the form."""
    url = text.strip()
    if not url:
        raise ValueError(_SHAPE)
    if len(url) > URL_LIMIT:
        raise ValueError(f"An address has at most {URL_LIMIT:,} characters.")
    _parsed(url)
    return url


def _parsed(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        parts.port  # noqa: B018 - raises when it is none
    except (ValueError, UnicodeError):
        raise ValueError(_SHAPE) from None
    if parts.scheme not in {"https", "http"} or not host or not url.isascii() or any(c <= " " for c in url):
        raise ValueError(_SHAPE)
    if parts.username or parts.password:
        raise ValueError("Leave user name and password out of the address; notices are signed instead.")
    return parts


def post_signed(
    url: str, body: bytes, *, message_id: str, secrets: Iterable[Secret], door: Door, report: Report | None = None
) -> Outcome:
    """Signs the JSON in `body` and hands it over; never raises for what the receiver or the network does."""
    held = tuple(secrets)
    headers = signed_headers(body, message_id=message_id, secrets=held)
    return post_json(url, body, door=door, report=report, headers=headers, secrets=held)


def post_json(
    url: str,
    body: bytes,
    *,
    door: Door,
    report: Report | None = None,
    headers: Mapping[str, str] | None = None,
    secrets: Iterable[Secret] = (),
    timeouts: Timeouts = TIMEOUTS,
) -> Outcome:
    """One POST through the egress door, with no redirect followed; 2xx is accepted."""
    listener = _Listener(report or Report())
    parts = urlsplit(url)
    try:
        answer = _post(url, body, headers or {}, door, listener, timeouts)
    except TransportError as error:
        return Outcome(False, listener.stage_name, _words(error, parts.hostname or ""))
    # An address may hold its own key, as Slack's do, and a receiver may repeat it.
    hidden = (*secrets, *(Secret(part) for part in (parts.path, parts.query) if len(part) > 8))
    return _judged(answer, parts.hostname or "", hidden)


def _post(
    url: str, body: bytes, headers: Mapping[str, str], door: Door, report: Report, timeouts: Timeouts
) -> HttpAnswer:
    with report.stage("settings"):
        server, encrypted = _server(url, door, timeouts)
    lane = HttpLane(server, encrypted=encrypted)
    try:
        lane.open(report)
        with report.stage("accept") as note:
            answer = _answer(lane, url, body, headers)
            note.note(status=answer.status)
            return answer
    finally:
        lane.close()


def _server(url: str, door: Door, timeouts: Timeouts) -> tuple[Server, bool]:
    try:
        parts = _parsed(url)
    except ValueError as error:
        raise TransportError(str(error), channel="settings", code="address") from None
    encrypted = parts.scheme == "https"
    port = parts.port or (443 if encrypted else 80)
    host = (parts.hostname or "").encode("idna").decode()
    return _WebServer(door, host, port, timeouts, web=True, facts={"encrypted": encrypted}), encrypted


class _WebServer(Server):
    """A receiver: public ones on HTTPS's own port and encrypted; others in the networks the operator allowed."""

    def resolve(self, note: StageNote) -> None:
        super().resolve(note)
        private = self.door.any_address or all(_inside(address.host, self.door) for address in self.addresses)
        if not private and not (self.facts["encrypted"] and self.port == 443):
            raise self.failure("", channel="dns", code="not_public", stage="resolve")


def _inside(address: str, door: Door) -> bool:
    """Whether the address lies in a network the operator allowed; a name is looked up by the proxy, so it is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in door.allow)


def _answer(lane: HttpLane, url: str, body: bytes, headers: Mapping[str, str]) -> HttpAnswer:
    parts = urlsplit(url)
    sent = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "mailsetup", **headers}
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        return lane.post(target, body, sent)
    except TransportError as error:
        error.stage = "accept"
        raise


class _Listener(Report):
    """Passes every stage on, and knows the last one."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self.stage_name = "settings"

    def entered(self, name: str) -> None:
        self.stage_name = name
        self._report.entered(name)

    def passed(self, name: str, evidence: Evidence) -> None:
        self._report.passed(name, evidence)

    def failed(self, name: str, error: TransportError, evidence: Evidence) -> None:
        self._report.failed(name, error, evidence)


def _judged(answer: HttpAnswer, host: str, hidden: Iterable[Secret]) -> Outcome:
    quote = scrub(answer.text, hidden, limit=QUOTE_LIMIT).strip()
    if 200 <= answer.status < 300:
        return Outcome(True, "accept", f"{host} accepted it.", answer.status, quote)
    if 300 <= answer.status < 400:
        words = f"{host} sends us on to another address ({answer.status}). Type the address it sends to."
    else:
        words = f"{host} did not take it: it answered {answer.status}."
    return Outcome(False, "accept", words, answer.status, quote, answer.status in _GONE, answer.retry_after)


def _words(error: TransportError, host: str) -> str:
    if error.code == "address":
        return error.raw
    otherwise = _NO_TLS if error.channel == "tls" else _NO_CONNECTION
    return _WORDS.get(error.code, otherwise).format(host=host)
