"""Which addresses are on the public internet: our own list, as `ipaddress.is_global` has been wrong (CVE-2024-4032)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA special-purpose registries (RFC 6890 and successors), multicast, and what clouds keep for themselves.
_NON_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent lives in public space
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")
_NON_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo (2001::/32)
        "2001:db8::/32",
        "3fff::/20",
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})  # the middle of such an interface identifier (RFC 5214 6.1)


def plain(address: Address) -> Address:
    """The address without its wrapping: an IPv4-mapped one (RFC 4291 2.5.5.2) is IPv4 on the wire."""
    if isinstance(address, IPv6Address) and address in _MAPPED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator would take out of it: NAT64 (RFC 6052) or 6to4 (RFC 3056)."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    return None


def _isatap(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address at the end of an ISATAP one, which may lie in any network."""
    middle = (int(address) >> 32) & 0xFFFFFFFF
    return IPv4Address(int(address) & 0xFFFFFFFF) if middle in _ISATAP else None


def is_public(address: Address) -> bool:
    """Whether mail or web traffic may go there; wrapped forms are judged by what they carry."""
    address = plain(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NON_PUBLIC_V4)
    carried = _carried(address)
    if carried is not None:
        return is_public(carried)
    tunnelled = _isatap(address)
    if tunnelled is not None and not is_public(tunnelled):
        return False
    return address in _GLOBAL_UNICAST_V6 and not any(address in network for network in _NON_PUBLIC_V6)


def parse_address(text: str) -> Address:
    """An address as the resolver writes it, its zone (`%eth0`) left out. Raises ValueError."""
    return plain(ip_address(text.partition("%")[0]))


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks from a list with commas. Raises ValueError for a text that is not one."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
