"""Signing in elsewhere (OpenID Connect Core 1.0, code flow with PKCE): where to send a person, and who came back.

What an issuer says is believed only after its discovery document was found to be its own, and its ID token to be signed
by its keys, for us, for this very sign-in, and lately.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any

import structlog
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from mailsetup import settings
from mailsetup.core.egress_oauth import NoAnswer, OAuthSession
from mailsetup.core.errors import MailsetupError, NotFound
from mailsetup.core.issuers import ALWAYS, SAYS, SHARED, Issuer
from mailsetup.core.redact import scrub
from mailsetup.platform import current_platform

SCOPE = "openid profile email"
# Signatures by the issuer's private key only: never "none", never a shared secret (RFC 8725 section 3.1).
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
KEY_TYPES = {"RSA", "EC", "OKP"}
KEPT_SECONDS = 3600.0
LEEWAY = 60
FRESH_SECONDS = 60  # how far the issuer's clock may be behind ours when it says that somebody just proved it
PERSONAL_DIRECTORY = "9188040d-6c67-4c5b-b112-36a304b66dad"  # of every personal account (Microsoft, ID token claims)
_DIRECTORY = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
log = structlog.get_logger(__name__)


class IssuerRefused(MailsetupError):
    """Nobody is signed in; `reason` says why: away, declined, client, answer, directory or stale."""

    def __init__(self, issuer: Issuer, reason: str, detail: str = "") -> None:
        super().__init__(f"{issuer.key}: {reason}: {detail}")
        self.issuer, self.reason, self.detail = issuer, reason, detail


@dataclass(frozen=True)
class Trip:
    """What ties a way there and back together; both texts are known to this side alone."""

    state: str
    verifier: str
    nonce: str


@dataclass(frozen=True)
class Somebody:
    """Who the issuer says was there: known by issuer and subject; everything else is for reading only."""

    issuer: str
    subject: str
    label: str
    name: str
    strong: bool
    proved_at: int | None


_documents: dict[str, tuple[float, dict[str, Any]]] = {}


def all_issuers() -> tuple[Issuer, ...]:
    """Every configured issuer, in the operator's order."""
    return settings.current().oidc_issuers


def find_issuer(key: str) -> Issuer:
    """The issuer of this name. Raises NotFound."""
    found = next((one for one in all_issuers() if one.key == key), None)
    if found is None:
        raise NotFound("no such issuer")
    return found


def redirect_uri(issuer: Issuer) -> str:
    """Where people come back to: an address for each issuer, so that answers cannot be mixed up (RFC 9700 4.4.2)."""
    return f"{settings.current().base_url}/sign-in/with/{issuer.key}/back"


def authorization_url(issuer: Issuer, trip: Trip, *, login_hint: str = "", again: bool = False) -> str:
    """Where to send the person; `again` asks the issuer to have them prove themselves anew. Raises IssuerRefused."""
    asked = {"nonce": trip.nonce, "response_mode": "query"}
    asked |= {"login_hint": login_hint} if login_hint else {}
    asked |= {"prompt": "login", "max_age": "0"} if again else {"prompt": "select_account"} if issuer.shared else {}
    with OAuthSession(current_platform().door) as session:
        endpoint = _metadata(issuer, session)["authorization_endpoint"]
        url, _ = _client(issuer, session).create_authorization_url(
            endpoint, state=trip.state, code_verifier=trip.verifier, **asked
        )
    return str(url)


def somebody_back(issuer: Issuer, trip: Trip, params: dict[str, str], *, began: float = 0.0) -> Somebody:
    """Who came back; with `began` only who proved themselves after that time. Raises IssuerRefused."""
    if params.get("iss", issuer.url) != issuer.url and not issuer.shared:
        raise _refused(issuer, "answer", "the answer names another issuer")  # RFC 9207
    if params.get("error"):
        raise _refused(issuer, "declined", scrub(params.get("error_description") or params["error"], limit=300))
    with OAuthSession(current_platform().door) as session:
        token = _token(issuer, session, trip, params.get("code", ""))
        claims = _checked(issuer, session, token, trip)
    if began and not _is_fresh(claims, began):
        raise _refused(issuer, "stale", "auth_time is missing or too old")
    return _somebody(issuer, claims)


def _client(issuer: Issuer, session: OAuthSession) -> OAuth2Client:
    return OAuth2Client(
        session,
        client_id=issuer.client_id,
        client_secret=issuer.client_secret.reveal(),
        token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
        scope=SCOPE,
        redirect_uri=redirect_uri(issuer),
        code_challenge_method="S256",
    )


