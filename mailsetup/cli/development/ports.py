"""Free ports on this machine: the usual ones where they are free, else the next."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from mailsetup.cli.development.folder import CannotStart, read_json

WEB = "web"
USUAL = {
    WEB: 8000,
    "sandbox_http": 8100,
    "sandbox_https": 8143,
    "outlook_smtp": 8587,
    "smtp_starttls": 2587,
    "smtp_tls": 2465,
    "smtp_plain": 2525,
    "operator_smtp": 2526,
}
TRIES = 100


def pick(remembered_in: Path, *, web: int, say: Callable[[str], None]) -> dict[str, int]:
    """A free port for each name. The sandbox's are remembered, as saved setups point to them; `say` hears of moves."""
    wishes = {**USUAL, **_remembered(remembered_in), WEB: web}
    ports: dict[str, int] = {}
    for name, wish in wishes.items():
        ports[name] = _first_free(wish, taken=set(ports.values()))
    if ports[WEB] != web:
        say(f"Port {web} is taken; using {ports[WEB]} instead.")
    moved = [f"{wishes[name]} -> {port}" for name, port in ports.items() if name != WEB and port != wishes[name]]
    if moved:
        say(f"Ports of the sandbox are taken; using others: {', '.join(moved)}.")
    remembered_in.write_text(json.dumps(ports))
    return ports


def loopback_addresses() -> tuple[str, ...]:
    """127.0.0.1, and ::1 where the machine has it: browsers may try either for localhost."""
    return ("127.0.0.1", "::1") if _can_bind("::1", 0) else ("127.0.0.1",)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of every loopback address."""
    return all(_can_bind(address, port) for address in loopback_addresses())


def _remembered(path: Path) -> Mapping[str, int]:
    return {name: port for name, port in read_json(path).items() if name in USUAL and isinstance(port, int)}


def _first_free(wish: int, *, taken: set[int]) -> int:
    for port in range(wish, min(wish + TRIES, 65536)):
        if port not in taken and is_free(port):
            return port
    raise CannotStart(f"No port from {wish} to {wish + TRIES - 1} is free; name another: make run PORT=...")


def _can_bind(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # As servers do: a port that only lingers in TIME_WAIT is free, one that is listened on is not.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            probe.listen(1)
    except OSError:
        return False
    return True
