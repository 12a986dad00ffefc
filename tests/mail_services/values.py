"""Values that the tests of the mail services build with."""

from __future__ import annotations

from typing import Any

from mailsetup.core.egress import Door
from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import CredentialValue, Evidence, Report
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp import Login, Peer, Session
from mailsetup.mail_services.timeouts import Timeouts
from tests.fakes.microsoft_server import CLIENT, OBJECT, TENANT
from tests.fakes.smtp_server import SMTPServer

SHORT = Timeouts(resolve=5, connect=5, command=5, final=5, session=20)
PASSWORD = "pass-word-1"


class Heard(Report):
    """Remembers each stage and how it ended."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, str]] = []
        self.evidence: dict[str, Evidence] = {}

    def entered(self, name: str) -> None:
        self.stages.append((name, "running"))

    def passed(self, name: str, evidence: Evidence) -> None:
        self.stages[-1] = (name, "passed")
        self.evidence[name] = evidence

    def failed(self, name: str, error: TransportError, evidence: Evidence) -> None:
        self.stages[-1] = (name, "failed")
        self.evidence[name] = evidence

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.stages]

    @property
    def last(self) -> tuple[str, str]:
        return self.stages[-1]


def login(*mechanisms: str, password: str = PASSWORD) -> Login:
    return Login("user", Secret(password), mechanisms or ("PLAIN", "LOGIN"))


def session(
    door: Door,
    server: SMTPServer,
    *,
    tls: str = "starttls",
    who: Login | None = None,
    timeouts: Timeouts = SHORT,
    host: str = "localhost",
) -> Session:
    return Session(Server(door, host, server.port, timeouts), Peer(tls, who, "mail.example.com"))


def app_credential(**secrets: str) -> CredentialValue:
    held = {name: Secret(value) for name, value in (secrets or {"client_secret": "s3cret-value-of-app"}).items()}
    public = {"cloud": "global", "tenant_id": TENANT, "client_id": CLIENT}
    return CredentialValue("microsoft_app", public, held, "1")


def grant_credential(app: str = "own", **public: str) -> CredentialValue:
    facts: dict[str, Any] = {"app": app, "cloud": "global", "account_oid": OBJECT, "account_tid": TENANT}
    facts |= {"account_username": "ar@contoso.com", "tenant_id": TENANT, "client_id": CLIENT, **public}
    return CredentialValue("microsoft_grant", facts, {"client_secret": Secret("s3cret-value-of-app")}, "1")


def smtp_credential(password: str = PASSWORD) -> CredentialValue:
    return CredentialValue("smtp_login", {"username": "user"}, {"password": Secret(password)}, "1")
