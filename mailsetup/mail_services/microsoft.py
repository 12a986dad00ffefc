"""Tokens from Microsoft through MSAL, one application object per call: nothing is shared between connections.

MSAL's own answers cache (`http_cache`) starts empty each time, since it would repeat an error for a minute after it
was corrected, and keep a block although the secret has changed.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msal

from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import CredentialValue, Evidence, Platform, Token, TokenCache
from mailsetup.mail_services.clouds import cloud_of
from mailsetup.mail_services.credential_types import is_guid
from mailsetup.mail_services.microsoft_errors import Conversation

# MSAL logs the whole body of an answer it cannot read.
logging.getLogger("msal").setLevel(logging.CRITICAL + 1)

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class SignIn:
    """What a finished sign-in gave: the public facts of the account, and the sealed part, MSAL's cache."""

    account: dict[str, str]
    cache: TokenCache
    token: Token


@dataclass
class _Application:
    msal: msal.ConfidentialClientApplication
    store: msal.SerializableTokenCache
    talk: Conversation
    tenant: str

    def accept(self, answer: Any) -> dict[str, Any]:
        """The answer if it is a token. Raises TransportError."""
        if isinstance(answer, dict) and "access_token" in answer:
            return answer
        if isinstance(answer, dict) and "error" in answer:
            raise self.talk.refusal(answer)
        raise self.talk.failure("", "account_missing")

    def keep(self, cache: TokenCache) -> None:
        """Hands the store back to the caller when it has changed."""
        if self.store.has_state_changed:
            cache.blob, cache.changed = self.store.serialize(), True


def acquire_app_token(
    platform: Platform, credential: CredentialValue, scope: str, cache: TokenCache, *, fresh: bool = False
) -> Token:
    """An app-only token for `scope` (client credentials). `fresh` starts from an empty cache. Raises TransportError."""
    app = _application(platform, credential, "" if fresh else cache.blob, scopes=[scope])
    with app.talk.calling():
        answer = app.msal.acquire_token_for_client([scope], claims_challenge=cache.claims or None)
    answer = app.accept(answer)
    app.keep(cache)
    return _token(app, answer)


def acquire_user_token(
    platform: Platform, credential: CredentialValue, scopes: Sequence[str], cache: TokenCache, *, fresh: bool = False
) -> Token:
    """A token of the person who signed in, renewed when needed; `fresh` always renews. Raises TransportError."""
    app = _application(platform, credential, cache.blob, scopes=scopes)
    with app.talk.calling():
        account = _account(app.msal.get_accounts(), credential.public)
        answer = account and app.msal.acquire_token_silent_with_error(
            list(scopes), account, force_refresh=fresh, claims_challenge=cache.claims or None
        )
    answer = app.accept(answer)
    app.keep(cache)
    return _token(app, answer)


def _account(accounts: Sequence[dict[str, Any]], public: Mapping[str, str]) -> dict[str, Any] | None:
    """The account that was connected, never another one of the same cache."""
    wanted = f"{public.get('account_oid', '')}.{public.get('account_tid', '')}"
    return next((one for one in accounts if one.get("home_account_id") == wanted), None)


def start_sign_in(
    platform: Platform,
    credential: CredentialValue,
    scopes: Sequence[str],
    *,
    login_hint: str = "",
    prompt: str = "select_account",
    response_mode: str = "query",
    redirect_uri: str = "",
    claims: str = "",
) -> dict[str, Any]:
    """MSAL's flow (state, nonce, PKCE verifier, `auth_uri` to send the person to): keep it server-side, use it once.

    `claims` is what Microsoft demanded when it refused the last token. Raises TransportError.
    """
    app = _application(platform, credential, "", scopes=scopes, for_sign_in=True)
    with app.talk.calling(), warnings.catch_warnings():
        # MSAL wants `form_post`, but a cross-site POST arrives without the person's session cookie.
        warnings.simplefilter("ignore", UserWarning)
        flow = app.msal.initiate_auth_code_flow(
            list(scopes),
            redirect_uri=redirect_uri or platform.redirect_uri,
            login_hint=login_hint or None,
            prompt=prompt,
            response_mode=response_mode,
            claims_challenge=claims or None,
        )
    return dict(flow)


def finish_sign_in(
    platform: Platform,
    credential: CredentialValue,
    flow: Mapping[str, Any],
    params: Mapping[str, str],
    *,
    scopes: Sequence[str] = (),
) -> SignIn:
    """The account and its cache, out of what Microsoft sent back. Raises TransportError.

    `scopes` are those of the one resource that the first token is for, where the person was asked for more.
    """
    app = _application(platform, credential, "", for_sign_in=True)
    app.talk.channel = "entra_authorize" if params.get("error") else "entra_token"
    if not flow.get("state") or params.get("state") != flow["state"]:
        raise app.talk.failure("", "state_mismatch")
    app.talk.client.last = None
    with app.talk.calling():
        answer = app.msal.acquire_token_by_auth_code_flow(dict(flow), dict(params), scopes=list(scopes) or None)
    answer = app.accept(answer)
    claims = _checked_claims(app, answer)
    cache = TokenCache()
    app.keep(cache)
    account = {
        "account_username": str(claims.get("preferred_username", ""))[:320],
        "account_tid": str(claims["tid"]),
        "account_oid": str(claims["oid"]),
        "account_scopes": str(answer.get("scope", ""))[:1000],
    }
    return SignIn(account, cache, _token(app, answer))


