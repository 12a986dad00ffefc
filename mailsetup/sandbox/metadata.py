"""What a client library reads first: OpenID metadata, signing keys, instance discovery.

OpenID Connect Discovery 1.0; https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, jsonify, request

from mailsetup.sandbox.aadsts import EntraRefusal, error_response, refuse_if_switched_on
from mailsetup.sandbox.resources import GRAPH
from mailsetup.sandbox.state import state
from mailsetup.sandbox.tenants import tenant_id_of
from mailsetup.sandbox.tokens import TokenRefused, encoded, key_id, read_access_token

bp = Blueprint("metadata", __name__)


@bp.get("/<tenant>/v2.0/.well-known/openid-configuration")
def openid_configuration(tenant: str) -> Response:
    """Where everything is, for one tenant."""
    try:
        refuse_if_switched_on("discovery")
        return jsonify(_document(tenant_id_of(tenant), tenant))
    except EntraRefusal as problem:
        if problem.fact.number == 90002:  # here, and only here, the error is called invalid_tenant
            problem.fact = replace(problem.fact, error="invalid_tenant")
        return error_response(problem)


@bp.get("/<tenant>/discovery/v2.0/keys")
def keys(tenant: str) -> Response:
    """The public half of the signing key (RFC 7517)."""
    public = state().token_key.public_key().public_numbers()
    kid = key_id(state().token_key)
    key = {"kty": "RSA", "use": "sig", "kid": kid, "x5t": kid, "alg": "RS256"}
    return jsonify({"keys": [key | {"n": _number(public.n), "e": _number(public.e)}]})


@bp.get("/common/discovery/instance")
def instance() -> Response:
    """Which hosts are names of this cloud."""
    host = request.host.split(":")[0]
    asked = request.args.get("authorization_endpoint", "")
    tenant = asked.split("/")[3] if asked.count("/") >= 3 else "common"
    names = {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
    login = state().addresses.login_url
    return jsonify(
        {
            "tenant_discovery_endpoint": f"{login}/{tenant}/v2.0/.well-known/openid-configuration",
            "api-version": request.args.get("api-version", "1.1"),
            "metadata": [names],
        }
    )


@bp.get("/oidc/userinfo")
def userinfo() -> tuple[Response, int]:
    """Who the token stands for (OpenID Connect Core section 5.3)."""
    try:
        bearer = read_access_token(state(), request.headers.get("Authorization", "").partition(" ")[2], GRAPH)
    except TokenRefused as error:
        return jsonify({"error": {"code": "InvalidAuthenticationToken", "message": str(error)}}), 401
    if bearer.person is None:
        return jsonify({"error": {"code": "AccessDenied", "message": "Only for a signed-in user."}}), 403
    person = bearer.person
    return jsonify({"sub": person.object_id, "name": person.name, "email": person.address}), 200


def _document(tenant_id: str, segment: str) -> dict[str, Any]:
    login, pages = state().addresses.login_url, state().addresses.pages_url
    tenant = tenant_id or segment.lower()
    return {
        "token_endpoint": f"{login}/{tenant}/oauth2/v2.0/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{login}/{tenant}/discovery/v2.0/keys",
        "response_modes_supported": ["query", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{login}/{tenant_id or '{tenantid}'}/v2.0",
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": f"{state().addresses.graph_url}/oidc/userinfo",
        "authorization_endpoint": f"{pages}/{tenant}/oauth2/v2.0/authorize",
        "end_session_endpoint": f"{pages}/{tenant}/oauth2/v2.0/logout",
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
        "tenant_region_scope": None,
        "cloud_instance_name": "localhost",
        "cloud_graph_host_name": "localhost",
        "msgraph_host": "localhost",
    }


def _number(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))
