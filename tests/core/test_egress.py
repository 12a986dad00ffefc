from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from mailsetup.core.egress import Door
from mailsetup.core.errors import ConnectFailed, EgressRefused, ResolutionFailed
from tests.core.egress_doors import answers, loopback_door
from tests.fakes.certificates import Authority
from tests.ports import free_port


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def resolver(monkeypatch: pytest.MonkeyPatch, *rounds: object) -> None:
    """Each look-up of a name gets the next round's answer."""
    waiting, real = list(rounds), socket.getaddrinfo

    def look_up(host: str, *more: object, **named: object) -> object:
        if host[0].isdigit():
            return real(host, *more, **named)  # type: ignore[arg-type]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "::1", "::ffff:127.0.0.1"])
def test_it_refuses_this_machine_in_every_spelling(host):
    with pytest.raises(EgressRefused):
        Door().resolve(host, 587)


def test_it_refuses_a_host_with_one_bad_address_among_good_ones(monkeypatch):
    resolver(monkeypatch, answers("8.8.8.8", "10.0.0.1"))
    with pytest.raises(EgressRefused) as refused:
        Door().resolve("mail.example.com", 587)
    assert "10.0.0.1" not in str(refused.value)


def test_it_refuses_unusual_ports_of_public_hosts(monkeypatch):
    resolver(monkeypatch, answers("8.8.8.8"))
    with pytest.raises(EgressRefused, match="port 22"):
        Door().resolve("mail.example.com", 22)
    assert Door().resolve("mail.example.com", 465) == [("8.8.8.8", 465)]


def test_it_allows_named_networks_on_any_port(listener):
    door = loopback_door()
    with door.connect("localhost", port_of(listener), 5) as connected:
        assert connected.getpeername()[1] == port_of(listener)


def test_it_connects_to_the_checked_address_and_asks_no_second_time(monkeypatch, listener: socket.socket):
    resolver(monkeypatch, answers("8.8.8.8"), answers("127.0.0.1"))
    dialled: list[object] = []

    def dial(where: object, _timeout: float) -> socket.socket:
        dialled.append(where)
        return listener

    monkeypatch.setattr(socket, "create_connection", dial)
    door = Door()
    door.connect("rebind.example.com", 587, 5, addresses=door.resolve("rebind.example.com", 587))
    assert dialled == [("8.8.8.8", 587)]


def test_it_refuses_a_name_that_turned_private_on_every_attempt(monkeypatch, listener):
    resolver(monkeypatch, answers("8.8.8.8"), answers("127.0.0.1"))
    door = Door()
    door.resolve("rebind.example.com", 587)
    with pytest.raises(EgressRefused):
        door.connect("rebind.example.com", port_of(listener), 5)
    listener.settimeout(0.05)
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), False),
        (socket.gaierror(socket.EAI_AGAIN, "again"), True),
        (socket.gaierror(socket.EAI_FAIL, "servfail"), True),
        (UnicodeError("label too long"), False),
    ],
)
def test_it_tells_no_such_name_from_a_fault(monkeypatch, error, transient):
    resolver(monkeypatch, error)
    with pytest.raises(ResolutionFailed) as failed:
        Door().resolve("mail.example.com", 587)
    assert failed.value.transient is transient


def test_it_stops_waiting_for_a_silent_resolver(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [release.wait(10)][:0])
    started = time.monotonic()
    with pytest.raises(ResolutionFailed) as failed:
        Door().resolve("mail.example.com", 587, timeout=0.1)
    release.set()
    assert failed.value.transient
    assert time.monotonic() - started < 5


def test_it_tries_the_next_address(monkeypatch, listener):
    resolver(monkeypatch, answers("127.0.0.2", "127.0.0.1"))
    with loopback_door().connect("two.example.com", port_of(listener), 5) as connected:
        assert connected.getpeername()[0] == "127.0.0.1"


def test_it_says_that_nobody_listens():
    with pytest.raises(ConnectFailed) as failed:
        loopback_door().connect("127.0.0.1", free_port(), 5)
    assert failed.value.reason == "refused"


def test_it_bounds_the_time_to_connect(monkeypatch):
    def never(_where: object, timeout: float) -> object:
        assert timeout <= 0.2
        raise TimeoutError

    resolver(monkeypatch, answers("8.8.8.8", "8.8.4.4"))
    monkeypatch.setattr(socket, "create_connection", never)
    with pytest.raises(ConnectFailed) as failed:
        Door().connect("mail.example.com", 587, 0.2)
    assert failed.value.reason == "timeout"


def test_a_trusted_door_goes_anywhere(listener):
    with Door.trusted().connect("127.0.0.1", port_of(listener), 5):
        assert Door.trusted().resolve("10.0.0.1", 22) == [("10.0.0.1", 22)]


def test_its_tls_context_verifies_and_is_built_once(tmp_path, monkeypatch):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    bundle = str(Authority(tmp_path).bundle)
    context = Door(ca_bundle=bundle).ssl_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert not getattr(context, "keylog_filename", None)
    assert context is Door(ca_bundle=bundle).ssl_context()
    assert context is not Door().ssl_context()
