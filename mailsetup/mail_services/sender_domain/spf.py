"""SPF: may the service that sends this mail send for the domain? (RFC 7208)"""

from __future__ import annotations

import contextlib
import re
from ipaddress import ip_network

from mailsetup.core.errors import ResolutionFailed
from mailsetup.mail_services.mail_providers import Provider
from mailsetup.mail_services.sender_domain.spf_tree import LOOKUPS, Tree, covers, spf_records, terms, walk
from mailsetup.mail_services.sender_domain.words import GOOD, MISSING, NOTE, UNKNOWN, WRONG, Advice, Lookup

_END = re.compile(r"\s(?:[+?~-]?all|redirect=\S+)\b.*$", re.IGNORECASE)


def advise(domain: str, host: str, provider: Provider | None, lookup: Lookup) -> Advice:
    """What to do about SPF. Raises ResolutionFailed."""
    records = spf_records(domain, lookup)
    if not records:
        return _absent(domain, provider)
    if len(records) > 1:
        return Advice(
            "spf",
            WRONG,
            "There is more than one SPF record",
            "Receivers then take none of them. Keep one record that holds the entries of all.",
            domain,
            _merged(records),
        )
    return _of_one(domain, host, provider, records[0], lookup)


def _absent(domain: str, provider: Provider | None) -> Advice:
    if provider is not None and provider.own_return:
        text = f"{provider.name} answers for SPF with its own domain. Nothing needs to be done."
        return Advice("spf", NOTE, "No SPF record, and none is needed here", text)
    value = f"v=spf1 include:{provider.spf[0]} ~all" if provider and provider.spf else ""
    text = "Receivers cannot tell whether mail from this domain is genuine. Add this TXT record."
    if not value:
        text = "Receivers cannot tell whether mail is genuine. Ask your mail provider which SPF record to add."
    return Advice("spf", MISSING, f"{domain} has no SPF record", text, domain if value else "", value)


def _of_one(domain: str, host: str, provider: Provider | None, record: str, lookup: Lookup) -> Advice:
    tree = walk(domain, record, lookup)
    if any(name == "all" and qualifier == "+" for qualifier, name, _ in terms(record)):
        value = re.sub(r"(?<=\s)\+?all\b", "~all", record, flags=re.IGNORECASE)
        text = "It ends in +all: anybody may send in your name. End it in ~all."
        return Advice("spf", WRONG, "The SPF record allows everybody", text, domain, value)
    if tree.asks > LOOKUPS:
        text = (
            f"It leads to {tree.asks} look-ups, and receivers stop at {LOOKUPS} and then count it as wrong. "
            "Take out entries of services you no longer use."
        )
        return Advice("spf", WRONG, "The SPF record is too long a chain", text)
    if tree.broken:
        return Advice("spf", WRONG, "The SPF record does not work", f"A part of it is wrong: {tree.broken}.")
    if provider is None or not provider.spf:
        return _without_include(host, tree, lookup)
    return _for_service(domain, provider, record, tree, lookup)


def _for_service(domain: str, provider: Provider, record: str, tree: Tree, lookup: Lookup) -> Advice:
    count = f"It takes {tree.asks} of {LOOKUPS} look-ups."
    if tree.includes & set(provider.spf) or _written_out(provider, tree, lookup):
        return Advice("spf", GOOD, f"SPF lets {provider.name} send", count)
    if provider.own_return:
        text = f"{provider.name} answers for SPF with its own domain, so this record need not name it."
        return Advice("spf", NOTE, f"SPF does not name {provider.name}", text)
    if tree.macros:
        text = "It asks another service for each mail, so nobody can tell from outside whom it lets send."
        return Advice("spf", UNKNOWN, "SPF cannot be judged from outside", text)
    text = f"Mail through {provider.name} may land among junk. Change the TXT record to this."
    return Advice("spf", WRONG, f"SPF does not let {provider.name} send", text, domain, _with(record, provider.spf[0]))


def _written_out(provider: Provider, tree: Tree, lookup: Lookup) -> bool:
    """Some write the provider's addresses into their own record, to save look-ups."""
    for include in provider.spf[:1]:
        with contextlib.suppress(ResolutionFailed):
            records = spf_records(include, lookup)
            if len(records) == 1 and covers(tree, walk(include, records[0], lookup)):
                return True
    return False


def _without_include(host: str, tree: Tree, lookup: Lookup) -> Advice:
    server = Tree()
    for kind in ("A", "AAAA"):
        for address in lookup(host, kind) if host else []:
            server.networks.add(ip_network(address))
    if server.networks and covers(tree, server):
        return Advice("spf", GOOD, f"SPF lets {host} send", f"It takes {tree.asks} of {LOOKUPS} look-ups.")
    text = f"A server often sends from another address than it takes mail at. Ask who runs {host} what SPF must name."
    return Advice("spf", UNKNOWN, f"Whether SPF lets {host} send cannot be known", text)


def _with(record: str, include: str) -> str:
    """The record with one more entry, before its end."""
    entry = f" include:{include}"
    found = _END.search(record)
    return f"{record[: found.start()]}{entry}{found[0]}" if found else f"{record}{entry} ~all"


def _merged(records: list[str]) -> str:
    """One record with every entry of several, the strictest end last."""
    words = [word for record in records for word in record.split()[1:]]
    ends = [word for word in words if word.lower().lstrip("+-~?") == "all"]
    rest = list(dict.fromkeys(word for word in words if word not in ends))
    return " ".join(["v=spf1", *rest, "~all" if "~all" in ends or "-all" not in ends else "-all"])
