"""Graph's sendMail with a MIME body (learn.microsoft.com/graph/outlook-send-mime-message) and what its answers mean."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from mailsetup.core.redact import Secret, scrub
from mailsetup.mail_services.base import Mail, SendResult, Token
from mailsetup.mail_services.claims import challenge_of
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.graph_recipients import addressed
from mailsetup.mail_services.hints import RULES
from mailsetup.mail_services.hints.reading.web import is_of_a_proxy
from mailsetup.mail_services.http_lane import HttpAnswer, HttpLane

REQUEST_LIMIT = 4 * 1024 * 1024
# What fits into a request in base64, with room for a Bcc header of 500 people.
MIME_LIMIT = REQUEST_LIMIT // 4 * 3 - 64 * 1024
ID_LIMIT = 400
MIME_LIMIT_TEXT = "about 3 MB with its attachments"
KNOWN_CODES = frozenset(code for rule in RULES if "graph" in rule.channels for code in rule.codes)
_STAGES = {
    "ErrorSendAsDenied": "sender",
    "ErrorInvalidUser": "sender",
    "ErrorInvalidRecipients": "recipient",
    "ErrorMailRecipientNotFound": "sender",
}
_STAGE_OF_STATUS = {400: "accept", 403: "sender", 404: "sender", 413: "accept"}


def request_body(server: Server, mail: Mail) -> bytes:
    """The body of the request, if Graph takes one of that size. Raises TransportError."""
    if not mail.recipients:
        raise server.failure("", channel="message", code="no_recipients", stage="recipient")
    if any(re.search(r"[\x00-\x20<>,]", address) for address in mail.recipients):
        raise server.failure("", channel="message", code="address_malformed", stage="recipient")
    body = base64.b64encode(addressed(mail))
    if len(body) > REQUEST_LIMIT:
        limit = {"limit": MIME_LIMIT_TEXT}
        raise server.failure("", channel="message", code="too_large", stage="accept", context=limit)
    return body


def send(lane: HttpLane, path: str, body: bytes, token: Token) -> SendResult:
    """One sendMail. 202 means that Microsoft accepted the mail, not that it was delivered. Raises TransportError."""
    call_id = str(uuid.uuid4())
    answer = lane.post(path, body, {**headers_of(token, call_id), "Content-Type": "text/plain"})
    if answer.status != 202:
        raise refusal(lane.server, answer, call_id, secrets=(token.value,))
    request_id = answer.headers.get("request-id", call_id)[:200]
    return SendResult(service_id=scrub(request_id), text="202 Accepted")


def headers_of(token: Token, call_id: str) -> dict[str, str]:
    """What every request to Graph carries."""
    return {
        "Authorization": f"Bearer {token.value.reveal()}",
        "Accept": "application/json",
        "client-request-id": call_id,
        "User-Agent": "mailsetup",
    }


def refusal(
    server: Server, answer: HttpAnswer, call_id: str, secrets: tuple[Secret, ...] = (), **context: str
) -> TransportError:
    """What an answer other than 202 says, as facts; where it proves nothing, the first stage of the request failed."""
    code = _code(answer)
    between = code in {"", "answer_lost"} and answer.status != 413 and is_of_a_proxy(answer.text)
    facts = {
        "request_id": scrub(answer.headers.get("request-id", ""), limit=200),
        "client_request_id": call_id,
        **context,
    }
    found = server.failure(
        answer.text,
        channel="http" if between else "graph",
        code="proxy_page" if between else code,
        stage="authenticate" if between else _STAGES.get(code) or _STAGE_OF_STATUS.get(answer.status, "authenticate"),
        secrets=secrets,
        http_status=answer.status,
        ambiguous=not between and _ambiguous(answer),
        retry_after=answer.retry_after,
        context=facts,
    )
    found.claims = challenge_of(answer.headers.get("www-authenticate", ""))
    return found


def _ambiguous(answer: HttpAnswer) -> bool:
    """A gateway that gave up may have passed the mail on; so may one that says 200 instead of 202."""
    return answer.status in {500, 502, 504} or 200 <= answer.status < 300


def _code(answer: HttpAnswer) -> str:
    """The most specific code that we know; else the outermost one."""
    if "insufficient_claims" in answer.headers.get("www-authenticate", ""):
        return "insufficient_claims"
    codes = list(_codes(answer.json().get("error")))
    if not codes:
        return "answer_lost" if 200 <= answer.status < 300 else ""
    return next((code for code in reversed(codes) if code in KNOWN_CODES), codes[0])


def _codes(error: Any, depth: int = 0) -> Iterator[str]:
    """Every `code` from the outside in: Graph nests `innerError`, also spelled `innererror`."""
    if not isinstance(error, Mapping) or depth > 8:
        return
    code = error.get("code")
    if isinstance(code, str) and re.fullmatch(r"[\w.-]{1,100}", code):
        yield code
    for name in ("innerError", "innererror"):
        yield from _codes(error.get(name), depth + 1)
