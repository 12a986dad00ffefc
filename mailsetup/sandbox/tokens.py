"""Tokens: signed as Microsoft's are, and read back by the doors that ask for them.

Claims: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailsetup.sandbox.people import PERSONAL, App, Consent, Mailbox
from mailsetup.sandbox.resources import Resource, resource_of
from mailsetup.sandbox.state import State

_OPAQUE = "EwB"


class TokenRefused(Exception):
    """The access token is no good here; its text is Graph's sentence about it."""


@dataclass(frozen=True)
class Bearer:
    """Who stands behind an access token: an app alone, or an app for a person."""

    app: App
    consent: Consent
    person: Mailbox | None
    permissions: frozenset[str]


def key_id(key: rsa.RSAPrivateKey) -> str:
    """The name of the signing key: the start of its hash."""
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return encoded(hashlib.sha256(public).digest())[:27]


def encoded(content: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def app_token(state: State, app: App, consent: Consent, resource: Resource, audience: str) -> str:
    """An app-only access token; `roles` is left out when nothing is granted, as Microsoft does."""
    prefix = f"{resource.key}/"
    roles = [each.removeprefix(prefix) for each in consent.roles if each.startswith(prefix)]
    claims = _access_claims(state, app, consent.tenant_id, audience)
    home = state.world.organisation(consent.tenant_id)
    claims["tid"] = (home.answers_for if home else "") or consent.tenant_id
    claims |= {"idtyp": "app", "oid": consent.object_id, "sub": consent.object_id, "session": consent.generation}
    return _signed(state, claims | ({"roles": roles} if roles else {}))


def person_token(state: State, app: App, person: Mailbox, audience: str, scopes: Iterable[str]) -> str:
    """A delegated access token with the names of its scopes in `scp`."""
    claims = _access_claims(state, app, person.tenant_id, audience)
    claims |= {"idtyp": "user", "oid": person.object_id, "sub": person.object_id, "session": person.generation}
    claims |= {"scp": " ".join(scopes), "upn": person.address, "unique_name": person.address, "name": person.name}
    signed = _signed(state, claims)
    # Nobody but Microsoft can read the token of a personal account.
    return _OPAQUE + encoded(signed.encode()) if person.tenant_id == PERSONAL else signed


def id_token(state: State, app: App, person: Mailbox, nonce: str, auth_time: int = 0) -> str:
    """The id_token that tells the app who signed in, with the optional claim auth_time (OpenID Connect Core 2)."""
    moment = int(time.time())
    claims = {
        "aud": app.client_id,
        "iss": f"{state.addresses.login_url}/{person.tenant_id}/v2.0",
        "iat": moment,
        "nbf": moment,
        "exp": moment + 3600,
        "name": person.name,
        "oid": person.object_id,
        "preferred_username": person.address,
        "sub": encoded(hashlib.sha256(f"{app.client_id}{person.object_id}".encode()).digest()),
        "tid": person.tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    claims |= {"auth_time": auth_time} if auth_time else {}
    return _signed(state, claims | ({"nonce": nonce} if nonce else {}))


def client_info(person: Mailbox) -> str:
    """What MSAL names accounts by: base64url JSON of object id and tenant id."""
    return encoded(json.dumps({"uid": person.object_id, "utid": person.tenant_id}).encode())


def read_access_token(state: State, token: str, resource: Resource) -> Bearer:
    """Who stands behind the token. Raises TokenRefused in Graph's words."""
    claims = _verified(state, _opened(token))
    if resource_of(str(claims.get("aud", ""))) is not resource:
        raise TokenRefused("Access token validation failure. Invalid audience.")
    app = state.world.find_app(str(claims.get("appid", "")))
    consent = state.world.consent(app.client_id, str(claims.get("tid", ""))) if app else None
    if app is None or consent is None:
        raise TokenRefused("The identity of the calling application could not be established.")
    if claims.get("idtyp") == "app":
        return _app_bearer(app, consent, claims, resource)
    return _person_bearer(state, app, consent, claims, resource)


def _opened(token: str) -> str:
    if not token.startswith(_OPAQUE):
        return token
    kept = token.removeprefix(_OPAQUE)
    try:
        return base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode()
    except ValueError:
        return ""


def _app_bearer(app: App, consent: Consent, claims: dict[str, Any], resource: Resource) -> Bearer:
    if claims.get("session") != consent.generation:
        raise TokenRefused("Access token has been revoked.")
    held = {f"{resource.key}/{role}" for role in claims.get("roles", [])}
    return Bearer(app, consent, None, frozenset(held & set(consent.roles)))


def _person_bearer(state: State, app: App, consent: Consent, claims: dict[str, Any], resource: Resource) -> Bearer:
    person = state.world.find_mailbox(str(claims.get("oid", "")), consent.tenant_id)
    if person is None or person.blocked or claims.get("session") != person.generation:
        raise TokenRefused("Access token has been revoked or the user account is disabled.")
    held = {f"{resource.key}/{scope}" for scope in str(claims.get("scp", "")).split()}
    return Bearer(app, consent, person, frozenset(held & consent.scopes_of(person.object_id)))


def _verified(state: State, token: str) -> dict[str, Any]:
    try:
        claims = jwt.decode(token, state.token_key.public_key(), algorithms=["RS256"], options={"verify_aud": False})
    except jwt.ExpiredSignatureError as error:
        raise TokenRefused("Lifetime validation failed, the token is expired.") from error
    except jwt.InvalidSignatureError as error:
        raise TokenRefused("Access token validation failure. Invalid signature.") from error
    except jwt.InvalidTokenError as error:
        raise TokenRefused("CompactToken parsing failed with error code: 80049217") from error
    return dict(claims)


def _access_claims(state: State, app: App, tenant_id: str, audience: str) -> dict[str, Any]:
    moment = int(time.time())
    return {
        "aud": audience,
        "iss": f"https://sts.windows.net/{tenant_id}/",
        "iat": moment,
        "nbf": moment,
        "exp": moment + int(state.token_lifetime),
        "appid": app.client_id,
        "app_displayname": app.name,
        "tid": tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }


def _signed(state: State, claims: dict[str, Any]) -> str:
    kid = key_id(state.token_key)
    return jwt.encode(claims, state.token_key, algorithm="RS256", headers={"kid": kid, "x5t": kid})
