"""A proxy on loopback that speaks HTTP CONNECT or SOCKS5, and remembers what it was asked for."""

from __future__ import annotations

import socket
import struct
import threading


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
            head += client.recv(1)
        lines = head.decode().split("\r\n")
        self.asked.append(lines[0].split()[1])
        self.logins += [line for line in lines if line.startswith("Proxy-Authorization")]
        if self.login and not any(line.endswith(self.login) for line in self.logins):
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return False
        client.sendall(b"HTTP/1.1 403 No\r\n\r\n" if self.refuse else b"HTTP/1.1 200 OK\r\n\r\n")
        return not self.refuse

    def _socks(self, client: socket.socket) -> bool:
        methods = client.recv(2)[1]
        offered = client.recv(methods)
        if 2 in offered:
            client.sendall(b"\x05\x02")
            _version, length = client.recv(2)
            name = client.recv(length)
            self.logins.append(f"{name.decode()}:{client.recv(client.recv(1)[0]).decode()}")
            client.sendall(b"\x01\x00")
        else:
            client.sendall(b"\x05\x00")
        kind = client.recv(4)[3]
        host = socket.inet_ntoa(client.recv(4)) if kind == 1 else client.recv(client.recv(1)[0]).decode()
        self.asked.append(f"{host}:{struct.unpack('!H', client.recv(2))[0]}")
        client.sendall(b"\x05" + (b"\x02" if self.refuse else b"\x00") + b"\x00\x01\x00\x00\x00\x00\x00\x00")
        return not self.refuse

    def __enter__(self) -> ProxyServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
