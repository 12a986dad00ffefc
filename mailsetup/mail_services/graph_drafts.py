"""Graph's drafts: made, given attachments, sent, looked up and deleted. Needs Mail.ReadWrite beside Mail.Send.

A draft can be sent only once: it leaves Drafts with that, and keeps its immutable id
(learn.microsoft.com/graph/outlook-immutable-id). So what became of a lost answer can be looked up.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from mailsetup.core.redact import scrub
from mailsetup.mail_services import graph
from mailsetup.mail_services.base import Report, SendResult, Token
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.http_lane import HttpAnswer, HttpLane
from mailsetup.mail_services.mime_parts import Attachment

SENT, DRAFT, GONE = "sent", "draft", "gone"
# From this size on an attachment goes by upload session, below it in one request (outlook-large-attachments).
UPLOAD_FROM = 3_000_000
PIECE = 12 * 320 * 1024
NEEDED = "Mail.ReadWrite"
_LOOKED_AT = "$select=id,isDraft"


@dataclass
class Drafts:
    """The drafts of one mailbox (`/v1.0/users/...`); `other_lane` opens a connection to where a piece is uploaded."""

    lane: HttpLane
    mailbox: str
    token: Token
    other_lane: Callable[[str], HttpLane]

    def create(self, body: bytes) -> str:
        """A draft out of a mail in MIME, in base64; its immutable id. Raises TransportError."""
        answer = self._call("POST", "/messages", body, content_type="text/plain", wanted=(201,))
        found = answer.json().get("id")
        if not isinstance(found, str) or not 0 < len(found) <= graph.ID_LIMIT:
            raise self._odd(answer)
        return found

    def attach(self, draft: str, attachment: Attachment) -> None:
        """Adds one attachment. Raises TransportError."""
        if len(attachment.content) >= UPLOAD_FROM:
            self._upload(draft, attachment)
            return
        facts = {
            "@odata.type": "#microsoft.graph.fileAttachment",
            **_facts(attachment),
            "contentBytes": base64.b64encode(attachment.content).decode(),
        }
        self._call("POST", f"{_path(draft)}/attachments", json.dumps(facts).encode(), wanted=(201,))

    def send(self, draft: str) -> SendResult:
        """Sends a draft. Raises TransportError, `ambiguous` when it may have gone all the same."""
        answer = self._call("POST", f"{_path(draft)}/send", b"", wanted=(202,), certain=False)
        return SendResult(service_id=request_id(answer), text="202 Accepted")

    def state(self, draft: str) -> str:
        """Whether a draft was sent, is still a draft, or cannot be found. Raises TransportError."""
        answer = self._call("GET", f"{_path(draft)}?{_LOOKED_AT}", wanted=(200, 404))
        return GONE if answer.status == 404 else _state(answer.json())

    def find(self, message_id: str) -> list[tuple[str, str]]:
        """Id and state of what the mailbox holds under a Message-ID. Raises TransportError."""
        quoted = quote("internetMessageId eq '{}'".format(message_id.replace("'", "''")))
        answer = self._call("GET", f"/messages?$filter={quoted}&{_LOOKED_AT}", wanted=(200,))
        found = answer.json().get("value")
        rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
        return [(str(row.get("id", "")), _state(row)) for row in rows]

    def delete(self, draft: str) -> None:
        """Removes a draft; one that is gone is as good. Raises TransportError."""
        self._call("DELETE", _path(draft), wanted=(204, 404))

    def _upload(self, draft: str, attachment: Attachment) -> None:
        item = {"attachmentType": "file", **_facts(attachment), "size": len(attachment.content)}
        body = json.dumps({"AttachmentItem": item}).encode()
        answer = self._call("POST", f"{_path(draft)}/attachments/createUploadSession", body, wanted=(201,))
        url = answer.json().get("uploadUrl")
        if not isinstance(url, str) or urlsplit(url).scheme != "https":
            raise self._odd(answer)
        lane = self.other_lane(url)
        try:
            self._put_pieces(lane, url, attachment.content)
        except TransportError as error:
            # Another host than Graph's: it says nothing of Graph's, and nothing was accepted.
            error.stage, error.ambiguous = "accept", False
            raise
        finally:
            lane.close()

    def _put_pieces(self, lane: HttpLane, url: str, content: bytes) -> None:
        path = url[url.index("/", len("https://")) :]
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            # The address itself is the permission: a token has no business there.
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {start}-{start + len(piece) - 1}/{len(content)}",
            }
            answer = _kept_open(lane).request("PUT", path, piece, headers)
            if answer.status not in {200, 201}:
                raise graph.refusal(lane.server, answer, "")

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
        wanted: tuple[int, ...],
        certain: bool = True,
    ) -> HttpAnswer:
        """One request; an error of one that cannot send a mail (`certain`) leaves no doubt."""
        call_id = str(uuid.uuid4())
        headers = {**graph.headers_of(self.token, call_id), "Prefer": 'IdType="ImmutableId"'}
        headers |= {"Content-Type": content_type} if body else {}
        try:
            answer = _kept_open(self.lane).request(method, self.mailbox + path, body, headers)
            if answer.status not in wanted:
                needed = {"permission": NEEDED} if certain else {}
                raise graph.refusal(self.lane.server, answer, call_id, secrets=(self.token.value,), **needed)
        except TransportError as error:
            error.ambiguous = error.ambiguous and not certain
            raise
        return answer

    def _odd(self, answer: HttpAnswer) -> TransportError:
        """An answer that says yes and not to what."""
        error = graph.refusal(self.lane.server, answer, "")
        error.ambiguous = False
        return error


def _kept_open(lane: HttpLane) -> HttpLane:
    """The lane, connected anew when the other side hung up after its last answer. Raises TransportError."""
    if not lane.ready:
        lane.open(Report())
    return lane


def request_id(answer: HttpAnswer) -> str:
    """Microsoft's name for a request."""
    return scrub(answer.headers.get("request-id", "")[:200])


def _path(draft: str) -> str:
    return f"/messages/{quote(draft, safe='')}"


def _state(found: dict[str, Any]) -> str:
    return SENT if found.get("isDraft") is False else DRAFT


def _facts(attachment: Attachment) -> dict[str, Any]:
    facts = {"name": attachment.name, "contentType": attachment.content_type, "isInline": attachment.inline}
    return {**facts, "contentId": attachment.content_id} if attachment.content_id else facts
