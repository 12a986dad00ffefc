"""What a program sent: read, limited, and refused by field."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from mailsetup.core.errors import InvalidInput
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.compose import FIELDS, compose
from mailsetup.outbox.freeze import parse
from mailsetup.outbox.queue import Options

RAW_MAIL = "message/rfc822"
OPTIONS = ("config", "send_at", "expires_at", "priority", "metadata")
RAW_HEADERS = {name: f"X-Mailsetup-{name.replace('_', '-').title()}" for name in OPTIONS if name != "metadata"}
RAW_TO = "X-Mailsetup-To"
KEY_HEADER = "Idempotency-Key"
_SURROGATE = re.compile(r"\\u[dD]")


def json_object() -> dict[str, Any]:
    """The request's JSON object. Raises BadRequest, UnsupportedMediaType."""
    if request.mimetype not in {"application/json", ""}:
        raise UnsupportedMediaType(f"Send application/json, not {request.mimetype}.")
    content = request.get_data() or b"{}"
    try:
        text = content.decode(json.detect_encoding(content))
        found = json.loads(text, parse_constant=_no_constant)
        if _SURROGATE.search(text):
            # A lone surrogate is legal JSON and no text: it could neither be stored nor sent.
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON that can be read.") from error
    if not isinstance(found, dict):
        raise BadRequest("The body must be a JSON object.")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def only(fields: Mapping[str, Any], *allowed: str) -> None:
    """Refuses fields that nobody would look at. Raises InvalidInput."""
    unknown = sorted(set(fields) - set(allowed))
    if unknown:
        raise InvalidInput({str(name)[:60]: "There is no such field." for name in unknown[:10]})


def is_raw_mail() -> bool:
    """Whether the body is a whole mail."""
    return request.mimetype == RAW_MAIL


def raw_mail(
    session: Session, workspace_id: uuid.UUID, key: str | None
) -> tuple[EmailMessage, OutboundConfig | None, Options]:
    """A whole mail out of the body, its options out of HTTP headers. Raises InvalidInput."""
    content = request.get_data()
    fields = {name: request.headers[header] for name, header in RAW_HEADERS.items() if header in request.headers}
    options = options_of(fields)
    to = request.headers.get(RAW_TO)
    if to is not None:
        options["recipients"] = [one.strip() for one in to.split(",") if one.strip()]
    if key:
        options["request_hash"] = _hash([fields, to], content)
    options["idempotency_key"] = key
    return parse(content), config_of(session, workspace_id, fields.get("config")), options


def composed_mail(
    session: Session, workspace_id: uuid.UUID, fields: Mapping[str, Any], key: str | None
) -> tuple[EmailMessage, OutboundConfig | None, Options]:
    """A mail out of JSON fields. Raises InvalidInput naming every wrong field at once."""
    only(fields, *FIELDS, *OPTIONS)
    wrong: dict[str, str] = {}
    message, config, options = EmailMessage(), None, Options()
    try:
        message = compose(fields)
    except InvalidInput as error:
        wrong.update(error.fields)
    try:
        options = options_of(fields)
        config = config_of(session, workspace_id, fields.get("config"))
    except InvalidInput as error:
        wrong.update(error.fields)
    if wrong:
        raise InvalidInput(wrong)
    if key:
        options["request_hash"] = _hash(fields)
    options["idempotency_key"] = key
    return message, config, options


def _hash(said: Any, content: bytes = b"") -> str:
    """Tells one request from another; only where a key says that it may come again."""
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(canonical + b"\0" + content).hexdigest()


def options_of(fields: Mapping[str, Any]) -> Options:
    """When, how urgently and with what notes. Raises InvalidInput."""
    wrong: dict[str, str] = {}
    times = {name: _time(fields.get(name), name, wrong) for name in ("send_at", "expires_at")}
    priority = fields.get("priority") or "normal"
    metadata = fields.get("metadata") or {}
    if not isinstance(priority, str):
        wrong["priority"] = "This must be a text."
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        wrong["metadata"] = "Give an object whose values are texts."
    if wrong:
        raise InvalidInput(wrong)
    return Options(send_at=times["send_at"], expires_at=times["expires_at"], priority=priority, metadata=metadata)


def _time(value: Any, name: str, wrong: dict[str, str]) -> datetime | None:
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError
        return found.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        wrong[name] = "Give a time with its zone, like 2027-03-31T15:05:00Z."
        return None


def config_of(session: Session, workspace_id: uuid.UUID, given: Any) -> OutboundConfig | None:
    """The workspace's setup with this id or name. Raises InvalidInput."""
    if given is None:
        return None
    query = select(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id)
    if isinstance(given, str) and given.isprintable():
        try:
            query = query.where(OutboundConfig.id == uuid.UUID(given))
        except ValueError:
            query = query.where(OutboundConfig.name == given)
        found = session.scalar(query)
        if found is not None:
            return found
    raise InvalidInput({"config": "There is no setup with this id or name in this workspace."})


def idempotency_key() -> str | None:
    """The key under which a repeat of this request returns the first answer."""
    return request.headers.get(KEY_HEADER) or None
