"""Every environment variable, read once into one frozen Settings; a wrong one stops the start."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from mailsetup.core import db, queues
from mailsetup.core.crypto import KeyRing
from mailsetup.core.errors import SettingsError
from mailsetup.core.issuers import Issuer, parse_issuers
from mailsetup.core.redact import Secret

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NO_SECRET = Secret("")
MANY = 1_000_000_000
ENVIRONMENTS = ("production", "development", "test")


@dataclass(frozen=True)
class Settings:
    """What the operator decided. See README for each variable."""

    env: str
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    base_url: str
    secret_key: Secret
    key_ring: KeyRing = field(repr=False)
    migration_database_url: str = field(default="", repr=False)
    key_ring_file: str = ""
    microsoft_client_id: str = ""
    microsoft_client_secret: Secret = NO_SECRET
    microsoft_client_certificate: Secret = NO_SECRET
    microsoft_client_expires: date | None = None
    microsoft_accounts: str = "organizations"
    microsoft_login_url: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com"
    outlook_smtp: tuple[str, int] = ("smtp.office365.com", 587)
    microsoft_clouds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    oidc_issuers: tuple[Issuer, ...] = ()
    ca_bundle: str | None = None
    egress_allow: tuple[Network, ...] = ()
    https_proxy: str | None = field(default=None, repr=False)
    smtp_proxy: str | None = field(default=None, repr=False)
    dns_servers: tuple[tuple[str, int], ...] = ()
    operator_smtp_url: Secret = NO_SECRET
    operator_from: str = ""
    operator_emails: tuple[str, ...] = ()
    confirm_sign_up: bool = False
    operator_webhook_url: Secret = NO_SECRET
    operator_webhook_secret: Secret = NO_SECRET
    worker_lanes: int = 32
    missing_after: int = 60
    journal_dir: str = ""
    proxy_hops: int = 0
    quota_messages: int = 100_000
    quota_tests: int = 200
    quota_invitations: int = 100
    quota_webhooks: int = 20
    metrics_token: Secret = NO_SECRET
    gateway_listen: tuple[str, int] | None = None
    gateway_certificate_file: str | None = None
    gateway_key_file: str | None = None

    @property
    def journal_folder(self) -> Path:
        """Where workers note what a mail service accepted until the database knows it."""
        return Path(self.journal_dir or Path(tempfile.gettempdir()) / f"mailsetup-{os.getuid()}-journal")

    @property
    def production(self) -> bool:
        """Whether real customers' mail is at stake."""
        return self.env == "production"


_current: Settings | None = None


def start(settings: Settings) -> Settings:
    """Points this process at its database and Redis, and remembers its settings."""
    global _current  # noqa: PLW0603 - one set of settings a process
    _current = settings
    db.configure(settings.database_url)
    queues.configure(settings.redis_url)
    return settings


def started() -> bool:
    """Whether this process has its settings."""
    return _current is not None


