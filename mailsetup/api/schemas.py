"""What the API takes and gives, as JSON Schema (OpenAPI 3.1)."""

from __future__ import annotations

from typing import Any

from mailsetup.outbox.models import PRIORITIES, STATUSES

_TEXT = {"type": "string"}
_MAYBE = {"type": ["string", "null"]}
_MOMENT = {"type": "string", "format": "date-time"}
_MAYBE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_COUNT = {"type": "integer"}
_KEY = {"type": "string", "maxLength": 255}
_FLAG = {"type": "boolean"}
_METADATA = {"type": "object", "additionalProperties": {"type": "string", "maxLength": 500}, "maxProperties": 20}
_EXPLANATION = {"type": ["object", "null"], "description": "title, what, steps, who and raw, in plain words."}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: tuple[str, ...] = (), *, closed: bool = False, **properties: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        found["required"] = list(required)
    if closed:
        found["additionalProperties"] = False
    return found


def _list(item: Any, **limits: int) -> dict[str, Any]:
    return {"type": "array", "items": item, **limits}


_ADDRESS: dict[str, Any] = {
    "anyOf": [
        {"type": "string", "description": "name@example.com or Name <name@example.com>"},
        _object(("address",), closed=True, name=_TEXT, address=_TEXT),
    ]
}
_ADDRESSES = {"anyOf": [*_ADDRESS["anyOf"], _list(_ADDRESS, maxItems=500)]}
_MAIL: dict[str, Any] = {
    "to": _ADDRESSES,
    "cc": _ADDRESSES,
    "bcc": _ADDRESSES,
    "from": {**_ADDRESS, "description": "May be left out: the setup fills it in, and sends as no other address."},
    "reply_to": _ADDRESSES,
    "subject": {"type": "string", "maxLength": 998},
    "text": _TEXT,
    "html": _TEXT,
    "headers": {"type": "object", "additionalProperties": _TEXT},
    "attachments": _list(_ref("Attachment"), maxItems=100),
    "config": {"type": "string", "description": "Id or name of a setup; the default setup when left out."},
    "send_at": _MOMENT,
    "expires_at": {**_MOMENT, "description": "5 days after send_at when left out."},
    "priority": {"enum": list(PRIORITIES)},
    "metadata": _METADATA,
}
_ATTACHMENT: dict[str, Any] = {
    "filename": _TEXT,
    "content_type": _TEXT,
    "content_base64": {"type": "string", "contentEncoding": "base64"},
    "content_id": {"type": "string", "description": "For images that the HTML shows as cid:..."},
}
_RECIPIENT = _object(address=_TEXT, state={"enum": ["waiting", "accepted", "refused"]}, code=_TEXT, text=_TEXT)
_ATTEMPT = _object(
    number=_COUNT, outcome=_TEXT, stage=_MAYBE, code=_MAYBE, answer=_MAYBE, explanation=_EXPLANATION,
    started_at=_MOMENT, finished_at=_MAYBE_MOMENT, service_id=_MAYBE,
)  # fmt: skip
_SUMMARY: dict[str, Any] = {
    "id": {"type": "string", "format": "uuid"},
    "status": {"enum": list(STATUSES)},
    "subject": _TEXT,
    "from": _TEXT,
    "recipients": _list(_RECIPIENT),
    "config": _MAYBE,
    "priority": {"enum": list(PRIORITIES)},
    "metadata": _METADATA,
    "message_id": _MAYBE,
    "size": _COUNT,
    "possible_duplicate": _FLAG,
    "attempt_count": _COUNT,
    "created_at": _MOMENT,
    "next_attempt_at": _MAYBE_MOMENT,
    "expires_at": _MOMENT,
    "finished_at": _MAYBE_MOMENT,
    "service_id": _MAYBE,
    "explanation": _EXPLANATION,
    "links": {"type": "object"},
}
_SETUP = _object(
    id=_TEXT, name=_TEXT, kind=_TEXT, from_address=_TEXT, is_default=_FLAG, health=_TEXT, health_reason=_MAYBE,
    health_since=_MOMENT, resumes_at=_MAYBE_MOMENT, waiting=_COUNT, tested_at=_MAYBE_MOMENT,
)  # fmt: skip
_STAGE = _object(
    name=_TEXT, state=_TEXT, milliseconds={"type": ["integer", "null"]}, verdict=_MAYBE, evidence={"type": "object"}
)

SCHEMAS: dict[str, Any] = {
    "Mail": _object(closed=True, **_MAIL),
    "Attachment": _object(("filename", "content_base64"), closed=True, **_ATTACHMENT),
    "Batch": _object(
        ("messages",),
        closed=True,
        messages=_list(_object(closed=True, **_MAIL, idempotency_key=_KEY), minItems=1, maxItems=500),
    ),
    "Accepted": _object(
        id=_SUMMARY["id"], status={"const": "queued"}, created_at=_MOMENT, links={"type": "object"}
    ),
    "BatchAnswer": _object(
        results=_list({"anyOf": [_ref("Accepted"), _object(("error",), error=_ref("Problem"))]})
    ),
    "Summary": _object(**_SUMMARY),
    "Message": _object(**_SUMMARY, attempts=_list(_ATTEMPT)),
    "MessageList": _object(messages=_list(_ref("Summary")), next_cursor=_MAYBE),
    "Resolution": _object(("outcome",), closed=True, outcome={"enum": ["sent", "resend"]}),
    "SetupList": _object(outbound=_list(_SETUP)),
    "TestRequest": _object(
        ("recipient",), closed=True, recipient={"type": "string", "format": "email"},
        depth={"enum": ["send", "check"], "description": "check stops before the mail itself: nothing is sent."},
    ),
    "TestRun": _object(
        id=_TEXT, config=_MAYBE, depth=_TEXT, state=_TEXT, recipient=_TEXT, message_id=_MAYBE, worker=_MAYBE,
        arrival={"type": ["object", "null"], "description": "What the mailbox says, where it may be read."},
        waits_because=_MAYBE, stages=_list(_STAGE), explanation=_EXPLANATION,
        created_at=_MOMENT, finished_at=_MAYBE_MOMENT, links={"type": "object"},
    ),
    "Problem": _object(
        ("type", "title", "status", "detail"), type=_TEXT, title=_TEXT, status=_COUNT, detail=_TEXT,
        errors={"type": "object", "additionalProperties": _TEXT, "description": "A sentence for each wrong field."},
    ),
}  # fmt: skip
