"""Worker processes that die where a test wants them to."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from mailsetup.core import db, queues, stopping
from mailsetup.outbox.drain import Drain


def forked(work: Callable[[], object]) -> int:
    """Runs `work` in a child process and returns its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        db.engine().dispose(close=False)
        queues.forget_connections()
        work()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def drain() -> None:
    """What a worker does, without RQ around it."""
    stopping.listen(signal.SIGUSR1)
    Drain(2, slice_seconds=20).run()


def drain_and_tell_of_the_request(told: int) -> None:
    """A drain that closes the pipe `told` as soon as it has noticed that it should stop."""

    def tell() -> None:
        stopping.wait(30)
        os.close(told)

    threading.Thread(target=tell, daemon=True).start()
    drain()


def ended(child: int) -> int:
    """Waits for the child; its exit code, or the negative number of the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def dies(_lane: Any, *_arguments: Any) -> None:
    """A step that the process does not survive."""
    os.kill(os.getpid(), signal.SIGKILL)


def dies_after(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step, and then the end of the process."""

    def wrapped(*arguments: Any) -> None:
        step(*arguments)
        dies(None)

    return wrapped


def crash(monkeypatch: pytest.MonkeyPatch, target: Any, name: str, step: Callable[..., Any]) -> None:
    """A worker that runs into `step` and is killed by it."""
    with monkeypatch.context() as patched:
        patched.setattr(target, name, step)
        assert ended(forked(drain)) == -signal.SIGKILL
