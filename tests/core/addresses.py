"""Spellings of addresses that are not on the public internet: what an attacker types to get inside."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

INSIDE = (
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "10.255.3.4", "172.16.0.1", "172.31.255.254", "192.168.1.1",
    "169.254.169.254", "169.254.0.1", "100.64.0.1", "0.0.0.0", "192.0.0.8", "198.18.0.1", "224.0.0.1", "240.0.0.1",
    "168.63.129.16",
)  # fmt: skip
INSIDE_V6 = (
    "::", "::1", "0:0:0:0:0:0:0:1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1", "100::1",
    "2001:db8::1", "2001::1", "3fff::1", "5f00::1", "64:ff9b:1::1",
)  # fmt: skip
NAMES = ("localhost", "LOCALHOST", "localhost.", "ip6-localhost", "127。0。0。1", "１２７.0.0.1", "①②⑦.0.0.1")


def spellings() -> list[str]:
    """Every address in every form that a resolver, a URL parser or a translator may take for it."""
    found = [form for text in INSIDE for form in (*_numbers(IPv4Address(text)), *_wrapped(int(IPv4Address(text))))]
    return list(dict.fromkeys([*found, *INSIDE_V6, *NAMES]))


def _numbers(address: IPv4Address) -> Iterator[str]:
    a, b, c, d = address.packed
    yield from (str(address), f"{address}.", str(int(address)), hex(int(address)), oct(int(address)).replace("o", ""))
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"
    yield f"0X{int(address):08X}"
    yield f"{a}.{b}.{c * 256 + d}"
    yield f"{a}.{(b << 16) + (c << 8) + d}"
    yield f"0x{a:x}.{b}.0{c * 256 + d:o}"


def _wrapped(number: int) -> Iterator[str]:
    yield f"::ffff:{IPv4Address(number)}"
    yield f"::ffff:{number >> 16:x}:{number & 0xFFFF:x}"
    yield f"0:0:0:0:0:ffff:{number >> 16:04x}:{number & 0xFFFF:04x}"
    yield f"::{IPv4Address(number)}"
    for prefix, shift in (
        (0x0000_0000_0000_0000_FFFF_0000 << 32, 0),  # translated (RFC 2765)
        (0x0064_FF9B << 96, 0),  # NAT64 (RFC 6052)
        (0x2002 << 112, 80),  # 6to4 (RFC 3056)
        (0x2001_0000 << 96 | 0x4136E378 << 64, 0),  # Teredo (RFC 4380), below
        (0x2A01_0111 << 96 | 0x5EFE << 32, 0),  # ISATAP (RFC 5214)
    ):
        teredo = prefix >> 96 == 0x2001_0000
        yield str(IPv6Address(prefix | (number ^ 0xFFFFFFFF if teredo else number) << shift))