def _checked_claims(app: _Application, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the ID token says of the account, once it is ours and from now: MSAL has stopped checking that itself."""
    claims = answer.get("id_token_claims") or {}
    issuer = urlsplit(str(claims.get("iss", "")))
    tenant = str(claims.get("tid", ""))
    sound = (
        claims.get("aud") == app.msal.client_id
        and isinstance(claims.get("exp"), int | float)
        and claims["exp"] > time.time() - 300
        and issuer.path.strip("/") == f"{tenant}/v2.0"
        and bool(tenant and claims.get("oid"))
    )
    if not sound:
        raise app.talk.failure("", "unreadable_answer")
    if is_guid(app.tenant) and tenant.lower() != app.tenant.lower():
        raise app.talk.failure("", "tenant_mismatch")
    return claims


def _application(
    platform: Platform,
    credential: CredentialValue,
    blob: str,
    *,
    scopes: Sequence[str] = (),
    for_sign_in: bool = False,
) -> _Application:
    """One MSAL application, and one client that goes through the egress door. Raises TransportError."""
    public = credential.public
    cloud = cloud_of(public.get("cloud", ""), platform)
    client_id, tenant, proof, secrets = _identity(platform, credential, for_sign_in=for_sign_in)
    facts = {"client_id": client_id, "tenant_id": tenant, "cloud": cloud.name, "redirect_uri": platform.redirect_uri}
    facts |= {"login_host": urlsplit(cloud.login_url).hostname or "", "mailbox": public.get("account_username", "")}
    talk = Conversation(platform.door.msal_http_client(), facts, secrets)
    store = msal.SerializableTokenCache()
    with talk.calling():
        store.deserialize(blob)
        application = msal.ConfidentialClientApplication(
            client_id,
            client_credential=proof,
            authority=f"{cloud.login_url.rstrip('/')}/{tenant}",
            instance_discovery=False,
            http_client=talk.client,
            token_cache=store,
            http_cache={},
            client_capabilities=_capabilities(scopes),
        )
    # A domain was typed, or the token is for anybody of an organisation: the metadata names the directory itself.
    known = tenant if is_guid(tenant) else str(application.authority.tenant or tenant)
    return _Application(application, store, talk, known)


def _capabilities(scopes: Sequence[str]) -> list[str] | None:
    """Continuous access evaluation is for Graph only: SMTP has no way to say what it demands."""
    return ["CP1"] if any("graph" in (urlsplit(scope).hostname or "") for scope in scopes) else None


def _identity(
    platform: Platform, credential: CredentialValue, *, for_sign_in: bool
) -> tuple[str, str, str | dict[str, str], tuple[Secret, ...]]:
    """Client ID, tenant and proof: the workspace's own app, or the platform's."""
    public = credential.public
    if credential.type == "microsoft_grant" and public.get("app", "platform") == "platform":
        proof, secrets = _proof(
            platform.client_secret, platform.client_certificate_pem, platform.client_certificate_pem
        )
        tenant = platform.accounts if for_sign_in else public.get("account_tid", platform.accounts)
        return platform.client_id, tenant, proof, secrets
    held = credential.secrets
    empty = Secret("")
    proof, secrets = _proof(
        held.get("client_secret", empty), held.get("private_key", empty), held.get("certificate", empty)
    )
    return public.get("client_id", ""), public.get("tenant_id", ""), proof, secrets


def _proof(secret: Secret, key: Secret, certificate: Secret) -> tuple[str | dict[str, str], tuple[Secret, ...]]:
    """A certificate where there is one (it signs with PS256), else the secret."""
    found_key, found = _PRIVATE_KEY.search(key.reveal()), _CERTIFICATE.search(certificate.reveal())
    if found_key and found:
        return {"private_key": found_key[0], "public_certificate": found[0]}, (Secret(found_key[0]),)
    return secret.reveal(), (secret,)


def _token(app: _Application, answer: Mapping[str, Any]) -> Token:
    """The token with its facts. Raises TransportError when it belongs to another tenant."""
    value = str(answer["access_token"])
    claims = token_claims(value)
    tenant = str(claims.get("tid", ""))
    if tenant and is_guid(app.tenant) and tenant.lower() != app.tenant.lower():
        raise app.talk.failure("", "tenant_mismatch")
    expires_at = datetime.now(UTC) + timedelta(seconds=_lifetime(answer.get("expires_in")))
    return Token(Secret(value), expires_at, _evidence(claims, expires_at))


def _lifetime(seconds: Any) -> float:
    try:
        return min(max(float(seconds), 0.0), 100_000.0)
    except (TypeError, ValueError):
        return 300.0


def _evidence(claims: Mapping[str, Any], expires_at: datetime) -> Evidence:
    roles = claims.get("roles")
    granted = " ".join(map(str, roles)) if isinstance(roles, list) else str(claims.get("scp", ""))
    return {
        "audience": str(claims.get("aud", ""))[:200],
        "tenant": str(claims.get("tid", ""))[:100],
        "app": str(claims.get("appid", ""))[:100],
        "object_id": str(claims.get("oid", ""))[:100],
        "permissions": granted[:400],
        "expires_at": expires_at.isoformat(timespec="seconds"),
    }


def token_claims(token: str) -> dict[str, Any]:
    """What a token says of itself, unverified and for diagnosis only; empty for one that is not a JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
