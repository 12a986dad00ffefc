"""What every part of one sandbox shares."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from flask import current_app

from mailsetup.sandbox import certificates
from mailsetup.sandbox.requests import Requests
from mailsetup.sandbox.store import Store
from mailsetup.sandbox.switches import Switchboard
from mailsetup.sandbox.world import World


@dataclass
class Addresses:
    """Where the sandbox listens."""

    http_port: int = 0
    https_port: int = 0
    outlook_smtp: int = 0
    smtp_starttls: int = 0
    smtp_tls: int = 0
    smtp_plain: int = 0
    operator_smtp: int = 0

    @property
    def login_url(self) -> str:
        """The root of the sign-in service for machines."""
        return f"https://localhost:{self.https_port}"

    @property
    def graph_url(self) -> str:
        """The root of Graph."""
        return f"https://localhost:{self.https_port}"

    @property
    def pages_url(self) -> str:
        """The root of the pages a person opens."""
        return f"http://localhost:{self.http_port}"


class Crowd:
    """Counts who is inside at the same moment, by name."""

    def __init__(self) -> None:
        self._inside: Counter[object] = Counter()
        self._lock = threading.Lock()

    def enter(self, who: object) -> int:
        """Goes in; tells how many are now inside under this name."""
        with self._lock:
            self._inside[who] += 1
            return self._inside[who]

    def leave(self, who: object) -> None:
        """Goes out again."""
        with self._lock:
            self._inside[who] -= 1

    @contextmanager
    def visit(self, who: object) -> Iterator[int]:
        """Inside for the length of a block."""
        number = self.enter(who)
        try:
            yield number
        finally:
            self.leave(who)


@dataclass
class State:
    """The store, the world, the switches, the requests, the token key and the addresses of one sandbox."""

    store: Store
    world: World
    switches: Switchboard
    requests: Requests
    token_key: rsa.RSAPrivateKey
    cookie_key: str
    addresses: Addresses = field(default_factory=Addresses)
    token_lifetime: float = 4200
    latency: float = 0
    crowd: Crowd = field(default_factory=Crowd)


def open_state(folder: Path) -> State:
    """The state kept in a folder, made at the first start."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates.prepare(folder)
    store = Store(folder / "sandbox.db")
    cookie_key = store.get("world", "cookie-key") or secrets.token_urlsafe(32)
    store.put("world", "cookie-key", cookie_key)
    return State(store, World(store), Switchboard(store), Requests(), certificates.token_key(folder), cookie_key)


def state() -> State:
    """The state of the sandbox whose page or answer is being made."""
    found = current_app.extensions["sandbox"]
    if not isinstance(found, State):
        raise TypeError("this is no application of a sandbox")
    return found