def current() -> Settings:
    """The settings this process was started with."""
    if _current is None:
        raise RuntimeError("settings.start was not called in this process")
    return _current


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings out of the environment. Raises SettingsError with one sentence."""
    env = _Environment(os.environ if environ is None else environ)
    name = env.text("MAILSETUP_ENV", "production")
    if name not in ENVIRONMENTS:
        raise SettingsError(f"MAILSETUP_ENV is {name}; it must be one of {', '.join(ENVIRONMENTS)}.")
    return Settings(
        env=name,
        database_url=_database_url(env.required("MAILSETUP_DATABASE_URL")),
        redis_url=env.required("MAILSETUP_REDIS_URL"),
        base_url=env.url("MAILSETUP_BASE_URL", "", https=name == "production"),
        secret_key=_secret_key(env),
        migration_database_url=_migration_url(env),
        key_ring_file="" if env.text("MAILSETUP_ENCRYPTION_KEYS") else env.text("MAILSETUP_ENCRYPTION_KEYS_FILE"),
        key_ring=KeyRing.parse(env.text_or_file("MAILSETUP_ENCRYPTION_KEYS")),
        microsoft_client_id=env.text("MAILSETUP_MICROSOFT_CLIENT_ID"),
        microsoft_client_secret=Secret(env.text("MAILSETUP_MICROSOFT_CLIENT_SECRET")),
        microsoft_client_certificate=Secret(env.file("MAILSETUP_MICROSOFT_CLIENT_CERTIFICATE_FILE")),
        microsoft_client_expires=env.day("MAILSETUP_MICROSOFT_CLIENT_EXPIRES"),
        microsoft_accounts=_accounts(env),
        microsoft_login_url=env.url("MAILSETUP_MICROSOFT_LOGIN_URL", Settings.microsoft_login_url, https=True),
        graph_url=env.url("MAILSETUP_GRAPH_URL", Settings.graph_url, https=True),
        outlook_smtp=env.host_port("MAILSETUP_OUTLOOK_SMTP", Settings.outlook_smtp),
        microsoft_clouds=env.tables("MAILSETUP_MICROSOFT_CLOUDS"),
        oidc_issuers=parse_issuers(env.tables("MAILSETUP_OIDC_ISSUERS")),
        ca_bundle=env.path("MAILSETUP_CA_BUNDLE"),
        egress_allow=env.networks("MAILSETUP_EGRESS_ALLOW"),
        https_proxy=env.text("MAILSETUP_HTTPS_PROXY") or None,
        smtp_proxy=env.text("MAILSETUP_SMTP_PROXY") or None,
        dns_servers=env.hosts_ports("MAILSETUP_DNS_SERVERS"),
        operator_smtp_url=Secret(_operator_url(env, name)),
        operator_from=env.text("MAILSETUP_OPERATOR_FROM"),
        operator_emails=tuple(filter(None, env.text("MAILSETUP_OPERATOR_EMAILS").replace(",", " ").lower().split())),
        confirm_sign_up=_sign_up(env, name) == "confirmed",
        operator_webhook_url=Secret(_operator_webhook(env)),
        operator_webhook_secret=Secret(env.text("MAILSETUP_OPERATOR_WEBHOOK_SECRET")),
        worker_lanes=env.number("MAILSETUP_WORKER_LANES", Settings.worker_lanes, 1, 256),
        missing_after=env.number("MAILSETUP_MISSING_AFTER", Settings.missing_after, 10, 3600),
        journal_dir=env.text("MAILSETUP_JOURNAL_DIR"),
        proxy_hops=env.number("MAILSETUP_PROXY_HOPS", 0, 0, 5),
        quota_messages=env.number("MAILSETUP_QUOTA_MESSAGES", Settings.quota_messages, 0, MANY),
        quota_tests=env.number("MAILSETUP_QUOTA_TESTS", Settings.quota_tests, 0, MANY),
        quota_invitations=env.number("MAILSETUP_QUOTA_INVITATIONS", Settings.quota_invitations, 0, MANY),
        quota_webhooks=env.number("MAILSETUP_QUOTA_WEBHOOKS", Settings.quota_webhooks, 0, MANY),
        metrics_token=Secret(env.text("MAILSETUP_METRICS_TOKEN")),
        gateway_listen=_gateway_listen(env),
        gateway_certificate_file=env.path("MAILSETUP_GATEWAY_CERTIFICATE_FILE"),
        gateway_key_file=env.path("MAILSETUP_GATEWAY_KEY_FILE"),
    )


def _database_url(url: str) -> str:
    if url.startswith("postgresql://"):
        return url.replace("postgresql://", "postgresql+psycopg://", 1)
    if not url.startswith(("postgresql+psycopg://", "sqlite:///")):
        raise SettingsError("MAILSETUP_DATABASE_URL must begin with postgresql:// or sqlite:///.")
    return url


def _migration_url(env: _Environment) -> str:
    url = env.text("MAILSETUP_MIGRATION_DATABASE_URL")
    return _database_url(url) if url else ""


def _accounts(env: _Environment) -> str:
    """Who may sign in through our app at Microsoft, in Microsoft's words (authority of "Supported account types")."""
    value = env.text("MAILSETUP_MICROSOFT_ACCOUNTS", Settings.microsoft_accounts)
    if value not in {"organizations", "common"}:
        raise SettingsError("MAILSETUP_MICROSOFT_ACCOUNTS is organizations, or common to let personal accounts in too.")
    return value


def _secret_key(env: _Environment) -> Secret:
    value = env.required("MAILSETUP_SECRET_KEY")
    if len(value) < 32:
        raise SettingsError("MAILSETUP_SECRET_KEY is too short; give at least 32 random characters.")
    return Secret(value)


