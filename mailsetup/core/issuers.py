"""Where people may sign in instead of typing a password: the OpenID Connect issuers that the operator configured."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mailsetup.core.errors import SettingsError
from mailsetup.core.redact import Secret

VARIABLE = "MAILSETUP_OIDC_ISSUERS"
NEVER, ALWAYS, SAYS = "no", "always", "amr"
# Microsoft's issuers of many directories; their document names a template (Microsoft, "OpenID Connect", tenant).
SHARED = re.compile(r"https://[^/]+(?P<accounts>/organizations|/common)/v2\.0")
_KEY = re.compile(r"[a-z][a-z0-9-]{0,29}")
_KNOWN = {"name", "issuer", "client_id", "client_secret", "client_secret_file", "second_factor", "tenants"}


@dataclass(frozen=True)
class Issuer:
    """One of them; `key` is its place in addresses, `second_factor` when its sign-in counts as two factors."""

    key: str
    name: str
    url: str
    client_id: str
    client_secret: Secret = field(repr=False)
    second_factor: str = NEVER
    tenants: frozenset[str] = frozenset()

    @property
    def shared(self) -> bool:
        """Whether it speaks for many directories, each with an issuer of its own."""
        return bool(SHARED.fullmatch(self.url))


def parse_issuers(tables: Mapping[str, Mapping[str, str]]) -> tuple[Issuer, ...]:
    """The issuers out of the setting. Raises SettingsError with one sentence."""
    return tuple(_issuer(key, facts) for key, facts in tables.items())


def _issuer(key: str, facts: Mapping[str, str]) -> Issuer:
    if not _KEY.fullmatch(key):
        raise SettingsError(f"{VARIABLE}: {key!r} must be a short word of small letters, digits and hyphens.")
    if unknown := sorted(set(facts) - _KNOWN):
        raise SettingsError(f"{VARIABLE}: {key} says {', '.join(unknown)}, which means nothing here.")
    second_factor = facts.get("second_factor", NEVER)
    if second_factor not in {NEVER, ALWAYS, SAYS}:
        raise SettingsError(f"{VARIABLE}: second_factor of {key} is {NEVER}, {ALWAYS} or {SAYS}.")
    if second_factor == ALWAYS and SHARED.fullmatch(facts.get("issuer", "")) and not facts.get("tenants"):
        raise SettingsError(
            f"{VARIABLE}: {key} speaks for every organisation, and not all ask for two factors. Name yours as tenants, "
            f"or let second_factor be {SAYS}."
        )
    return Issuer(
        key,
        facts.get("name", "").strip() or key.capitalize(),
        _url(key, facts.get("issuer", "")),
        _needed(key, "client_id", facts),
        _secret(key, facts),
        second_factor,
        frozenset(facts.get("tenants", "").lower().replace(",", " ").split()),
    )


def _url(key: str, url: str) -> str:
    # The issuer is compared letter by letter with what tokens say, so nothing of it is changed here.
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise SettingsError(f"{VARIABLE}: issuer of {key} must be the https:// address that its tokens name.")
    return url


def _needed(key: str, name: str, facts: Mapping[str, str]) -> str:
    if not facts.get(name, "").strip():
        raise SettingsError(f"{VARIABLE}: {name} of {key} is missing.")
    return facts[name].strip()


def _secret(key: str, facts: Mapping[str, str]) -> Secret:
    path = facts.get("client_secret_file", "")
    if not path:
        return Secret(_needed(key, "client_secret", {"client_secret": facts.get("client_secret", "")}))
    try:
        return Secret(Path(path).read_text(encoding="utf-8").strip())
    except OSError as error:
        raise SettingsError(f"{VARIABLE}: {path} of {key} cannot be read: {error.strerror}.") from error
