"""An SPF record with everything it includes, walked within the limits of RFC 7208 section 4.6.4."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from mailsetup.mail_services.sender_domain.words import Lookup

LOOKUPS = 10
DEPTH = 12
_ASKING = ("include", "a", "mx", "ptr", "exists", "redirect")
Network = IPv4Network | IPv6Network


@dataclass
class Tree:
    """What was found on the way: `asks` counts the look-ups that a receiver makes."""

    asks: int = 0
    includes: set[str] = field(default_factory=set)
    networks: set[Network] = field(default_factory=set)
    macros: bool = False
    broken: str = ""
    seen: list[str] = field(default_factory=list)


def spf_records(domain: str, lookup: Lookup) -> list[str]:
    """The TXT records that are SPF (RFC 7208 section 4.5)."""
    texts = [" ".join(text.split()) for text in lookup(domain, "TXT")]
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def terms(record: str) -> list[tuple[str, str, str]]:
    """Qualifier, mechanism and value of each term."""
    found = []
    for word in record.split()[1:]:
        qualifier = word[0] if word[0] in "+-~?" else "+"
        body = word.lstrip("+-~?")
        name, mark, value = body.partition("=") if body.lower().startswith(("redirect=", "exp=")) else _split(body)
        found.append((qualifier, name.lower(), value if mark else ""))
    return found


def _split(body: str) -> tuple[str, str, str]:
    name, mark, value = body.partition(":")
    if not mark and "/" in name:
        name, _, length = name.partition("/")
        return name, "", "/" + length
    return name, mark, value


def walk(domain: str, record: str, lookup: Lookup, tree: Tree | None = None, depth: int = 0) -> Tree:
    """The tree below a record. Raises ResolutionFailed."""
    tree = tree or Tree()
    tree.seen.append(domain)
    for qualifier, name, value in terms(record):
        if name in _ASKING:
            tree.asks += 1
        if "%{" in value:
            tree.macros = True
        elif name in {"ip4", "ip6"} and qualifier == "+":
            _add_network(tree, value)
        elif name in {"include", "redirect"}:
            _follow(tree, value.lower().rstrip("."), lookup, depth)
        elif name in {"a", "mx"}:
            _add_hosts(tree, name, value.partition("/")[0] or domain, lookup)
    return tree


def _follow(tree: Tree, target: str, lookup: Lookup, depth: int) -> None:
    tree.includes.add(target)
    if target in tree.seen[: depth + 1] or depth > DEPTH:
        tree.broken = tree.broken or f"{target} includes itself"
        return
    if tree.asks > 3 * LOOKUPS:
        return
    records = spf_records(target, lookup)
    if len(records) != 1:
        tree.broken = tree.broken or f"{target} has {'no' if not records else 'more than one'} SPF record"
        return
    walk(target, records[0], lookup, tree, depth + 1)


def _add_network(tree: Tree, value: str) -> None:
    try:
        tree.networks.add(ip_network(value, strict=False))
    except ValueError:
        tree.broken = tree.broken or f"{value} is not an address"


def _add_hosts(tree: Tree, mechanism: str, name: str, lookup: Lookup) -> None:
    hosts = [name] if mechanism == "a" else [record.split()[-1] for record in lookup(name, "MX")[:10] if record]
    for host in hosts:
        for kind in ("A", "AAAA"):
            tree.networks.update(ip_network(address) for address in lookup(host, kind))


def covers(tree: Tree, other: Tree) -> bool:
    """Whether every network of the other tree is among those of this one: somebody wrote the addresses out."""
    return bool(other.networks) and all(
        any(mine.version == theirs.version and theirs.subnet_of(mine) for mine in tree.networks)  # type: ignore[arg-type]
        for theirs in other.networks
    )