def _operator_url(env: _Environment, name: str) -> str:
    url = env.text("MAILSETUP_OPERATOR_SMTP_URL")
    if name == "production" and not url:
        raise SettingsError("MAILSETUP_OPERATOR_SMTP_URL is missing: without it nobody can be told that mail stopped.")
    if url and not env.text("MAILSETUP_OPERATOR_FROM"):
        raise SettingsError("MAILSETUP_OPERATOR_FROM is missing: alerts need an address to come from.")
    if url and not url.startswith("smtp://"):
        raise SettingsError("MAILSETUP_OPERATOR_SMTP_URL must look like smtp://user:pass@host:587?tls=starttls.")
    return url


def _sign_up(env: _Environment, name: str) -> str:
    way = env.text("MAILSETUP_SIGN_UP", "confirmed" if name == "production" else "direct")
    if way not in {"confirmed", "direct"}:
        raise SettingsError(f"MAILSETUP_SIGN_UP is {way}; it must be confirmed or direct.")
    return way


def _operator_webhook(env: _Environment) -> str:
    url = env.text("MAILSETUP_OPERATOR_WEBHOOK_URL")
    if url and not url.startswith(("https://", "http://")):
        raise SettingsError("MAILSETUP_OPERATOR_WEBHOOK_URL must begin with https://.")
    return url


def _gateway_listen(env: _Environment) -> tuple[str, int] | None:
    return env.host_port("MAILSETUP_GATEWAY_LISTEN", ("", 0)) if env.text("MAILSETUP_GATEWAY_LISTEN") else None


def _a_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    return value


class _Environment:
    """Typed access to the variables; every refusal names the variable and what it wants."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, "").strip() or default

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise SettingsError(f"{name} is missing.")
        return value

    def file(self, name: str) -> str:
        path = self.text(name)
        if not path:
            return ""
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"{name} names {path}, which cannot be read: {error.strerror}.") from error

    def text_or_file(self, name: str) -> str:
        value = self.text(name) or self.file(f"{name}_FILE")
        if not value:
            raise SettingsError(f"{name} or {name}_FILE is missing.")
        return value

    def path(self, name: str) -> str | None:
        self.file(name)
        return self.text(name) or None

    def url(self, name: str, default: str, *, https: bool) -> str:
        value = (self.text(name) or default or self.required(name)).rstrip("/")
        parts = urlsplit(value)
        more = parts.query or parts.fragment or parts.username or re.search(r"\s", value)
        if parts.scheme not in {"http", "https"} or not parts.netloc or more:
            raise SettingsError(f"{name} is not a plain http(s) URL.")
        if https and parts.scheme != "https":
            raise SettingsError(f"{name} must begin with https://.")
        # In the spelling of browsers, as it is compared with what they say.
        host = parts.netloc.lower().removesuffix(":443" if parts.scheme == "https" else ":80")
        return f"{parts.scheme}://{host}{parts.path}"

    def host_port(self, name: str, default: tuple[str, int]) -> tuple[str, int]:
        value = self.text(name)
        if not value:
            return default
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit():
            raise SettingsError(f"{name} must look like host:port.")
        return host, int(port)

    def hosts_ports(self, name: str) -> tuple[tuple[str, int], ...]:
        found = [part.rpartition(":") for part in self.text(name).replace(",", " ").split()]
        if any(not host or not port.isdigit() for host, _, port in found):
            raise SettingsError(f"{name} must list servers such as 192.0.2.53:53.")
        return tuple((host.strip("[]"), int(port)) for host, _, port in found)

    def networks(self, name: str) -> tuple[Network, ...]:
        try:
            return tuple(ipaddress.ip_network(part) for part in self.text(name).replace(",", " ").split())
        except ValueError as error:
            raise SettingsError(f"{name} must list networks such as 10.0.0.0/8; {error}.") from error

    def tables(self, name: str) -> dict[str, dict[str, str]]:
        """A JSON object of objects whose values are texts."""
        try:
            found = json.loads(self.text(name, "{}"))
            return {
                str(key): {str(one): _a_text(value) for one, value in facts.items()} for key, facts in found.items()
            }
        except (ValueError, AttributeError) as error:
            raise SettingsError(
                f'{name} must be a JSON object of objects of texts, like {{"usgov": {{"smtp_host": "smtp.example"}}}}.'
            ) from error

    def day(self, name: str) -> date | None:
        value = self.text(name)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError as error:
            raise SettingsError(f"{name} must be a date such as 2027-03-31.") from error

    def number(self, name: str, default: int, low: int, high: int) -> int:
        value = self.text(name, str(default))
        if not value.isdigit() or not low <= int(value) <= high:
            raise SettingsError(f"{name} must be a whole number from {low} to {high}.")
        return int(value)
