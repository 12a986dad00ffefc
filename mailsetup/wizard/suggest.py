"""From an address to a suggestion: who takes this domain's mail, as far as the name alone tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailsetup.mail_services.values import email_address

GRAPH, SMTP = "graph_client_credentials", "smtp_basic"


@dataclass(frozen=True)
class Suggestion:
    """Which kind fits an address, why, and what can be filled in already."""

    kind: str
    reason: str
    settings: dict[str, str] = field(default_factory=dict)
    sure: bool = True


@dataclass(frozen=True)
class _Provider:
    name: str
    domains: frozenset[str]
    host: str
    note: str = ""


_OWN_LOGIN = "it wants an app password, made in the account's security settings"
_PROVIDERS = (
    _Provider("Google", frozenset({"gmail.com", "googlemail.com"}), "smtp.gmail.com", _OWN_LOGIN),
    _Provider("Yahoo", frozenset({"yahoo.com", "yahoo.co.uk", "ymail.com"}), "smtp.mail.yahoo.com", _OWN_LOGIN),
    _Provider("iCloud", frozenset({"icloud.com", "me.com", "mac.com"}), "smtp.mail.me.com", _OWN_LOGIN),
    _Provider("Fastmail", frozenset({"fastmail.com", "fastmail.fm"}), "smtp.fastmail.com", _OWN_LOGIN),
    _Provider("Zoho", frozenset({"zoho.com", "zohomail.com"}), "smtp.zoho.com", _OWN_LOGIN),
    _Provider("GMX", frozenset({"gmx.com"}), "mail.gmx.com"),
    _Provider("GMX", frozenset({"gmx.de", "gmx.net", "gmx.at", "gmx.ch"}), "mail.gmx.net"),
    _Provider("AOL", frozenset({"aol.com"}), "smtp.aol.com", _OWN_LOGIN),
)
_PERSONAL = frozenset({"outlook.com", "hotmail.com", "live.com", "msn.com"})
_NO_PERSONAL = (
    "{domain} holds personal Microsoft accounts, and Microsoft lets programs send only for organisations. "
    "Use an address of your organisation, or another mail service."
)
_UNKNOWN = (
    "The name {domain} alone does not say who takes its mail. If people there use Outlook or Microsoft 365, "
    "choose the first one; if not, SMTP with user name and password works with any mail server."
)


def suggest(address: str) -> Suggestion:
    """What fits this address. Raises ValueError when it is none."""
    address = email_address(address)
    domain = address.rpartition("@")[2].lower()
    typed = {"from_address": address}
    if domain.endswith((".onmicrosoft.com", ".onmicrosoft.us")):
        return Suggestion(GRAPH, f"{domain} is at Microsoft 365: only its organisations have such names.", typed)
    if domain in _PERSONAL:
        return Suggestion(SMTP, _NO_PERSONAL.format(domain=domain), typed, sure=False)
    provider = next((one for one in _PROVIDERS if domain in one.domains), None)
    if provider is None:
        return Suggestion(GRAPH, _UNKNOWN.format(domain=domain), typed, sure=False)
    return _at(provider, domain, typed)


def _at(provider: _Provider, domain: str, typed: dict[str, str]) -> Suggestion:
    note = f"; {provider.note}" if provider.note else ""
    reason = f"{domain} is at {provider.name}, which takes mail at {provider.host}{note}."
    server = {"host": provider.host, "port": "587", "tls": "starttls"}
    return Suggestion(SMTP, reason, {**typed, **server})
