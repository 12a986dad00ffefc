"""The process manager (Supervisor) as `make run` drives it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable
from typing import Any, NamedTuple

from supervisor.xmlrpc import SupervisorTransport

from mailsetup.cli.development.folder import ROOT, CannotStart, Folder
from mailsetup.cli.development.programs import Program, configuration
from mailsetup.core.processes import SOCKET_PATH_LIMIT, die_with_parent, private_folder, socket_path

# Supervisor first binds a name with its process id behind it.
SOCKET_LIMIT = SOCKET_PATH_LIMIT - 12
READY_SECONDS = 20.0
POLL_SECONDS = 0.02


class State(NamedTuple):
    """How one process is doing, in Supervisor's words."""

    name: str
    word: str
    process: int
    why: str


class Supervision:
    """One Supervisor and the processes under it."""

    def __init__(self, folder: Folder, programs: list[Program]) -> None:
        self.folder = folder
        self.programs = programs
        self.socket = socket_path(folder.path, "supervisor.sock", limit=SOCKET_LIMIT)
        self.process: subprocess.Popen[bytes] | None = None
        self._calls = xmlrpc.client.ServerProxy(
            "http://localhost", transport=SupervisorTransport(None, None, f"unix://{self.socket}")
        )

    def start(self, lock: int) -> None:
        """Starts it, with the folder's lock: a second start is refused until the last process has gone."""
        private_folder(self.socket.parent)
        file = self.folder.path / "supervisord.conf"
        file.write_text(configuration(self.folder, self.socket, self.programs), encoding="utf-8")
        with (self.folder.logs / "supervisord.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(file)],
                env={**os.environ, "MAILSETUP_ENV": "development"},
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lock,),
                # Ctrl-C is for us alone; when we are killed, it stops everything in order.
                start_new_session=True,
                preexec_fn=_end_in_order_with_parent,  # noqa: PLW1509 - one system call, looked up beforehand
            )
        self.wait_for(self._answers, "The process manager")

    def begin(self, name: str) -> None:
        """Starts a process, or a whole group by `group:*`, without waiting for it."""
        if name.endswith(":*"):
            self._calls.supervisor.startProcessGroup(name.removesuffix(":*"), False)
        else:
            self._calls.supervisor.startProcess(name, False)

    def states(self) -> list[State]:
        """How every process is doing; empty when Supervisor itself does not answer."""
        try:
            answers: Any = self._calls.supervisor.getAllProcessInfo()
        except (OSError, xmlrpc.client.Error):
            return []
        return [State(one["name"], one["statename"], one["pid"], one["spawnerr"]) for one in answers]

    def alive(self) -> bool:
        """Whether Supervisor still runs."""
        return self.process is not None and self.process.poll() is None

    def wait_for(self, ready: Callable[[], bool], what: str, *, seconds: float = READY_SECONDS) -> None:
        """Waits until `ready`. Raises CannotStart naming `what` when it takes too long or everything ended."""
        deadline = time.monotonic() + seconds
        while not ready():
            if not self.alive() or time.monotonic() > deadline:
                raise CannotStart(f"{what} did not start within {seconds:.0f} s; the reason is in {self.folder.logs}.")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Asks for the end, in order, each within its grace; returns when nothing is left."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._tidy()

    def kill(self) -> None:
        """Ends everything at once: the processes die with their parent."""
        others = [state.process for state in self.states() if state.process]
        if self.process is not None:
            self.process.kill()
        for process in others:
            _kill_group(process)

    def _answers(self) -> bool:
        return self.socket.exists() and bool(self.states())

    def _tidy(self) -> None:
        self.socket.unlink(missing_ok=True)
        if self.socket.parent != self.folder.path:
            shutil.rmtree(self.socket.parent, ignore_errors=True)


def _end_in_order_with_parent() -> None:
    die_with_parent(signal.SIGTERM)


def _kill_group(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:
        return
