from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msal
import pytest
import requests
import urllib3

from mailsetup.sandbox import Sandbox

GRAPH = "https://graph.microsoft.com/.default"
OUTLOOK = "https://outlook.office365.com/.default"


@pytest.fixture(autouse=True)
def _in_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSETUP_ENV", "test")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as running:
        yield running


class Http(requests.Session):
    """Trusts the sandbox's authority and nothing of the environment."""

    def __init__(self, ca_file: Path) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = str(ca_file)


class Customer:
    """A customer's own software: MSAL for tokens, urllib3 for Graph, smtplib for SMTP."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self.http = Http(box.ca_file)
        self.pool = urllib3.PoolManager(ca_certs=str(box.ca_file), retries=False)
        self.tls = ssl.create_default_context(cafile=str(box.ca_file))

    def app(self, credential: Any = None, tenant: str | None = None, client_id: str | None = None) -> Any:
        registration = self.box.world.app
        return msal.ConfidentialClientApplication(
            client_id or registration.client_id,
            client_credential=credential or registration.secret,
            authority=f"{self.box.login_url}/{tenant or self.box.world.contoso.tenant_id}",
            instance_discovery=False,
            http_client=self.http,
        )

    def token(self, scope: str = GRAPH) -> str:
        answer = self.app().acquire_token_for_client([scope])
        return str(answer.get("access_token") or pytest.fail(str(answer)))

    def send(self, path: str = "users/ar@contoso.com", *, token: str | None = None, **parts: Any) -> Any:
        """One sendMail call; `body` and `headers` replace the usual ones."""
        headers = {"Authorization": f"Bearer {token or self.token()}", "Content-Type": "application/json"}
        body = parts.get("body") or json.dumps({"message": parts.get("message", a_message())})
        url = f"{self.box.graph_url}/v1.0/{path}/sendMail"
        return self.pool.request("POST", url, body=body, headers=headers | parts.get("headers", {}))

    def outlook(self) -> smtplib.SMTP:
        talk = smtplib.SMTP(*self.box.outlook_smtp, timeout=10)
        talk.starttls(context=self.tls)
        talk.ehlo()
        return talk


def a_message(**parts: Any) -> dict[str, Any]:
    people = [{"emailAddress": {"address": "me@example.org"}}]
    return {"subject": "Hello", "body": {"contentType": "Text", "content": "Hi"}, "toRecipients": people, **parts}


@pytest.fixture
def customer(box: Sandbox) -> Customer:
    return Customer(box)
