"""Doors that the tests of egress use."""

from __future__ import annotations

import ipaddress
from typing import Any

from mailsetup.core.egress import Door

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def loopback_door(**more: Any) -> Door:
    return Door(LOOPBACK, **more)


def answers(*addresses: str) -> Any:
    """What the resolver returns, in the shape of getaddrinfo."""
    return [(0, 0, 0, "", (address, 0)) for address in addresses]
