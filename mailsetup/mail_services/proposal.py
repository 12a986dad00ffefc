"""From what was found out about a domain to a mail service that fits it, with the reasons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mailsetup.mail_services.discovery import Facts
from mailsetup.mail_services.mail_providers import (
    MICROSOFT,
    PERSONAL,
    PROVIDERS,
    Provider,
    ends_with,
    gateway,
    giving,
    host_for,
    receiving,
)

GRAPH, SMTP, SIGN_IN = "graph_client_credentials", "smtp_basic", "graph_delegated"
_TLS = {"starttls": "STARTTLS", "implicit": "TLS from the start"}
_PERSONAL = "Addresses at {domain} are personal Microsoft accounts, and they send by signing in at Microsoft."
_NO_PERSONAL = (
    "Addresses at {domain} are personal Microsoft accounts. They send only by signing in at Microsoft, and here only "
    "accounts of an organisation may sign in. Use an address of your organisation or another mail service, or ask "
    "whoever runs this installation to let personal accounts in."
)
_UNKNOWN = (
    "We could not find out who takes mail for {domain}. If people there use Outlook or Microsoft 365, "
    "choose the first one; if not, SMTP with user name and password works with any mail server."
)
_OUTLOOK = ("outlook.com", "office365.us", "partner.outlook.cn", "outlook.office365.us")


@dataclass(frozen=True)
class Proposal:
    """Which kind fits, why, and what can be filled in already; `sure` when the reasons leave little doubt."""

    kind: str
    reasons: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    sure: bool = True
    username: str = ""
    proof: str = ""

    @property
    def reason(self) -> str:
        """The reasons as one text."""
        return " ".join(self.reasons)

    @property
    def server(self) -> str:
        """Host, port and TLS in words; empty where they follow from the kind."""
        if not self.settings.get("host"):
            return ""
        return f"{self.settings['host']}, port {self.settings['port']}, {_TLS[self.settings['tls']]}"


def from_name(domain: str, *, personal: bool = False) -> Proposal | None:
    """What the name alone decides; None where the DNS has to be asked. `personal` accounts may sign in here."""
    if domain.endswith((".onmicrosoft.com", ".onmicrosoft.us", ".partner.onmschina.cn")):
        return Proposal(GRAPH, (f"{domain} is at Microsoft 365: only its organisations have such names.",))
    giver = giving(domain)
    if giver is None:
        return None
    if giver.name == PERSONAL:
        return _for_personal(domain, personal=personal)
    return _through(giver, giver.host, f"Addresses that end in {domain} belong to {giver.gives or giver.name}.")


def _for_personal(domain: str, *reasons: str, personal: bool) -> Proposal:
    if personal:
        return Proposal(SIGN_IN, (*reasons, _PERSONAL.format(domain=domain)))
    return Proposal(SMTP, (*reasons, _NO_PERSONAL.format(domain=domain)), sure=False)


def from_facts(facts: Facts, *, personal: bool = False) -> Proposal:
    """What fits a domain of one's own. `personal` accounts may sign in here."""
    if facts.mx is None:
        return _without_mx_answer(facts)
    first = facts.mx[0] if facts.mx else ""
    provider = receiving(first)
    if provider is not None:
        return _received(facts, provider, first, personal=personal)
    named = _from_submission(facts) or _from_signs(facts, first)
    if named is not None:
        return named
    return _own_server(facts, first)


def _received(facts: Facts, provider: Provider, mx: str, *, personal: bool) -> Proposal:
    reason = f"{facts.domain} receives its mail at {provider.name} ({mx})."
    if provider.name == MICROSOFT:
        return Proposal(GRAPH, (reason, *_directory(facts)))
    if provider.name == PERSONAL:
        return _for_personal(facts.domain, reason, personal=personal)
    proposal = _through(provider, host_for(provider, mx), reason)
    if provider.own_return:
        doubt = "It may send through another service, so check that you have an account there."
        return replace(proposal, reasons=(*proposal.reasons, doubt), sure=False)
    return proposal


