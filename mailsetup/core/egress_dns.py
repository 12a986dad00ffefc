"""DNS records other than addresses, asked of the servers that the operator named, or of the system's."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dns.exception
import dns.nameserver
import dns.resolver

from mailsetup.core.errors import ResolutionFailed

KINDS = frozenset({"A", "AAAA", "CNAME", "MX", "SRV", "TXT"})
RECORDS_READ = 100


class Names:
    """Answers about names, each asked once; all of them together take at most `seconds`."""

    def __init__(self, servers: Sequence[tuple[str, int]], seconds: float) -> None:
        self._resolver = _resolver(servers)
        self._end = time.monotonic() + seconds
        self._known: dict[tuple[str, str], list[str] | ResolutionFailed] = {}

    def records(self, name: str, kind: str) -> list[str]:
        """The records of this kind as text, none where there are none. Raises ResolutionFailed when nobody knows.

        MX as `10 mail.example.com`, SRV as `0 1 587 mail.example.com`, TXT with its strings joined (RFC 7208 3.3).
        """
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            self._known[key] = self._asked(*key)
        found = self._known[key]
        if isinstance(found, ResolutionFailed):
            raise found
        return found

    def _asked(self, name: str, kind: str) -> list[str] | ResolutionFailed:
        left = self._end - time.monotonic()
        if kind not in KINDS or left <= 0:
            return _unknown(name)
        try:
            answer = self._resolver.resolve(name + ".", kind, lifetime=left, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError, ValueError, UnicodeError):
            return _unknown(name)
        return [_text(record) for record in list(answer.rrset or ())[:RECORDS_READ]]


def _resolver(servers: Sequence[tuple[str, int]]) -> dns.resolver.Resolver:
    try:
        resolver = dns.resolver.Resolver(configure=not servers)
    except (dns.exception.DNSException, OSError):
        resolver = dns.resolver.Resolver(configure=False)
    if servers:
        resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in servers]
    resolver.timeout = 2.0
    return resolver


def _text(record: object) -> str:
    strings = getattr(record, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")[:4000]
    return str(record).rstrip(".")


def _unknown(name: str) -> ResolutionFailed:
    return ResolutionFailed(f"{name} could not be looked up", host=name, port=53, transient=True)
