"""DKIM: does the service sign with the domain's own key? Its name cannot be listed, only guessed (RFC 6376)."""

from __future__ import annotations

import re

from mailsetup.mail_services.mail_providers import MICROSOFT, Provider
from mailsetup.mail_services.sender_domain.words import GOOD, MISSING, UNKNOWN, WRONG, Advice, Lookup

_KEY = re.compile(r"(?:^|;)\s*p\s*=\s*([^;]*)", re.IGNORECASE)
_UNKNOWN = "Each customer of {name} gets a key of another name, so this cannot be known. {name} shows whether it is on."


def advise(domain: str, provider: Provider | None, lookup: Lookup) -> Advice:
    """What to do about DKIM. Raises ResolutionFailed."""
    if provider is None or not provider.selectors:
        name = provider.name if provider else "the mail server"
        return Advice("dkim", UNKNOWN, "Whether mail is signed cannot be known", _UNKNOWN.format(name=name))
    keys = {selector: _key(f"{selector}._domainkey.{domain}", lookup) for selector in provider.selectors}
    if any(key for key in keys.values()):
        return Advice("dkim", GOOD, f"{provider.name} can sign with {domain}", f"The key {_first(keys)} is there.")
    if any(key == "" for key in keys.values()):
        text = "The record is there, but it holds no key: it was taken back. Switch DKIM on at your provider again."
        return Advice("dkim", WRONG, "The DKIM key was taken back", text)
    if provider.name == MICROSOFT:
        return _at_microsoft(domain, lookup)
    text = f"None of the keys that {provider.name} usually has was found; yours may have another name. Look there."
    return Advice("dkim", UNKNOWN, "Whether mail is signed cannot be known", text)


def _first(keys: dict[str, str | None]) -> str:
    return next(selector for selector, key in keys.items() if key)


def _key(name: str, lookup: Lookup) -> str | None:
    """The public key; empty when it was revoked, None when there is no record."""
    for text in lookup(name, "TXT"):
        if found := _KEY.search(text):
            return "".join(found[1].split())
    return None


def _at_microsoft(domain: str, lookup: Lookup) -> Advice:
    """Microsoft's two keys always have the same names, so here their absence means something."""
    if lookup(f"selector1._domainkey.{domain}", "CNAME"):
        text = (
            "Both records lead to Microsoft, which has not published a key. "
            "Your Microsoft admin opens https://security.microsoft.com/dkimv2, chooses the domain and switches "
            "Sign messages on."
        )
        return Advice("dkim", WRONG, "Microsoft does not sign yet", text)
    text = (
        "Mail is signed with Microsoft's own domain only. Your Microsoft admin opens "
        "https://security.microsoft.com/dkimv2, chooses the domain, and adds the two CNAME records shown there."
    )
    return Advice("dkim", MISSING, f"Mail is not signed with {domain}", text, f"selector1._domainkey.{domain}")
