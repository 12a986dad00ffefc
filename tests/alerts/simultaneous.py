"""Many threads that begin at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def all_at_once(count: int, act: Callable[[int], object]) -> None:
    """Runs `act` in this many threads at the same time; raises what one of them raised."""
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait()
        act(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, range(count)))
