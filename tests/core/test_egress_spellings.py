"""Hundreds of spellings of addresses inside, at every way out: nobody in there hears anything."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mailsetup.core.egress import Door
from mailsetup.core.errors import EgressError
from tests.core.addresses import INSIDE, spellings
from tests.core.egress_doors import LOOPBACK, answers
from tests.core.egress_ways import REFUSALS, WAYS
from tests.fakes.proxy_server import ProxyServer


class Canary:
    """Listens on every address of this machine, and remembers that somebody came."""

    def __init__(self) -> None:
        self.visits: list[object] = []
        self.heard = threading.Event()
        if socket.has_dualstack_ipv6():
            self._listener = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
        else:
            self._listener = socket.create_server(("", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                visitor, address = self._listener.accept()
            except OSError:
                return
            self.visits.append(address)
            self.heard.set()
            visitor.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed alone, it would go on listening as long as a thread waits
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(autouse=True)
def _resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some spellings are names: here they lead inside, whatever the resolver of this machine would say, and when."""
    real = socket.getaddrinfo

    def look_up(host: str, *more: Any, **named: Any) -> Any:
        named["flags"] = socket.AI_NUMERICHOST
        try:
            return real(host, *more, **named)
        except socket.gaierror:
            assert host.rstrip(".").lower() in {*INSIDE, "localhost", "ip6-localhost"}
            return answers(host.rstrip(".") if host[0].isdigit() else "127.0.0.1")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.fixture
def canary() -> Iterator[Canary]:
    listening = Canary()
    yield listening
    listening.close()


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every address that was connected to, whether or not anybody is there."""
    found: list[object] = []
    real = socket.create_connection

    def dial(where: tuple[str, int], *more: float) -> socket.socket:
        found.append(where)
        return real(where, 5)

    monkeypatch.setattr(socket, "create_connection", dial)
    return found


def test_it_knows_three_hundred_spellings():
    assert len(spellings()) >= 300


@pytest.mark.parametrize("way", WAYS)
def test_nobody_inside_hears_anything(way, canary: Canary, dialled):
    door = Door(ports=None)
    for host in spellings():
        with pytest.raises(REFUSALS):
            WAYS[way](door, host, canary.port)
    assert (canary.visits, dialled) == ([], [])


@pytest.mark.parametrize("way", WAYS)
def test_the_canary_would_hear_it(way, canary: Canary, dialled):
    with contextlib.suppress(*REFUSALS):
        WAYS[way](Door(LOOPBACK), "127.0.0.1", canary.port)
    assert canary.heard.wait(30)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_is_not_asked_to_go_there(scheme, canary: Canary):
    with ProxyServer(scheme, canary.port) as proxy:
        url = f"{scheme}://{proxy.address}"
        door = Door(ports=None, https_proxy=url, smtp_proxy=url)
        for host in spellings():
            for way in ("smtp", "token", "lane", "signed"):
                with pytest.raises(REFUSALS):
                    WAYS[way](door, host, canary.port)
    assert (canary.visits, proxy.asked) == ([], [])


@pytest.mark.parametrize("way", WAYS)
def test_a_name_that_leads_inside_is_refused(way, canary: Canary, dialled, monkeypatch):
    """Also beside a public address, and also when only the second look-up leads inside (rebinding)."""
    lies: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers(*lies))
    addresses = [host for host in spellings() if _is_address(host)]
    for address in addresses:
        for lies[:] in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
            with pytest.raises(REFUSALS):
                WAYS[way](Door(ports=None), "mail.customer.example", canary.port)
    assert len(addresses) > 150
    assert (canary.visits, dialled) == ([], [])


def _is_address(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, UnicodeError):
            continue
        return True
    return False


def test_refusals_tell_no_open_port_from_a_closed_one(canary: Canary):
    """The words are the same whether somebody listens there or not: no map of our network."""
    said = []
    for port in (canary.port, 1, 25, 587):
        with pytest.raises(EgressError) as refused:
            Door().connect("127.0.0.1", port, 1)
        said.append(str(refused.value))
    assert len(set(said)) == 1
