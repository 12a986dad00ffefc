"""Whether this process was asked to end: long jobs look here between two mails."""

from __future__ import annotations

import signal
import threading
from types import FrameType

STOP_SIGNAL = signal.SIGUSR1
_asked = threading.Event()


def requested() -> bool:
    """Whether to finish what is at hand and take nothing new."""
    return _asked.is_set()


def request(_signal: int = 0, _frame: FrameType | None = None) -> None:
    """Asks this process to end soon; fit to be a signal handler."""
    _asked.set()


def wait(seconds: float) -> bool:
    """Waits, but not past a request to stop; True when asked."""
    return _asked.wait(seconds)


def listen(*signals: int) -> None:
    """Makes these signals ask for a stop."""
    _asked.clear()
    for number in signals:
        signal.signal(number, request)
