"""Graph: drafts, their attachments, and what a mailbox says of them; what `Mail.ReadWrite` is for.

https://learn.microsoft.com/graph/api/user-post-messages and outlook-large-attachments
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify, request

from mailsetup.sandbox.draft_store import Draft, DraftStore, Upload
from mailsetup.sandbox.faults import GraphFault
from mailsetup.sandbox.graph import (
    DENIED,
    GraphRefusal,
    bearer_of_request,
    check_right,
    deliver,
    mailbox_of,
    marked,
    outgoing,
)
from mailsetup.sandbox.graph_message import Outgoing
from mailsetup.sandbox.people import Mailbox
from mailsetup.sandbox.state import state

bp = Blueprint("graph_drafts", __name__)
MESSAGES = "/v1.0/users/<user>/messages"
SMALLEST_UPLOAD = 3_000_000
_FILTER = re.compile(r"internetMessageId eq '(?P<id>(?:[^']|'')*)'")
_RANGE = re.compile(r"bytes (?P<first>\d+)-(?P<last>\d+)/(?P<size>\d+)")
_NOT_FOUND = GraphFault("ErrorItemNotFound", 404, "The specified object was not found in the store.")
_BAD_FILTER = GraphFault("BadRequest", 400, "Invalid filter clause.")
_TOO_SMALL = GraphFault(
    "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", 400, "Attachment size must be greater than the minimum size."
)
_BAD_RANGE = GraphFault("ErrorInvalidRange", 400, "The uploaded fragment does not follow the one before it.")


@bp.post(MESSAGES)
def create(user: str) -> Response:
    """A draft out of a message in JSON or MIME."""
    mailbox = _opened(user)
    draft = DraftStore(state().store).create(mailbox.address, outgoing(mailbox))
    answer = marked(jsonify(_shown(draft)))
    answer.status_code = 201
    return answer


@bp.get(MESSAGES)
def find(user: str) -> Response:
    """What the mailbox holds under an internetMessageId."""
    mailbox = _opened(user)
    wanted = _FILTER.fullmatch(request.args.get("$filter", ""))
    if wanted is None:
        raise GraphRefusal(_BAD_FILTER)
    found = DraftStore(state().store).find(mailbox.address, wanted["id"].replace("''", "'"))
    return marked(jsonify({"value": [_shown(draft) for draft in found]}))


@bp.get(f"{MESSAGES}/<draft_id>")
def look(user: str, draft_id: str) -> Response:
    """One message, sent or not."""
    return marked(jsonify(_shown(_draft(_opened(user), draft_id))))


@bp.delete(f"{MESSAGES}/<draft_id>")
def delete(user: str, draft_id: str) -> Response:
    """Removes a message."""
    DraftStore(state().store).delete(_draft(_opened(user), draft_id))
    return marked(Response(status=204))


@bp.post(f"{MESSAGES}/<draft_id>/attachments")
def attach(user: str, draft_id: str) -> Response:
    """Adds a small attachment."""
    draft, given = _unsent(_opened(user), draft_id), _given()
    try:
        content = base64.b64decode(str(given.get("contentBytes", "")), validate=True)
    except ValueError as error:
        raise GraphRefusal(GraphFault("RequestBodyRead", 400, "Cannot convert the literal.")) from error
    DraftStore(state().store).attach(draft, given, content)
    answer = marked(jsonify({"name": given.get("name"), "size": len(content)}))
    answer.status_code = 201
    return answer


@bp.post(f"{MESSAGES}/<draft_id>/attachments/createUploadSession")
def create_upload(user: str, draft_id: str) -> Response:
    """Where a large attachment goes, in pieces; the address is all the permission that is needed there."""
    draft, item = _unsent(_opened(user), draft_id), _given().get("AttachmentItem")
    if not isinstance(item, Mapping) or int(item.get("size", 0)) < SMALLEST_UPLOAD:
        raise GraphRefusal(_TOO_SMALL)
    upload = DraftStore(state().store).begin_upload(draft, dict(item))
    url = f"{state().addresses.graph_url}/api/gv1.0/AttachmentSessions('{quote(upload.session)}')?authtoken=sandbox"
    answer = marked(jsonify({"uploadUrl": url, "nextExpectedRanges": ["0-"]}))
    answer.status_code = 201
    return answer


@bp.put("/api/gv1.0/AttachmentSessions('<session>')")
def put_piece(session: str) -> Response:
    """One piece, each after the one before it."""
    drafts = DraftStore(state().store)
    upload, span = drafts.upload(session), _RANGE.fullmatch(request.headers.get("Content-Range", ""))
    if upload is None or "Authorization" in request.headers:
        raise GraphRefusal(_NOT_FOUND)
    piece = request.get_data()
    if span is None or int(span["first"]) != upload.received or int(span["last"]) + 1 - upload.received != len(piece):
        raise GraphRefusal(_BAD_RANGE)
    return _after_piece(drafts, upload, piece)


@bp.post(f"{MESSAGES}/<draft_id>/send")
def send(user: str, draft_id: str) -> Response:
    """Sends a draft; it can be sent only once."""
    mailbox = _opened(user)
    drafts, draft = DraftStore(state().store), _unsent(mailbox, draft_id)

    def ready() -> Outgoing:
        if not drafts.mark_sent(draft):
            raise GraphRefusal(_NOT_FOUND)
        return drafts.outgoing(draft)

    return deliver(bearer_of_request(), mailbox, ready)


def _after_piece(drafts: DraftStore, upload: Upload, piece: bytes) -> Response:
    if drafts.add_piece(upload, piece):
        return Response(status=201)
    return jsonify({"nextExpectedRanges": [str(upload.received)]})


def _opened(user: str) -> Mailbox:
    bearer = bearer_of_request()
    mailbox = mailbox_of(bearer, user)
    if "graph/Mail.ReadWrite" not in bearer.permissions:
        raise GraphRefusal(DENIED)
    check_right(bearer, mailbox)
    return mailbox


def _draft(mailbox: Mailbox, draft_id: str) -> Draft:
    found = DraftStore(state().store).get(draft_id)
    if found is None or found.mailbox != mailbox.address:
        raise GraphRefusal(_NOT_FOUND)
    return found


def _unsent(mailbox: Mailbox, draft_id: str) -> Draft:
    found = _draft(mailbox, draft_id)
    if found.sent:
        raise GraphRefusal(_NOT_FOUND)
    return found


def _given() -> dict[str, Any]:
    given = request.get_json(silent=True)
    return given if isinstance(given, dict) else {}


def _shown(draft: Draft) -> dict[str, Any]:
    return {"id": draft.id, "internetMessageId": draft.message_id, "isDraft": not draft.sent}
