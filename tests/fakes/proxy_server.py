"""A proxy on loopback that speaks HTTP CONNECT or SOCKS5, and remembers what it was asked for."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress


class ProxyServer:
    """Connects every request to `target`, whatever was asked for."""

    def __init__(self, scheme: str, target: int, *, refuse: bool = False, login: str = "") -> None:
        self.scheme, self.target, self.refuse, self.login = scheme, target, refuse, login
        self.asked: list[str] = []
        self.logins: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, Gone):
            self._lead(client)

    def _lead(self, client: socket.socket) -> None:
        taken = self._http(client) if self.scheme == "http" else self._socks(client)
        if not taken:
            client.close()
            return
        server = socket.create_connection(("127.0.0.1", self.target))
        for source, sink in ((client, server), (server, client)):
            threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    def _http(self, client: socket.socket) -> bool:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _read(client, 1)
        lines = head.decode().split("\r\n")
        self.asked.append(lines[0].split()[1])
        self.logins += [line for line in lines if line.startswith("Proxy-Authorization")]
        if self.login and not any(line.endswith(self.login) for line in self.logins):
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return False
        client.sendall(b"HTTP/1.1 403 No\r\n\r\n" if self.refuse else b"HTTP/1.1 200 OK\r\n\r\n")
        return not self.refuse

    def _socks(self, client: socket.socket) -> bool:
        offered = _read(client, _read(client, 2)[1])
        if 2 in offered:
            client.sendall(b"\x05\x02")
            name = _read(client, _read(client, 2)[1])
            self.logins.append(f"{name.decode()}:{_read(client, _read(client, 1)[0]).decode()}")
            client.sendall(b"\x01\x00")
        else:
            client.sendall(b"\x05\x00")
        named = _read(client, 4)[3] != 1
        host = _read(client, _read(client, 1)[0]).decode() if named else socket.inet_ntoa(_read(client, 4))
        self.asked.append(f"{host}:{struct.unpack('!H', _read(client, 2))[0]}")
        client.sendall(b"\x05" + (b"\x02" if self.refuse else b"\x00") + b"\x00\x01\x00\x00\x00\x00\x00\x00")
        return not self.refuse

    def __enter__(self) -> ProxyServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # closed alone, it would go on listening as long as a thread waits in accept()
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Gone(Exception):
    """The client hung up in the middle of what it said."""


def _read(client: socket.socket, count: int) -> bytes:
    """So many bytes, however they come. Raises Gone."""
    found = client.recv(count, socket.MSG_WAITALL)
    if len(found) < count:
        raise Gone
    return found


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
