"""How an app proves itself at the token endpoint: by secret, or by a signed assertion.

https://learn.microsoft.com/entra/identity-platform/certificate-credentials
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
import jwt.types
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from flask import request

from mailsetup.sandbox.aadsts import refusal
from mailsetup.sandbox.people import App
from mailsetup.sandbox.state import state
from mailsetup.sandbox.tokens import encoded

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SIGNATURE_ONLY: jwt.types.Options = {
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
_NOTHING: jwt.types.Options = {**_SIGNATURE_ONLY, "verify_signature": False}


def client_of(form: Mapping[str, str], tenant_id: str) -> App:
    """The app behind a token request, proved. Raises EntraRefusal."""
    client_id, secret = _named(form)
    if not client_id:
        raise refusal(900144, parameter="client_id")
    app = state().world.find_app(client_id)
    if app is None or not (app.multi_tenant or tenant_id in (app.home_tenant, "")):
        raise refusal(700016, client_id=client_id)
    if not app.enabled:
        raise refusal(7000112)
    if "Origin" in request.headers:
        raise refusal(9002326)
    _check_credential(app, form, secret)
    return app


def _named(form: Mapping[str, str]) -> tuple[str, str]:
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        return basic.username or "", basic.password or ""
    return form.get("client_id", ""), form.get("client_secret", "")


def _check_credential(app: App, form: Mapping[str, str], secret: str) -> None:
    if form.get("client_assertion"):
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise refusal(900144, parameter="client_assertion_type")
        _check_assertion(app, form["client_assertion"])
    elif not secret:
        raise refusal(7000216 if form.get("grant_type") == "client_credentials" else 7000218)
    elif secret in app.more_secrets:
        return
    elif secret != app.secret:
        raise refusal(7000215)
    elif app.secret_expired:
        raise refusal(7000222)


def _check_assertion(app: App, assertion: str) -> None:
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options=_NOTHING)
    except jwt.InvalidTokenError as error:
        raise refusal(50027) from error
    certificate = _certificate(app, header)
    key = certificate.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    try:
        jwt.decode(assertion, key, algorithms=["PS256", "RS256"], options=_SIGNATURE_ONLY)
    except jwt.InvalidTokenError as error:
        raise refusal(50012) from error
    _check_claims(app, claims)


def _certificate(app: App, header: Mapping[str, Any]) -> x509.Certificate:
    """The registered certificate that `x5t#S256` or `x5t` names; libraries differ in base64 padding."""
    strong, weak = str(header.get("x5t#S256", "")).rstrip("="), str(header.get("x5t", "")).rstrip("=")
    for pem in app.certificates:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        content = certificate.public_bytes(serialization.Encoding.DER)
        if strong == encoded(hashlib.sha256(content).digest()) or (weak and weak == encoded(_sha1(content))):
            return certificate
    raise refusal(700027, thumbprint=strong or weak)


def _check_claims(app: App, claims: Mapping[str, Any]) -> None:
    if claims.get("iss") != claims.get("sub"):
        raise refusal(50048)
    if claims.get("iss") != app.client_id:
        raise refusal(700021)
    if not _is_for_us(str(claims.get("aud", ""))):
        raise refusal(700023)
    start, end = float(claims.get("nbf", claims.get("iat", 0))), float(claims.get("exp", 0))
    if not start - 300 <= time.time() <= end + 300:
        raise refusal(700024, valid_from=_stamp(start), valid_to=_stamp(end))


def _is_for_us(audience: str) -> bool:
    """The audience is a token endpoint or issuer of this sign-in service."""
    login = state().addresses.login_url
    return audience.startswith((f"{login}/", "https://login.microsoftonline.com/")) and "/common/" not in audience


def _stamp(moment: float) -> str:
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, ValueError):
        return json.dumps(moment)


def _sha1(content: bytes) -> bytes:
    return hashlib.sha1(content, usedforsecurity=False).digest()
