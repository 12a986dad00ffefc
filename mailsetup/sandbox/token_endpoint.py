"""The token endpoint: client credentials, authorization code, refresh token.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, jsonify, request

from mailsetup.sandbox import tokens
from mailsetup.sandbox.aadsts import EntraRefusal, error_response, refusal, refuse_if_switched_on
from mailsetup.sandbox.client_auth import client_of
from mailsetup.sandbox.people import App, Mailbox
from mailsetup.sandbox.resources import DEFAULT, Resource, Scope, UnknownScope, parse_scopes
from mailsetup.sandbox.state import state
from mailsetup.sandbox.tenants import tenant_id_of

bp = Blueprint("token_endpoint", __name__)

CODE_LIFETIME = 600.0
REFRESH_LIFETIME = 90 * 86400.0


@bp.post("/<tenant>/oauth2/v2.0/token")
def token(tenant: str) -> Response:
    """Answers one token request."""
    form = request.form
    try:
        grant = _GRANTS.get(form.get("grant_type", ""))
        if grant is None:
            raise _no_grant(form)
        refuse_if_switched_on("token", f"token:{grant[0]}")
        tenant_id = tenant_id_of(tenant)
        answer = grant[1](client_of(form, tenant_id), tenant_id, form)
    except EntraRefusal as problem:
        return error_response(problem)
    response = jsonify(answer)
    response.headers["Cache-Control"] = "no-store, no-cache"
    return response


def _no_grant(form: Mapping[str, str]) -> EntraRefusal:
    if not form.get("grant_type"):
        return refusal(900144, parameter="grant_type")
    return refusal(70003, parameter=form["grant_type"])


def _for_app(app: App, tenant_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    if not tenant_id:
        raise refusal(50059)
    scopes = form.get("scope", "").split()
    if not scopes:
        raise refusal(900144, parameter="scope")
    if len(scopes) > 1:
        raise refusal(70011)
    if not scopes[0].endswith(f"/{DEFAULT}"):
        raise refusal(1002012)
    scope = _scopes(scopes[0])[0]
    consent = state().world.consent(app.client_id, tenant_id)
    if consent is None:
        raise refusal(7000229)
    access = tokens.app_token(state(), app, consent, _resource(scope), scope.audience)
    return _lifetime() | {"access_token": access}


def _for_code(app: App, tenant_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    code = form.get("code", "")
    if not code:
        raise refusal(900144, parameter="code")
    kept = _kept_code(code)
    _check_code(app, tenant_id, form, kept)
    if not state().store.drop("code", code):
        raise refusal(54005)
    state().store.put("spent-code", code, time.time())
    person = state().world.find_mailbox(kept["person"])
    if person is None or person.blocked:
        raise refusal(50057)
    return _for_person(
        app, person, form.get("scope") or kept["scope"], nonce=kept["nonce"], auth_time=kept["auth_time"]
    )


def _kept_code(code: str) -> dict[str, Any]:
    kept = state().store.get("code", code)
    if kept is None:
        raise refusal(54005 if state().store.get("spent-code", code) else 70000)
    return dict(kept)


def _check_code(app: App, tenant_id: str, form: Mapping[str, str], kept: dict[str, Any]) -> None:
    if kept["client_id"] != app.client_id:
        raise refusal(70000)
    if time.time() > kept["made"] + CODE_LIFETIME:
        raise refusal(70008)
    if tenant_id not in ("", kept["tenant_id"]):
        raise refusal(700005)
    if form.get("redirect_uri", "") != kept["redirect_uri"]:
        raise refusal(50011)
    if kept["challenge"] != _challenge(form.get("code_verifier", ""), kept["method"]):
        raise refusal(501481)


def _challenge(verifier: str, method: str) -> str:
    """RFC 7636 section 4.6; no method means plain."""
    if method == "S256":
        return tokens.encoded(hashlib.sha256(verifier.encode()).digest())
    return verifier


def _for_refresh(app: App, tenant_id: str, form: Mapping[str, str]) -> dict[str, Any]:
    kept = state().store.get("refresh", form.get("refresh_token", ""))
    if kept is None or kept["client_id"] != app.client_id:
        raise refusal(70000)
    person = state().world.find_mailbox(kept["person"])
    issued = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(kept["made"]))
    if person is None or person.blocked:
        raise refusal(50057)
    if kept["generation"] != person.generation:
        raise refusal(50173, valid_from=issued)
    if time.time() > kept["made"] + REFRESH_LIFETIME:
        raise refusal(700082, valid_from=issued)
    answer = _for_person(app, person, form.get("scope") or kept["scope"])
    if state().world.organisation_of(person).single_use_refresh:
        _spend(form["refresh_token"])
    return answer


def _spend(token: str) -> None:
    """Stricter than Microsoft, as other services are: of two who come with the same token only one is served."""
    if not state().store.drop("refresh", token):
        raise refusal(70000)


def _for_person(app: App, person: Mailbox, scope_text: str, **told: Any) -> dict[str, Any]:
    consent = state().world.consent(app.client_id, person.tenant_id)
    granted = consent.scopes_of(person.object_id) if consent else set()
    asked = _scopes(scope_text)
    first = next((scope for scope in asked if scope.resource), None)
    if first is None and any(scope.name == "openid" for scope in asked):
        return _who_it_is(app, person, asked, scope_text, told)
    if first is None:
        raise refusal(28003)
    mine = [scope for scope in asked if scope.resource is first.resource]
    missing = [scope for scope in mine if scope.name != DEFAULT and scope.permission not in granted]
    if missing or not granted:
        raise refusal(65001)
    names = _names(granted, mine, _resource(first))
    access = tokens.person_token(state(), app, person, first.audience, names)
    spelled = [scope.spelling for scope in asked if scope.resource in (None, first.resource)]
    spelled = [spelling for spelling in spelled if spelling != "offline_access"]
    answer = _lifetime() | {"scope": " ".join(spelled), "access_token": access}
    return answer | _companions(app, person, asked, scope_text, told)


def _who_it_is(app: App, person: Mailbox, asked: list[Scope], scope_text: str, told: dict[str, Any]) -> dict[str, Any]:
    """What signing in alone gives: the id_token, and an access token that opens /oidc/userinfo."""
    access = tokens.person_token(state(), app, person, "https://graph.microsoft.com", [])
    return (
        _lifetime() | {"scope": scope_text, "access_token": access} | _companions(app, person, asked, scope_text, told)
    )


def _names(granted: set[str], mine: list[Scope], resource: Resource) -> list[str]:
    """What the token may do: everything granted for the resource, as Microsoft puts into `scp`."""
    prefix = f"{resource.key}/"
    return sorted(
        {each.removeprefix(prefix) for each in granted if each.startswith(prefix)}
        | {scope.name for scope in mine if scope.name != DEFAULT}
    )


def _companions(app: App, person: Mailbox, asked: list[Scope], scope_text: str, told: dict[str, Any]) -> dict[str, Any]:
    wanted = {scope.name for scope in asked if scope.resource is None}
    answer: dict[str, Any] = {}
    if "offline_access" in wanted:
        answer["refresh_token"] = _new_refresh_token(app, person, scope_text)
    if "openid" in wanted:
        answer["id_token"] = tokens.id_token(state(), app, person, told.get("nonce", ""), told.get("auth_time", 0))
    if request.form.get("client_info"):
        answer["client_info"] = tokens.client_info(person)
    return answer


def _new_refresh_token(app: App, person: Mailbox, scope_text: str) -> str:
    """A new one at each use; the old one stays good, as at Microsoft."""
    token = f"1.{secrets.token_urlsafe(48)}"
    kept = {
        "client_id": app.client_id,
        "person": person.object_id,
        "generation": person.generation,
        "scope": scope_text,
        "made": time.time(),
    }
    state().store.put("refresh", token, kept)
    return token


def _lifetime() -> dict[str, Any]:
    seconds = int(state().token_lifetime)
    return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds}


def _scopes(text: str) -> list[Scope]:
    try:
        return parse_scopes(text)
    except UnknownScope as error:
        resource = error.spelling.rpartition("/")[0] or "https://graph.microsoft.com"
        raise refusal(error.code, scope=error.spelling, resource=resource) from error


def _resource(scope: Scope) -> Resource:
    if scope.resource is None:
        raise refusal(70011)
    return scope.resource


_GRANTS: Mapping[str, tuple[str, Callable[[App, str, Mapping[str, str]], dict[str, Any]]]] = {
    "client_credentials": ("client", _for_app),
    "authorization_code": ("code", _for_code),
    "refresh_token": ("refresh", _for_refresh),
}
