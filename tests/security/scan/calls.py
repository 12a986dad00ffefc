"""The calls of the API with values that the product takes: one at a time is wrong then, and reaches the code behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mailsetup.core.clock import utcnow

MARK = "*"
RAW_OPTION = "X-Mailsetup-"
MAIL = "To: somebody@customer.example\nSubject: An invoice\n\nHello\n"
Way = tuple[str, Any, tuple[str, ...], dict[str, str]]
"""Place, fields or a whole body, the names that are tested, and headers."""


def good(word: str) -> dict[str, Any]:
    """A value for each name that the document has, for the side with this word."""
    mailbox = "somebody@customer.example"
    tomorrow, later = (f"{utcnow() + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (1, 2))
    return {
        **dict.fromkeys(("to", "cc", "bcc", "reply_to", "recipient"), mailbox),
        **{"subject": "An invoice", "text": "Hello", "html": "<p>Hello</p>", "headers": {"X-Order": "42"}},
        **{
            "config": f"Setup {word}",
            "priority": "normal",
            "metadata": {"order": "42"},
            "from": "ar@northwind.example",
        },
        **{"send_at": tomorrow, "expires_at": later, "since": "2026-01-01", "until": later},
        **{"status": "queued", "cursor": "", "limit": "7", "depth": "check", "outcome": "sent"},
        "attachments": [{"filename": "a.txt", "content_type": "text/plain", "content_base64": "SGVsbG8="}],
        "idempotency_key": "invoice-42",
        "Idempotency-Key": "invoice-42",
    }


def ways(call: dict[str, Any], document: dict[str, Any], known: dict[str, Any]) -> Iterator[Way]:
    """By the query, by each header, and by the body. Raises KeyError for a name that has no value here."""
    parameters = call.get("parameters", [])
    query = {one["name"]: known[one["name"]] for one in parameters if one["in"] == "query"}
    if query:
        yield "query", query, tuple(query), {}
    body = _body(call, document, known)
    for name in (one["name"] for one in parameters if one["in"] == "header"):
        value = known[name.removeprefix(RAW_OPTION).replace("-", "_").lower() if RAW_OPTION in name else name]
        yield "header", MAIL if RAW_OPTION in name else body, (name,), {name: f"{value}{MARK}"}
    if body:
        yield "json", body, tuple(dict.fromkeys(leaves("", body))), {}


def _body(call: dict[str, Any], document: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    content = call.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return {}
    name = content["schema"]["$ref"].rpartition("/")[2]
    found: dict[str, Any] = json.loads(json.dumps(_sample(document["components"]["schemas"][name], known)))
    return found


def _sample(schema: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """Every field of a body; of a list of objects, one."""
    lists = {name: part for name, part in schema["properties"].items() if name not in known}
    return {
        **{name: known[name] for name in schema["properties"] if name in known},
        **{name: [_sample(part["items"], known)] for name, part in lists.items()},
    }


def leaves(name: str, value: Any) -> Iterator[str]:
    """What can be tested in a body, by the names of sqlmap, which has none for a text in a list."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(key, inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves("#1*", inner)
    else:
        yield name
