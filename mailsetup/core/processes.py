"""What one of our processes does about its parent, its folder lock and its place on the machine."""

from __future__ import annotations

import ctypes
import fcntl
import os
import signal
from pathlib import Path

PR_SET_PDEATHSIG = 1


def _c_library() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "prctl") else None


# Looked up once and early: between fork and exec nothing may be imported or allocated that takes a lock.
_LIBC = _c_library()


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Asks Linux to send this process `number` when its parent ends; elsewhere does nothing (prctl(2))."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def lock_file(path: Path) -> int | None:
    """An exclusive lock on this file for as long as the returned descriptor lives; None when it is taken (flock(2))."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
