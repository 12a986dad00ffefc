"""Microsoft's sign-in service and Graph, as far as one token and one mail: scripted, on one HTTPS server."""

from __future__ import annotations

import base64
import json
import ssl
import time
import uuid
from typing import Any

from tests.fakes.http_server import Answer, Asked, HTTPServer

TENANT = str(uuid.uuid4())
CLIENT = str(uuid.uuid4())
OBJECT = str(uuid.uuid4())


def jwt(**claims: Any) -> str:
    """An unsigned token: we read its facts only."""
    return ".".join([_part({"alg": "none", "typ": "JWT"}), _part(claims), "c2lnbmF0dXJl"])


def _part(data: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).decode().rstrip("=")


class Microsoft:
    """`token_answers` and `mail_answers` are used one after the other before the usual answer."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.token_answers: list[Answer] = []
        self.mail_answers: list[Answer] = []
        self.metadata_answer: Answer | None = None
        self.tid = TENANT
        self.claims: dict[str, Any] = {}
        self.issued = 0
        self.server = HTTPServer(context, self._answer)
        self.url = self.server.url

    @property
    def mails(self) -> list[Asked]:
        return [asked for asked in self.server.requests if asked.path.endswith("/sendMail")]

    @property
    def token_requests(self) -> list[Asked]:
        return [asked for asked in self.server.requests if asked.path.endswith("/token")]

    def _answer(self, asked: Asked) -> Answer:
        if asked.path.endswith("/.well-known/openid-configuration"):
            return self.metadata_answer or self._metadata(asked.path.split("/")[1])
        if asked.path.endswith("/token"):
            return self.token_answers.pop(0) if self.token_answers else self._token(asked.form)
        if asked.path.endswith("/sendMail"):
            return self.mail_answers.pop(0) if self.mail_answers else Answer(202, headers={"request-id": "req-1"})
        return Answer(404)

    def _metadata(self, tenant: str) -> Answer:
        base = f"{self.url}/{tenant}/oauth2/v2.0"
        issuer = f"{self.url}/{tenant}/v2.0"
        return Answer.json(
            {"issuer": issuer, "token_endpoint": f"{base}/token", "authorization_endpoint": f"{base}/authorize"}
        )

    def _token(self, form: dict[str, str]) -> Answer:
        self.issued += 1
        scope = form["scope"]
        access = jwt(aud="https://graph.microsoft.com", tid=self.tid, roles=["Mail.Send"], n=self.issued)
        answer = {"token_type": "Bearer", "expires_in": 3600, "access_token": access}
        if form["grant_type"] != "client_credentials":
            identity = {"aud": CLIENT, "iss": f"{self.url}/{self.tid}/v2.0", "exp": time.time() + 600, "tid": self.tid}
            identity |= {"oid": OBJECT, "sub": "s", "preferred_username": "ar@contoso.com", **self.claims}
            info = base64.urlsafe_b64encode(json.dumps({"uid": OBJECT, "utid": self.tid}).encode()).decode()
            answer |= {"scope": scope, "refresh_token": f"refresh-{self.issued}", "client_info": info.rstrip("=")}
            answer |= {"id_token": jwt(**identity)}
        return Answer.json(answer)

    def __enter__(self) -> Microsoft:
        self.server.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self.server.__exit__(*details)


def refusal(error: str, number: int, status: int = 400, **more: Any) -> Answer:
    """The token endpoint's no, in Microsoft's shape."""
    text = f"AADSTS{number}: It is refused. Trace ID: t Correlation ID: c Timestamp: 2026-11-21 10:00:00Z"
    data = {"error": error, "error_description": text, "error_codes": [number], "correlation_id": "c", **more}
    return Answer.json(data, status)


def graph_error(status: int, code: str, inner: str = "", **headers: str) -> Answer:
    """Graph's no, in Microsoft's shape."""
    details: dict[str, Any] = {"request-id": "r"} | ({"code": inner} if inner else {})
    return Answer.json({"error": {"code": code, "message": "No.", "innerError": details}}, status, **headers)
