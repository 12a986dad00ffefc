"""Errors of the sign-in service in Microsoft's JSON."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify, request

from mailsetup.core.errors import MailsetupError
from mailsetup.sandbox.faults import Aadsts
from mailsetup.sandbox.people import new_id
from mailsetup.sandbox.state import state
from mailsetup.sandbox.switches import ENTRA_BY_NUMBER

CLAIMS = '{"access_token":{"capolids":{"essential":true,"values":["%s"]}}}'


class EntraRefusal(MailsetupError):
    """The sign-in service says no; `fact` is which error, `facts` fill its sentence."""

    def __init__(self, fact: Aadsts, **facts: str) -> None:
        super().__init__(fact.name)
        self.fact = fact
        self.facts = facts


def refusal(number: int, **facts: str) -> EntraRefusal:
    """The refusal with an AADSTS number; it is raised by the caller."""
    return EntraRefusal(ENTRA_BY_NUMBER[number], **facts)


def refuse_if_switched_on(*places: str, **facts: str) -> None:
    """Raises the refusal whose switch is on for one of these places."""
    fact = state().switches.entra(*places)
    if fact is not None:
        raise EntraRefusal(fact, **facts)


def error_values(problem: EntraRefusal) -> dict[str, Any]:
    """The members of Microsoft's error JSON.

    https://learn.microsoft.com/entra/identity-platform/reference-error-codes#handling-error-codes-in-your-application
    """
    fact = problem.fact
    trace, correlation = new_id(), _correlation()
    stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    values: dict[str, Any] = {
        "error": fact.error,
        "error_description": f"{fact.name}: {sentence(problem)} Trace ID: {trace} Correlation ID: {correlation} "
        f"Timestamp: {stamp}",
        "error_codes": [fact.number],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"{state().addresses.login_url}/error?code={fact.number}",
    }
    if fact.suberror:
        values["suberror"] = fact.suberror
    if fact.claims:
        values["claims"] = CLAIMS % new_id()
    return values


def error_response(problem: EntraRefusal) -> Response:
    """The answer of the token endpoint to a refused request."""
    answer = jsonify(error_values(problem))
    answer.status_code = problem.fact.status
    if problem.fact.status in {429, 503}:
        answer.headers["Retry-After"] = "5"
    return answer


def sentence(problem: EntraRefusal) -> str:
    """Microsoft's sentence with what is known of this request filled in."""
    return problem.fact.text.format_map(defaultdict(str, _known_facts() | problem.facts))


def _known_facts() -> dict[str, str]:
    world = state().world
    client_id = request.values.get("client_id", "")
    app = world.find_app(client_id)
    tenant = str((request.view_args or {}).get("tenant", ""))
    organisation = world.organisation(tenant)
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "client_id": client_id,
        "app_name": app.name if app else "",
        "tenant": tenant,
        "tenant_id": organisation.tenant_id if organisation else tenant,
        "directory": organisation.name if organisation else tenant,
        "issuer": f"{state().addresses.login_url}/{tenant}/",
        "redirect_uri": request.values.get("redirect_uri", ""),
        "scope": request.values.get("scope", ""),
        "resource": "https://graph.microsoft.com",
        "resource_id": "00000003-0000-0000-c000-000000000000",
        "user": request.values.get("login_hint", "user"),
        "origin": request.headers.get("Origin", ""),
        "parameter": "scope",
        "thumbprint": "0000000000000000000000000000000000000000",
        "now": moment,
        "valid_from": moment,
        "valid_to": moment,
    }


def _correlation() -> str:
    sent = request.headers.get("client-request-id", "")
    return sent if len(sent) == 36 and json.dumps(sent).isascii() else new_id()
