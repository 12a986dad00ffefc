"""The web half of the sandbox: one application on an http and an https port."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from mailsetup.sandbox import (
    authorize,
    graph,
    graph_drafts,
    graph_reading,
    metadata,
    pages,
    sign_in,
    token_endpoint,
    world_pages,
)
from mailsetup.sandbox.state import State, state

_ROOT = Path(__file__).resolve().parents[2]
_GRAPH_PATHS = ("/v1.0/", "/api/gv1.0/")
_OWN_PAGES = ("pages.", "world.", "static")


def make_app(shared: State) -> Flask:
    """The application of one sandbox."""
    app = Flask(__name__, template_folder=str(_ROOT / "templates"), static_folder=str(_ROOT / "static"))
    app.secret_key = shared.cookie_key
    app.json = DefaultJSONProvider(app)
    app.json.sort_keys = False  # members in Microsoft's order
    app.config.update(SESSION_COOKIE_NAME="sandbox_session", SESSION_COOKIE_SAMESITE="Lax")
    app.extensions["sandbox"] = shared
    for part in (metadata, token_endpoint, authorize, sign_in, graph_drafts, graph_reading, graph, pages, world_pages):
        app.register_blueprint(part.bp)
    app.before_request(_refuse_foreign_forms)
    app.after_request(_note)
    return app


def _refuse_foreign_forms() -> None:
    """Only this machine by its own name, and no form from another site, changes the sandbox."""
    if request.host.split(":")[0] not in {"localhost", "127.0.0.1"}:
        abort(403)
    origin = request.headers.get("Origin")
    changes = request.method == "POST" and not _is_machine(request.path)
    if changes and origin is not None and origin != request.host_url.rstrip("/"):
        abort(403)


def _is_machine(path: str) -> bool:
    return path.endswith("/oauth2/v2.0/token") or path.startswith(_GRAPH_PATHS)


def _note(response: Response) -> Response:
    """Notes what came from outside; the sandbox's own pages are not worth a line."""
    if not (request.endpoint or "").startswith(_OWN_PAGES) and request.path != "/favicon.ico":
        door = "Graph" if request.path.startswith(_GRAPH_PATHS) else "Sign-in"
        answer = f"{response.status_code} {_gist(response)}".strip()
        asked = f"{request.method} {request.path}"
        details = {name: str(value) for name, value in request.values.items()}
        state().requests.add(door, asked, answer, details, failed=response.status_code >= 400)
    return response


def _gist(response: Response) -> str:
    """What an error answer says; a good answer may hold tokens and is not quoted."""
    body: Any = response.get_json(silent=True) if response.is_json and response.status_code >= 400 else None
    if not isinstance(body, dict):
        return ""
    error = body.get("error")
    if isinstance(error, dict):
        return f"{error.get('code', '')} {error.get('message', '')}"
    return str(body.get("error_description", ""))


class _Handler(WSGIRequestHandler):
    """Writes no access log: the requests page has it."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


class WebServers:
    """The http and the https server, each in a thread, a thread for each connection."""

    def __init__(self, shared: State, tls: ssl.SSLContext) -> None:
        app = make_app(shared)
        ports = shared.addresses
        self._servers = [_listen(app, ports.http_port), _listen(app, ports.https_port)]
        _encrypt(self._servers[1], tls)
        ports.http_port, ports.https_port = (server.port for server in self._servers)
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), name="sandbox-web", daemon=True)
            for server in self._servers
        ]

    def open(self) -> None:
        """Begins to answer."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Stops answering and frees the ports."""
        for server, thread in zip(self._servers, self._threads, strict=True):
            if thread.is_alive():
                server.shutdown()
                thread.join(timeout=10)
            server.server_close()


def _listen(app: Flask, port: int) -> BaseWSGIServer:
    # Werkzeug ends the process when a port is taken; a socket of our own raises OSError instead.
    with socket.create_server(("127.0.0.1", port)) as listening:
        descriptor, taken = listening.fileno(), listening.getsockname()[1]
        return make_server("127.0.0.1", taken, app, threaded=True, request_handler=_Handler, fd=descriptor)


def _encrypt(server: BaseWSGIServer, tls: ssl.SSLContext) -> None:
    """The handshake is left to the connection's own thread, so that a silent client blocks nobody."""
    server.ssl_context = tls
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
