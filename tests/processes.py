"""What tests ask about other processes: whether they live, and to be told when something has come true."""

import time
from collections.abc import Callable
from pathlib import Path


def until(condition: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Waits for the condition and fails when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what the test waits for did not come true"
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Whether the process runs; one that has ended and only waits to be reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
