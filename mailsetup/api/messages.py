"""POST and GET /api/v1/messages."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from mailsetup.api import requests, shapes
from mailsetup.api.auth import current_actor, current_key, key_workspace, require_key
from mailsetup.api.blueprint import api
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput, QuotaReached
from mailsetup.outbox import actions, queue_mail
from mailsetup.outbox.models import Message
from mailsetup.outbox.queue import together
from mailsetup.outbox.quota import TOGETHER
from mailsetup.outbox.search import Filter, parse_status, parse_text, parse_time, search
from mailsetup.web.errors import QUOTA
from mailsetup.web.session import db_session
from mailsetup.workspaces.models import Workspace

BATCH_LIMIT = TOGETHER
PAGE_LIMIT = 200
FILTERS = ("status", "config", "text", "since", "until", "cursor", "limit")
METADATA = "metadata."


@api.post("/messages")
@require_key("send")
def create() -> ResponseReturnValue:
    """Queues one mail; answers once it is on disk."""
    session, workspace, key = db_session(), key_workspace(), requests.idempotency_key()
    if requests.is_raw_mail():
        parts = requests.raw_mail(session, workspace.id, key)
    else:
        parts = requests.composed_mail(session, workspace.id, requests.json_object(), key)
    message, config, options = parts
    options["created_by"] = current_actor().label
    row = queue_mail(session, workspace, message, config=config, **options)
    session.commit()
    return _accepted(shapes.accepted(row))


def _accepted(body: dict[str, Any]) -> Response:
    answer = jsonify(body)
    answer.status_code = 202
    if "links" in body:
        answer.headers["Location"] = body["links"]["self"]
    return answer


@api.post("/messages/batch")
@require_key("send")
def create_batch() -> ResponseReturnValue:
    """Queues up to 500 mails; one result for each, in order."""
    fields = requests.json_object()
    requests.only(fields, "messages")
    items = fields.get("messages")
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_LIMIT:
        raise InvalidInput({"messages": f"Give a list of 1 to {BATCH_LIMIT} messages."})
    session, workspace = db_session(), key_workspace()
    with together(session, len(items)):
        results = [_queue_item(session, workspace, item) for item in items]
    session.commit()
    return _accepted({"results": results})


def _queue_item(session: Session, workspace: Workspace, item: Any) -> dict[str, Any]:
    """One of many: what is wrong with it is its own result and stops no other."""
    try:
        if not isinstance(item, dict):
            raise InvalidInput({"": "Each message is an object."})
        key = item.pop("idempotency_key", None)
        if key is not None and not isinstance(key, str):
            raise InvalidInput({"idempotency_key": "This must be a text."})
        message, config, options = requests.composed_mail(session, workspace.id, item, key)
        options["created_by"] = current_actor().label
        return shapes.accepted(queue_mail(session, workspace, message, config=config, **options))
    except QuotaReached as error:
        return _item_problem(429, QUOTA.title, str(error), retry_after=error.retry_after)
    except InvalidInput as error:
        return _item_problem(422, "Some answers need a change", str(error), errors=error.fields)
    except Conflict as error:
        return _item_problem(409, "This cannot be done now", str(error))


def _item_problem(status: int, title: str, detail: str, **extra: Any) -> dict[str, Any]:
    return {"error": {"type": "about:blank", "title": title, "status": status, "detail": detail, **extra}}


@api.get("/messages")
@require_key("read")
def index() -> ResponseReturnValue:
    """A page of messages, newest first."""
    wanted = _filter(request.args)
    page = search(
        db_session(), current_key().workspace_id, wanted, cursor=request.args.get("cursor", ""), limit=_limit()
    )
    return jsonify({"messages": [shapes.summary(row) for row in page.rows], "next_cursor": page.next_cursor})


def _filter(args: Mapping[str, str]) -> Filter:
    metadata = {name[len(METADATA) :]: value for name, value in args.items() if name.startswith(METADATA)}
    requests.only({name: "" for name in args if not name.startswith(METADATA)}, *FILTERS)
    for name, value in metadata.items():
        parse_text(name, name="metadata")
        parse_text(value, name=f"{METADATA}{name[:60]}")
    config = requests.config_of(db_session(), current_key().workspace_id, args.get("config"))
    return Filter(
        status=parse_status(args.get("status", "")),
        config_id=config.id if config else None,
        text=parse_text(args.get("text", ""), name="text"),
        since=parse_time(args.get("since", ""), name="since"),
        until=parse_time(args.get("until", ""), name="until", end=True),
        metadata=metadata,
    )


def _limit() -> int:
    text = request.args.get("limit", "50")
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= PAGE_LIMIT):
        raise InvalidInput({"limit": f"Give a number from 1 to {PAGE_LIMIT}."})
    return int(text)


@api.get("/messages/<uuid:message_id>")
@require_key("read")
def show(message_id: uuid.UUID) -> ResponseReturnValue:
    """One message with every attempt."""
    return jsonify(shapes.full(_fetch(message_id)))


@api.post("/messages/<uuid:message_id>/cancel")
@require_key("send")
def cancel(message_id: uuid.UUID) -> ResponseReturnValue:
    """Takes a mail out of the queue."""
    message = _fetch(message_id)
    actions.cancel(db_session(), message, actor=current_actor())
    return _changed(message)


@api.post("/messages/<uuid:message_id>/retry")
@require_key("send")
def retry(message_id: uuid.UUID) -> ResponseReturnValue:
    """Sends a mail as soon as possible."""
    message = _fetch(message_id)
    actions.retry(db_session(), message, actor=current_actor())
    return _changed(message)


@api.post("/messages/<uuid:message_id>/resolve")
@require_key("send")
def resolve(message_id: uuid.UUID) -> ResponseReturnValue:
    """Says what became of a mail whose outcome nobody knows."""
    fields = requests.json_object()
    requests.only(fields, "outcome")
    message = _fetch(message_id)
    actions.resolve(db_session(), message, str(fields.get("outcome", "")), actor=current_actor())
    return _changed(message)


def _changed(message: Message) -> ResponseReturnValue:
    db_session().commit()
    return jsonify(shapes.full(message))


def _fetch(message_id: uuid.UUID) -> Message:
    return fetch_owned(db_session(), Message, current_key().workspace_id, message_id)
