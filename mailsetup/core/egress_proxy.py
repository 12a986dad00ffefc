"""Tunnels through the operator's own proxy: HTTP CONNECT (RFC 9110 9.3.6) and SOCKS5 (RFC 1928, RFC 1929)."""

from __future__ import annotations

import base64
import socket
import struct
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from mailsetup.core.errors import SettingsError

_HEAD_LIMIT = 8192
_DEFAULT_PORTS = {"http": 8080, "socks5": 1080, "socks5h": 1080}


class ProxyRefused(OSError):
    """The proxy would not open the tunnel."""


@dataclass(frozen=True)
class Proxy:
    """A proxy out of its URL."""

    scheme: str
    host: str
    port: int
    username: str = ""
    password: str = field(default="", repr=False)


def parse(url: str | None) -> Proxy | None:
    """The proxy a setting names, or none. Raises SettingsError."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise SettingsError("A proxy is written like http://proxy.example.com:8080") from error
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise SettingsError("A proxy is written like http://proxy.example.com:8080 or socks5://proxy.example.com:1080")
    return Proxy(parts.scheme, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))


def tunnel(proxy: Proxy, host: str, port: int, timeout: float) -> socket.socket:
    """A socket that reaches host and port through the proxy. Raises OSError, ProxyRefused among them."""
    deadline = time.monotonic() + timeout
    try:
        connected = socket.create_connection((proxy.host, proxy.port), timeout)
    except OSError as error:
        raise ProxyRefused("the proxy does not answer") from error
    with ExitStack() as unless_through:
        unless_through.callback(connected.close)
        line = _Line(connected, deadline)
        if proxy.scheme == "http":
            _http_connect(line, proxy, host, port)
        else:
            _socks5(line, proxy, host, port)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unless_through.pop_all()
    return connected


class _Line:
    """Reads and writes within one deadline, and never a byte too far."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket = connected
        self._deadline = deadline

    def _bound(self) -> None:
        self._socket.settimeout(max(self._deadline - time.monotonic(), 0.001))

    def send(self, data: bytes) -> None:
        self._bound()
        self._socket.sendall(data)

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            self._bound()
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise ProxyRefused("the proxy closed the connection")
            data += piece
        return data

    def head(self) -> bytes:
        """An HTTP head, byte by byte: what follows it belongs to the tunnel."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += self.read(1)
            if len(data) > _HEAD_LIMIT:
                raise ProxyRefused("the proxy's answer is too long")
        return data


def _http_connect(line: _Line, proxy: Proxy, host: str, port: int) -> None:
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.username:
        login = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {login}")
    line.send(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    status = line.head().split(b"\r\n", 1)[0].split(b" ")
    if status[1:2] == [b"407"]:
        raise ProxyRefused("the proxy did not take the user name and password")
    if len(status) < 2 or not status[1].startswith(b"2"):
        raise ProxyRefused("the proxy refused the connection")


def _socks5(line: _Line, proxy: Proxy, host: str, port: int) -> None:
    line.send(b"\x05\x02\x00\x02" if proxy.username else b"\x05\x01\x00")
    version, method = line.read(2)
    if version != 5 or method not in {0, 2}:
        raise ProxyRefused("the proxy offers no way to sign in that we know")
    if method == 2:
        _socks5_login(line, proxy)
    line.send(b"\x05\x01\x00" + _socks5_target(host) + struct.pack("!H", port))
    _version, status, _reserved, kind = line.read(4)
    if status != 0:
        raise ProxyRefused("the proxy refused the connection")
    line.read({1: 4, 4: 16}.get(kind) or line.read(1)[0])
    line.read(2)


def _socks5_login(line: _Line, proxy: Proxy) -> None:
    name, password = proxy.username.encode()[:255], proxy.password.encode()[:255]
    line.send(b"\x01" + bytes([len(name)]) + name + bytes([len(password)]) + password)
    if line.read(2)[1] != 0:
        raise ProxyRefused("the proxy did not take the user name and password")


def _socks5_target(host: str) -> bytes:
    try:
        address = ip_address(host)
    except ValueError:
        name = host.encode("idna")
        return b"\x03" + bytes([len(name)]) + name
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed
