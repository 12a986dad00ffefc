"""The OpenAPI 3.1 document, made from `calls`."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from mailsetup.api.blueprint import api
from mailsetup.api.calls import CALLS, Call
from mailsetup.api.keys import SCOPES
from mailsetup.api.schemas import SCHEMAS
from mailsetup.workspaces.access import public

REFUSALS = {
    400: "The body could not be read",
    401: "No key, or one that is not in use",
    403: "The key lacks the scope",
    404: "Nothing with this id in the key's workspace",
    409: "The state does not allow it, or the Idempotency-Key was used for another mail",
    413: "Too large",
    415: "Another type of content than the call takes",
    422: "Some fields are wrong; errors names each",
    429: "Too many requests; Retry-After says when to come again",
    503: "Not available right now; nothing was accepted",
}


@api.get("/openapi.json")
@public
def openapi() -> ResponseReturnValue:
    """The document that describes this API."""
    return jsonify(document(current_app.config["BASE_URL"]))


def document(base_url: str) -> dict[str, Any]:
    """The whole document for the API at this address."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": "mailsetup", "version": "1", "description": "Queue mail in the name of a workspace."},
        "servers": [{"url": base_url}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": _scopes()}},
        },
    }


def _scopes() -> str:
    return "An API key. Scopes: " + "; ".join(f"{name}: {what.lower()}" for name, what in SCOPES.items()) + "."


def operation(call: Call) -> dict[str, Any]:
    """One call as OpenAPI has it."""
    found: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "description": f"{call.detail} Scope: {call.scope}.".strip(),
        "responses": {str(call.status): _answer(call.answer), **_refusals(call)},
    }
    parameters = [_parameter(name, "path", "", required=True) for name in re.findall(r"{(\w+)}", call.path)]
    parameters += [_parameter(name, "query", text) for name, text in call.query]
    parameters += [_parameter(name, "header", text) for name, text in call.headers]
    if parameters:
        found["parameters"] = parameters
    if call.body:
        found["requestBody"] = {"required": True, "content": _bodies(call)}
    return found


def _parameter(name: str, place: str, text: str, *, required: bool = False) -> dict[str, Any]:
    schema = {"type": "string", "format": "uuid"} if place == "path" else {"type": "string"}
    found = {"name": name, "in": place, "required": required, "schema": schema}
    return {**found, "description": text} if text else found


def _bodies(call: Call) -> dict[str, Any]:
    json_body: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{call.body}"}}
    if call.example is not None:
        json_body["example"] = call.example
    bodies: dict[str, Any] = {"application/json": json_body}
    if call.raw_mail:
        bodies["message/rfc822"] = {"schema": {"type": "string", "format": "binary"}}
    return bodies


def _answer(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": "Done", "content": content}


def _refusals(call: Call) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        str(status): {"description": REFUSALS[status], "content": content}
        for status in sorted({*call.refusals, 429, 503})
    }


def docs() -> ResponseReturnValue:
    """The page that explains the API."""
    return render_template(
        "api/docs.html",
        calls=CALLS,
        schemas=SCHEMAS,
        refusals=REFUSALS,
        scopes=SCOPES,
        base_url=current_app.config["BASE_URL"],
    )
