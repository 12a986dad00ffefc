"""What the DNS says of a domain that mail comes from: SPF, DKIM and DMARC, without false alarms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailsetup.core.errors import ResolutionFailed
from mailsetup.mail_services.mail_providers import MICROSOFT, Provider, giving, sending
from mailsetup.mail_services.sender_domain import dkim, dmarc, spf
from mailsetup.mail_services.sender_domain.words import GOOD, TOPICS, UNKNOWN, Advice, Lookup

__all__ = ["Advice", "Lookup", "advise", "report_on"]


def advise(domain: str, host: str, lookup: Lookup) -> list[Advice]:
    """SPF, DKIM and DMARC of the domain, for mail that leaves through the server `host`."""
    provider = sending(host)
    owned = _owned_by_the_provider(domain, provider)
    if owned:
        return owned
    spf_advice = _asked("spf", lambda: spf.advise(domain, host, provider, lookup))
    dkim_advice = _asked("dkim", lambda: dkim.advise(domain, provider, lookup))
    aligned = dmarc.Aligned(
        spf=_holds(spf_advice) if not (provider and provider.own_return) else False,
        dkim=_holds(dkim_advice),
    )
    return [spf_advice, dkim_advice, _asked("dmarc", lambda: dmarc.advise(domain, aligned, lookup))]


def _holds(advice: Advice) -> bool | None:
    """Yes, no, or nobody can know."""
    return None if advice.state == UNKNOWN else advice.state == GOOD


def _asked(topic: str, ask: Any) -> Advice:
    try:
        found: Advice = ask()
    except ResolutionFailed as error:
        return Advice(
            topic, UNKNOWN, f"{TOPICS[topic]} could not be looked up", f"The DNS gave no answer about {error.host}."
        )
    return found


def _owned_by_the_provider(domain: str, provider: Provider | None) -> list[Advice]:
    """Domains whose records belong to the provider itself, so that there is nothing to do."""
    at_microsoft = domain.endswith((".onmicrosoft.com", ".onmicrosoft.us", ".partner.onmschina.cn"))
    giver = giving(domain)
    if at_microsoft and provider is not None and provider.name == MICROSOFT:
        return [_kept(topic, "Microsoft") for topic in TOPICS]
    if giver is not None and provider is giver:
        return [_kept(topic, giver.name) for topic in TOPICS]
    return []


def _kept(topic: str, who: str) -> Advice:
    return Advice(topic, GOOD, f"{who} keeps {TOPICS[topic]}", "There is nothing for you to do.")


def report_on(domain: str, host: str, lookup: Lookup) -> dict[str, Any]:
    """The advice as JSON keeps it."""
    provider = sending(host)
    found: list[Mapping[str, Any]] = [advice.to_dict() for advice in advise(domain, host, lookup)]
    return {"domain": domain, "service": provider.name if provider else host, "advice": found}
