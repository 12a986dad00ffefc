"""What the small world is made of: organisations, mailboxes, app registrations, consents."""

from __future__ import annotations

import secrets
import string
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"  # the directory of all personal accounts


def new_id() -> str:
    """A GUID, as Microsoft names everything."""
    return str(uuid.uuid4())


def new_password() -> str:
    """A password that a person can copy or type."""
    letters = string.ascii_letters.translate({ord(c): None for c in "IlO"}) + "23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(3))


def new_secret() -> str:
    """A client secret in the look of Microsoft's: 40 characters with a tilde."""
    return f"{secrets.token_hex(2)[:3]}8Q~{secrets.token_urlsafe(40)[:34]}"


@dataclass
class Organisation:
    """A Microsoft tenant: one company with one domain."""

    name: str
    domain: str
    tenant_id: str = field(default_factory=new_id)
    user_consent: bool = True
    smtp_auth: bool = True
    basic_auth: bool = False
    security_defaults: bool = False
    single_use_refresh: bool = False
    answers_for: str = ""  # the directory that its app tokens name, when that is not itself


@dataclass
class Mailbox:
    """A mailbox or account: how one signs in, what it may do, and what stands against it."""

    address: str
    name: str
    tenant_id: str
    object_id: str = field(default_factory=new_id)
    password: str = field(default_factory=new_password)
    note: str = ""
    admin: bool = False
    mfa: bool = False
    shared: bool = False
    blocked: bool = False
    licensed: bool = True
    smtp_auth: bool = True
    send_as: list[str] = field(default_factory=list)
    on_behalf_of: list[str] = field(default_factory=list)  # mail from these says who really sent it
    aliases: list[str] = field(default_factory=list)
    generation: int = 0


@dataclass
class App:
    """An app registration: what its owner set up under App registrations."""

    name: str
    home_tenant: str
    multi_tenant: bool = False
    client_id: str = field(default_factory=new_id)
    secret_id: str = field(default_factory=new_id)
    secret: str = field(default_factory=new_secret)
    secret_expires: str = field(default_factory=lambda: _in_days(180))
    more_secrets: list[str] = field(default_factory=list)
    redirect_uris: list[str] = field(default_factory=list)
    certificates: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    enabled: bool = True
    personal: bool = False  # supported account types: personal accounts too

    @property
    def secret_expired(self) -> bool:
        """Whether the secret's end has passed."""
        return datetime.fromisoformat(self.secret_expires) < datetime.now(UTC)


@dataclass
class Consent:
    """What one organisation, and each of its people, granted to one app (its enterprise app)."""

    client_id: str
    tenant_id: str
    object_id: str = field(default_factory=new_id)
    roles: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    people: dict[str, list[str]] = field(default_factory=dict)
    limited_to: list[str] = field(default_factory=list)
    in_exchange: list[str] = field(default_factory=list)  # mailboxes it may send as by RBAC, without any role
    generation: int = 0

    def scopes_of(self, object_id: str) -> set[str]:
        """The delegated permissions that hold for one person."""
        return {*self.scopes, *self.people.get(object_id, [])}


@dataclass
class Account:
    """A login of the plain SMTP services."""

    address: str
    password: str = field(default_factory=new_password)


def _in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")
