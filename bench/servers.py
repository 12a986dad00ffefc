"""Servers that cost little, for the client's side to be what is measured."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable


def listen() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=512)


def accept_all(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        connected, _ = listener.accept()
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_quietly, args=(serve, connected), daemon=True).start()


def _quietly(serve: Callable[[socket.socket], None], connected: socket.socket) -> None:
    try:
        serve(connected)
    except OSError:
        pass
    finally:
        connected.close()


def smtp(listener: socket.socket, context: ssl.SSLContext | None = None, latency: float = 0.0) -> None:
    """SMTP with PIPELINING; STARTTLS and AUTH PLAIN where there is a context; `latency` before each 250 of a mail."""

    def serve(connected: socket.socket) -> None:
        connected.sendall(b"220 sink\r\n")
        features = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n"
        file = connected.makefile("rb")
        while line := file.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                secure = isinstance(connected, ssl.SSLSocket)
                connected.sendall(features + (b"250 AUTH PLAIN\r\n" if secure or not context else b"250 STARTTLS\r\n"))
            elif verb == b"STAR" and context:
                connected.sendall(b"220 go\r\n")
                connected = context.wrap_socket(connected, server_side=True)
                file = connected.makefile("rb")
            elif verb == b"DATA":
                connected.sendall(b"354 go\r\n")
                while file.readline() not in {b".\r\n", b""}:
                    pass
                if latency:
                    time.sleep(latency)
                connected.sendall(b"250 2.0.0 ok\r\n")
            elif verb == b"QUIT":
                connected.sendall(b"221 bye\r\n")
                return
            else:
                connected.sendall(b"235 ok\r\n" if verb == b"AUTH" else b"250 ok\r\n")

    accept_all(listener, serve)


def delaying_proxy(listener: socket.socket, target: int, one_way: float) -> None:
    """Carries bytes both ways, each piece later by `one_way` seconds."""

    def serve(client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", target))
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=carry, args=(server, client), daemon=True)
        back.start()
        carry(client, server)
        back.join()

    def carry(source: socket.socket, sink: socket.socket) -> None:
        pieces: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=deliver, args=(pieces, sink), daemon=True).start()
        while piece := source.recv(65536):
            pieces.put((time.monotonic() + one_way, piece))
        pieces.put((time.monotonic() + one_way, b""))

    def deliver(pieces: queue.SimpleQueue[tuple[float, bytes]], sink: socket.socket) -> None:
        while True:
            due, piece = pieces.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(piece)

    accept_all(listener, serve)
