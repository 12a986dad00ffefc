from __future__ import annotations

import base64
import socket

import pytest

from mailsetup.core.egress import Door
from mailsetup.core.egress_proxy import parse
from mailsetup.core.errors import ConnectFailed, EgressRefused, SettingsError
from tests.core.egress_doors import answers
from tests.fakes.proxy_server import ProxyServer
from tests.fakes.smtp_server import smtp_server


@pytest.fixture
def mail_server():
    with smtp_server() as server:
        yield server


@pytest.fixture
def _public(monkeypatch):
    real = socket.getaddrinfo

    def look_up(host, *more, **named):
        return answers("8.8.8.8") if host == "mail.example.com" else real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.usefixtures("_public")
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_it_goes_through_the_proxy_to_the_checked_address(scheme, mail_server):
    with ProxyServer(scheme, mail_server.port) as proxy:
        door = Door(smtp_proxy=f"{scheme}://me:p%40ss@{proxy.address}")
        with door.connect("mail.example.com", 587, 5) as connected:
            assert connected.recv(3) == b"220"
    assert proxy.asked == ["8.8.8.8:587"]
    login = base64.b64encode(b"me:p@ss").decode()
    assert proxy.logins == ([f"Proxy-Authorization: Basic {login}"] if scheme == "http" else ["me:p@ss"])


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_it_says_when_the_proxy_refuses(scheme):
    with ProxyServer(scheme, 1, refuse=True) as proxy:
        door = Door(smtp_proxy=f"{scheme}://{proxy.address}")
        with pytest.raises(ConnectFailed) as failed:
            door.connect("8.8.8.8", 587, 5)
    assert failed.value.reason == "proxy"


def test_it_checks_the_target_also_with_a_proxy():
    with ProxyServer("http", 1) as proxy, pytest.raises(EgressRefused):
        Door(smtp_proxy=f"http://{proxy.address}").connect("10.0.0.1", 587, 5)
    assert proxy.asked == []


def test_it_lets_the_web_proxy_look_up_microsoft(mail_server):
    with ProxyServer("http", mail_server.port) as proxy:
        door = Door(https_proxy=f"http://{proxy.address}")
        door.connect("login.microsoftonline.com", 443, 5, web=True).close()
    assert proxy.asked == ["login.microsoftonline.com:443"]


def test_mail_does_not_use_the_web_proxy():
    door = Door(https_proxy="http://127.0.0.1:1")
    with pytest.raises(EgressRefused):
        door.resolve("127.0.0.1", 587)


@pytest.mark.parametrize("url", ["ftp://proxy:1", "proxy.example.com:8080", "http://", "http://proxy:99999"])
def test_it_refuses_a_proxy_it_cannot_use(url):
    with pytest.raises(SettingsError, match="A proxy is written like"):
        parse(url)


def test_it_hides_the_proxys_password():
    assert "hush" not in repr(parse("http://me:hush@proxy:8080"))