def _through(provider: Provider, host: str, reason: str) -> Proposal:
    how = f"Programs send through {host}, with {provider.username} as the user name and {provider.proof}."
    server = {"host": host, "port": provider.port, "tls": provider.tls}
    return Proposal(SMTP, (reason, how), server, True, provider.username, provider.proof)


def _from_submission(facts: Facts) -> Proposal | None:
    server = facts.submission
    if server is None:
        return None
    reason = f"{facts.domain} names {server.host} as the server that programs send through."
    settings = {"host": server.host, "port": str(server.port), "tls": server.tls}
    return Proposal(SMTP, (reason, "The user name is often the full email address."), settings)


def _from_signs(facts: Facts, mx: str) -> Proposal | None:
    """Behind a filter the MX does not say where the mailboxes are; other records may."""
    label = gateway(mx)
    way = (f"Mail for {facts.domain} first passes {label} ({mx}).",) if label else ()
    if facts.autodiscover and ends_with(facts.autodiscover, _OUTLOOK):
        reason = f"Outlook finds the mailboxes of {facts.domain} at Microsoft 365 ({facts.autodiscover})."
        return Proposal(GRAPH, (*way, reason, *_directory(facts)))
    provider = _allowed(facts)
    if provider is not None and provider.name == MICROSOFT and facts.tenant:
        return Proposal(GRAPH, (*way, f"{facts.domain} lets Microsoft 365 send for it.", *_directory(facts)))
    if provider is not None and provider.name != MICROSOFT:
        reason = " ".join([*way, f"{facts.domain} lets {provider.name} send for it."])
        # Where the domain receives at a server of its own, the mailboxes may be there instead.
        return replace(_through(provider, provider.host, reason), sure=bool(label) or not mx)
    if facts.tenant and (label or not mx):
        doubt = "That alone does not say that its mailboxes are there too; ask whoever runs them."
        return Proposal(GRAPH, (*way, *_directory(facts), doubt), sure=False)
    return None


def _allowed(facts: Facts) -> Provider | None:
    """The one mailbox provider whose servers the SPF record lets send; senders for others say nothing."""
    hosts = [one for one in PROVIDERS if not one.own_return and set(one.spf) & (facts.includes or frozenset())]
    return hosts[0] if len(hosts) == 1 else None


def _directory(facts: Facts) -> tuple[str, ...]:
    return (f"It has a directory at Microsoft ({facts.tenant}).",) if facts.tenant else ()


def _own_server(facts: Facts, mx: str) -> Proposal:
    if mx == ".":
        return Proposal(
            GRAPH, (f"{facts.domain} says that it takes no mail. {_UNKNOWN.format(domain=facts.domain)}",), sure=False
        )
    if not mx:
        reason = f"{facts.domain} has no record of a mail server; check how it is spelled."
        return Proposal(GRAPH, (reason, *_directory(facts), _UNKNOWN.format(domain=facts.domain)), sure=False)
    label = gateway(mx)
    if label:
        reason = f"Mail for {facts.domain} first passes {label} ({mx}), which does not say where the mailboxes are."
        return Proposal(GRAPH, (reason, _UNKNOWN.format(domain=facts.domain)), sure=False)
    reasons = (
        f"{facts.domain} receives its mail at a server of its own ({mx}), which may take mail from programs as well.",
        "Ask whoever runs it for the server's name and the port.",
    )
    return Proposal(SMTP, (*reasons, *_directory(facts)), {"host": mx, "port": "587", "tls": "starttls"}, sure=False)


def _without_mx_answer(facts: Facts) -> Proposal:
    known = _from_submission(facts) or _from_signs(facts, "")
    return known or Proposal(GRAPH, (_UNKNOWN.format(domain=facts.domain), *_directory(facts)), sure=False)