def _metadata(issuer: Issuer, session: OAuthSession) -> dict[str, Any]:
    """The discovery document, which must be this issuer's own (OpenID Connect Discovery 1.0 section 4.3)."""
    found = _document(issuer, session, f"{issuer.url.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != _template(issuer):
        raise _refused(issuer, "answer", "its discovery document names another issuer")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        secure = str(found.get(name, "")).startswith("https://")
        if not secure and (settings.current().production or name != "authorization_endpoint" or not found.get(name)):
            raise _refused(issuer, "answer", f"its discovery document has no https address as {name}")
    return found


def _template(issuer: Issuer) -> str:
    shared = SHARED.fullmatch(issuer.url)
    return issuer.url.replace(f"{shared['accounts']}/v2.0", "/{tenantid}/v2.0") if shared else issuer.url


def _document(issuer: Issuer, session: OAuthSession, url: str, *, anew: bool = False) -> dict[str, Any]:
    known = _documents.get(url)
    if known and known[0] > time.monotonic() and not anew:
        return known[1]
    try:
        found = session.document(url)
    except NoAnswer as error:
        raise _refused(issuer, "away", str(error)) from error
    _documents[url] = (time.monotonic() + KEPT_SECONDS, found)
    return found


def _token(issuer: Issuer, session: OAuthSession, trip: Trip, code: str) -> dict[str, Any]:
    if not code:
        raise _refused(issuer, "answer", "there is no code")
    endpoint = _metadata(issuer, session)["token_endpoint"]
    # A dictionary of its own: Authlib's default one is shared by all clients, and would keep what one puts in.
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    try:
        token = _client(issuer, session).fetch_token(
            endpoint, grant_type="authorization_code", code=code, code_verifier=trip.verifier,
            redirect_uri=redirect_uri(issuer), headers=headers,
        )  # fmt: skip
    except NoAnswer as error:
        raise _refused(issuer, "away", str(error)) from error
    except OAuth2Error as error:
        reason = "client" if error.error in {"invalid_client", "unauthorized_client"} else "answer"
        raise _refused(issuer, reason, scrub(f"{error.error} {error.description or ''}", limit=300)) from error
    return dict(token)


def _checked(issuer: Issuer, session: OAuthSession, token: dict[str, Any], trip: Trip) -> dict[str, Any]:
    """The claims of the ID token (OpenID Connect Core 1.0 section 3.1.3.7). Raises IssuerRefused."""
    try:
        decoded = _decoded(issuer, session, str(token.get("id_token") or ""))
        claims, client = decoded.claims, {"client_id": issuer.client_id, "nonce": trip.nonce}
        options = {
            "iss": {"essential": True, "value": _own_issuer(issuer, claims)},
            "aud": {"essential": True, "value": issuer.client_id},
            "nonce": {"essential": True, "value": trip.nonce},
            "sub": {"essential": True},
        }
        extra = {"access_token": token["access_token"]} if token.get("access_token") else {}
        CodeIDToken(claims, decoded.header, options, {**client, **extra}).validate(leeway=LEEWAY)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise _refused(issuer, "answer", f"ID token: {type(error).__name__} {scrub(str(error), limit=200)}") from error
    if claims["aud"] not in (issuer.client_id, [issuer.client_id]):
        raise _refused(issuer, "answer", "the ID token is for others too")
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise _refused(issuer, "answer", "the ID token names nobody")
    return dict(claims)


def _decoded(issuer: Issuer, session: OAuthSession, id_token: str) -> jwt.Token:
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    try:
        return jwt.decode(id_token, _keys(issuer, session), registry=registry)
    except InvalidKeyIdError:
        return jwt.decode(id_token, _keys(issuer, session, anew=True), registry=registry)


def _keys(issuer: Issuer, session: OAuthSession, *, anew: bool = False) -> KeySet:
    found = _document(issuer, session, _metadata(issuer, session)["jwks_uri"], anew=anew)
    return KeySet.import_key_set({"keys": [key for key in found.get("keys", []) if key.get("kty") in KEY_TYPES]})


def _own_issuer(issuer: Issuer, claims: dict[str, Any]) -> str:
    """The issuer that the token must name: of Microsoft's many, the one of the directory in `tid`."""
    if not issuer.shared:
        return issuer.url
    directory = claims.get("tid")
    if not isinstance(directory, str) or not _DIRECTORY.fullmatch(directory):
        raise ValueError("tid is missing")
    barred = directory == PERSONAL_DIRECTORY and issuer.url.endswith("/organizations/v2.0")
    if barred or (issuer.tenants and directory not in issuer.tenants):
        raise _refused(issuer, "directory", directory)
    return _template(issuer).replace("{tenantid}", directory)


def _is_fresh(claims: dict[str, Any], began: float) -> bool:
    when = claims.get("auth_time")
    return isinstance(when, int) and not isinstance(when, bool) and when >= began - FRESH_SECONDS


def _somebody(issuer: Issuer, claims: dict[str, Any]) -> Somebody:
    texts = {name: str(claims.get(name) or "") for name in ("email", "preferred_username", "name")}
    methods = claims.get("amr")
    said = isinstance(methods, list) and "mfa" in methods
    return Somebody(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        label=scrub(texts["preferred_username"] or texts["email"] or texts["name"], limit=200),
        name=texts["name"][:200],
        strong=issuer.second_factor == ALWAYS or (issuer.second_factor == SAYS and said),
        proved_at=claims.get("auth_time") if isinstance(claims.get("auth_time"), int) else None,
    )


def _refused(issuer: Issuer, reason: str, detail: str) -> IssuerRefused:
    log.warning("sign_in_with_refused", issuer=issuer.key, reason=reason, detail=detail)
    return IssuerRefused(issuer, reason, detail)
