"""Ports for servers that have to be told theirs: outside the range from which the system gives ports by itself.

A port that the system gave, and that was let go again, may be taken by any outgoing connection a moment later.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import socket

# Below every range of passing ports (Linux 32768, gVisor 16000), and without those that browsers refuse.
FIRST, EACH, SLICES = 11000, 600, 8


def _own() -> range:
    """Each process of a test run has ports of its own."""
    number = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0) % SLICES
    return range(FIRST + number * EACH, FIRST + (number + 1) * EACH)


_in_turn = itertools.cycle(random.SystemRandom().sample(_own(), EACH))


def free_port() -> int:
    """A port nobody listens on now."""
    return next(port for port in itertools.islice(_in_turn, EACH) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
