"""An OpenID Connect issuer on loopback that a test can make lie; it checks PKCE and the client as a real one does."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.http_server import Answer, Asked, HTTPServer

CLIENT = "mailsetup-client"
KEY_ID = "key-1"
DIRECTORY = "11111111-2222-3333-4444-555555555555"


def encoded(content: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def signed_with_text(claims: dict[str, Any], shared: bytes) -> str:
    """A token whose signature is made with a shared secret, whatever that is."""
    parts = ({"alg": "HS256", "kid": KEY_ID}, claims)
    text = ".".join(encoded(json.dumps(part).encode()) for part in parts)
    return f"{text}.{encoded(hmac.digest(shared, text.encode(), 'sha256'))}"


@dataclass
class Issuer:
    """Serves discovery, keys and tokens; `lie` changes claims, `sign` makes the token, `document` the discovery."""

    context: ssl.SSLContext
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    claims: dict[str, Any] = field(default_factory=dict)
    document: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    token: Answer | None = None
    asked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = HTTPServer(self.context, self._answer)
        self.url = self.server.url

    def honest(self) -> None:
        """Forgets every lie."""
        self.claims, self.document, self.sign, self.token, self.asked = {}, {}, None, None, {}

    def follow(self, page: str) -> dict[str, str]:
        """What the page on the way asks of the issuer, which is what comes back with the code."""
        found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
        assert found, page
        query = parse_qs(urlsplit(unescape(found[1])).query)
        self.asked = {name: values[0] for name, values in query.items()}
        return {"code": secrets.token_urlsafe(16), "state": self.asked["state"]}

    def signed(self, claims: dict[str, Any], **header: str) -> str:
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY_ID, **header})

    def _answer(self, asked: Asked) -> Answer:
        if "openid-configuration" in asked.path:
            shared = asked.path.startswith("/organizations")
            return Answer.json(
                {**self._document(f"{self.url}/{{tenantid}}/v2.0" if shared else self.url), **self.document}
            )
        if asked.path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return Answer.json({"keys": [{**public, "kid": KEY_ID, "use": "sig"}]})
        return self.token or self._token(asked.form)

    def _document(self, issuer: str) -> dict[str, str]:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": issuer, **{name: f"{self.url}/{path}" for name, path in places.items()}}

    def _token(self, form: dict[str, str]) -> Answer:
        challenge = encoded(hashlib.sha256(form["code_verifier"].encode()).digest())
        if form["client_secret"] != self.secret:
            return Answer.json({"error": "invalid_client"}, 401)
        if challenge != self.asked["code_challenge"] or form["redirect_uri"] != self.asked["redirect_uri"]:
            return Answer.json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.url, "aud": CLIENT, "sub": "subject-1", "exp": now + 300, "iat": now, "auth_time": now,
            "nonce": self.asked["nonce"], "name": "Dora Contoso", "email": "alice@northwind.example",
        }  # fmt: skip
        claims = {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        token = (self.sign or self.signed)(claims)
        return Answer.json({"access_token": "opaque", "token_type": "Bearer", "id_token": token})
