"""What one of our processes does about its parent, its folder lock and its place on the machine."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import signal
import tempfile
from pathlib import Path

from mailsetup.core.errors import MailsetupError

PR_SET_PDEATHSIG = 1
# sun_path holds 108 bytes with its closing zero (unix(7)).
SOCKET_PATH_LIMIT = 107


class NotOurs(MailsetupError):
    """A folder we would work in belongs to another user of the machine."""


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


def socket_path(folder: Path, name: str, *, limit: int = SOCKET_PATH_LIMIT) -> Path:
    """Where a unix socket of this folder lives: inside it, or in a short private folder when the path is too long."""
    path = folder.resolve() / name
    if len(os.fsencode(path)) <= limit:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mailsetup-{os.getuid()}-{digest}" / name


def private_folder(folder: Path) -> None:
    """Makes the folder for us alone. Raises NotOurs when it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise NotOurs(f"The folder {folder} belongs to someone else; remove it or choose another one.")
