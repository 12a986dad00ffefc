"""A DNS server on loopback: `zone` maps (name, kind) to records; a name it does not hold does not exist."""

from __future__ import annotations

from typing import Any

from dnslib import QTYPE, RCODE, RR, DNSError
from dnslib.server import DNSLogger, DNSServer

Zone = dict[tuple[str, str], list[str]]


class NameServer:
    """`failing` names are answered with SERVFAIL, `silent` ones not at all."""

    def __init__(self) -> None:
        self.zone: Zone = {}
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._server = DNSServer(
            self, address="127.0.0.1", port=0, logger=DNSLogger("-request,-reply,-truncated,-error")
        )
        self.port: int = self._server.server.server_address[1]

    def __enter__(self) -> NameServer:
        self._server.start_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server.shutdown()
        self._server.server.server_close()

    def clear(self) -> None:
        self.zone.clear()
        self.failing.clear()
        self.silent.clear()
        self.asked.clear()

    def has(self, text: str) -> None:
        """Adds records, one a line: name, kind, value."""
        for line in filter(None, map(str.strip, text.splitlines())):
            name, kind, value = line.split(maxsplit=2)
            self.zone.setdefault((name, kind), []).append(value)

    def resolve(self, request: Any, _handler: Any) -> Any:
        name, kind = str(request.q.qname).rstrip(".").lower(), QTYPE[request.q.qtype]
        self.asked.append((name, kind))
        reply = request.reply()
        if name in self.silent:
            raise DNSError("no answer")  # which the server takes for a packet to drop
        if name in self.failing:
            reply.header.rcode = RCODE.SERVFAIL
            return reply
        for line in self._found(name, kind):
            reply.add_answer(*RR.fromZone(line))
        if not any(held == name for held, _ in self.zone):
            reply.header.rcode = RCODE.NXDOMAIN
        return reply

    def _found(self, name: str, kind: str) -> list[str]:
        """The records as a zone file writes them; behind a CNAME, what it leads to as well."""
        found = [f"{name}. 60 IN {kind} {_quoted(kind, value)}" for value in self.zone.get((name, kind), [])]
        for alias in self.zone.get((name, "CNAME"), []) if kind != "CNAME" else []:
            found += [f"{name}. 60 IN CNAME {alias}.", *self._found(alias, kind)]
        return found


def _quoted(kind: str, value: str) -> str:
    if kind == "TXT":
        return " ".join(f'"{value[start : start + 200]}"' for start in range(0, len(value), 200))
    return f"{value.rstrip('.')}." if kind in {"MX", "CNAME", "SRV"} else value
