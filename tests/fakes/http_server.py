"""A scripted HTTPS server on loopback: answers are functions of the request."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


@dataclass
class Answer:
    """What goes back; `hang_up` closes without a word, `cut` announces more than it sends."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False
    cut: int = 0

    @classmethod
    def json(cls, data: Any, status: int = 200, **headers: str) -> Answer:
        return cls(status, json.dumps(data).encode(), {"Content-Type": "application/json", **headers})


class HTTPServer:
    """`answer` decides; `requests` and `connections` remember."""

    def __init__(self, context: ssl.SSLContext | None, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.requests: list[Asked] = []
        self.connections = 0
        self._server = Server(("127.0.0.1", 0), _handler(self))
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://localhost:{self.port}"

    def __enter__(self) -> HTTPServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(server: HTTPServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            server.connections += 1
            super().setup()

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, self.path, dict(self.headers.items()), body)
            server.requests.append(asked)
            _give(self, server.answer(asked))

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _give(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
    if answer.hang_up:
        handler.close_connection = True
        return
    handler.send_response_only(answer.status)
    for name, value in {"Content-Length": str(len(answer.body) + answer.cut), **answer.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(answer.body)
    handler.close_connection = handler.close_connection or bool(answer.cut)


class Server(ThreadingHTTPServer):
    """Quiet about clients that hang up."""

    daemon_threads = True
    request_queue_size = 128  # the usual 5 are full for a moment when many threads come at once

    def handle_error(self, *_: Any) -> None:
        pass
