"""A customer's own software, which knows nothing of the sandbox: MSAL, urllib3, smtplib."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msal
import requests
import urllib3

from mailsetup.sandbox import Sandbox

GRAPH = "https://graph.microsoft.com/.default"
OUTLOOK = "https://outlook.office365.com/.default"
REDIRECT = "http://localhost:8000/setup/microsoft/callback"


class Http(requests.Session):
    """Trusts the sandbox's authority and nothing of the environment."""

    def __init__(self, ca_file: Path) -> None:
        super().__init__()
        self.trust_env = False
        self.verify = str(ca_file)


class Customer:
    """Asks one sandbox for tokens and sends mail through it."""

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

    def platform(self, tenant: str = "organizations") -> Any:
        app = self.box.world.platform_app
        return self.app(app.secret, tenant, app.client_id)

    def ask(self, scope: str = GRAPH, **parts: Any) -> dict[str, Any]:
        return dict(self.app(**parts).acquire_token_for_client([scope]))

    def token(self, scope: str = GRAPH) -> str:
        return str(self.ask(scope)["access_token"])

    def post_token(self, tenant: str | None = None, headers: dict[str, str] | None = None, **form: str) -> Any:
        """A hand-made token request, for what MSAL never sends."""
        address = f"{self.box.login_url}/{tenant or self.box.world.contoso.tenant_id}/oauth2/v2.0/token"
        return self.http.post(address, data=form, headers=headers)

    def send(self, path: str = "users/ar@contoso.com", *, token: str | None = None, **parts: Any) -> Any:
        """One sendMail call; `message`, `body` and `headers` replace the usual ones."""
        headers = {"Authorization": f"Bearer {token or self.token()}", "Content-Type": "application/json"}
        body = parts.get("body") or json.dumps({"message": parts.get("message", a_message())})
        address = f"{self.box.graph_url}/v1.0/{path}/sendMail"
        return self.pool.request("POST", address, body=body, headers=headers | parts.get("headers", {}))

    def smtp(self, door: str) -> smtplib.SMTP:
        host, port = getattr(self.box, door)
        return smtplib.SMTP(host, port, timeout=60)

    def starttls(self) -> smtplib.SMTP:
        talk = self.smtp("smtp_starttls")
        talk.starttls(context=self.tls)
        return talk

    def outlook(self) -> smtplib.SMTP:
        talk = self.smtp("outlook_smtp")
        talk.starttls(context=self.tls)
        talk.ehlo()
        return talk

    def signed_in_outlook(self, user: str = "ar@contoso.com", token: str | None = None) -> smtplib.SMTP:
        talk = self.outlook()
        talk.auth("XOAUTH2", xoauth2(user, token or self.token(OUTLOOK)))
        return talk


def a_message(**parts: Any) -> dict[str, Any]:
    people = [{"emailAddress": {"address": "me@example.org"}}]
    return {"subject": "Hello", "body": {"contentType": "Text", "content": "Hi"}, "toRecipients": people, **parts}


def a_mail(sender: str = "ar@contoso.com", to: str = "me@example.org") -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, "Hello"
    mail.set_content("Hi")
    return mail


def xoauth2(user: str, token: str) -> Callable[..., str]:
    return lambda challenge=None: f"user={user}\x01auth=Bearer {token}\x01\x01"


def error(answer: Any) -> str:
    return str(json.loads(answer.data)["error"]["code"])
