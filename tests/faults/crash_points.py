"""Named places where a worker process dies of SIGKILL, on its way from the queue to the mail server and back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from mailsetup.cli.worker import QueueWorker
from mailsetup.mail_services.graph_drafts import Drafts
from mailsetup.mail_services.graph_service import GraphService
from mailsetup.mail_services.smtp_service import SMTPService
from mailsetup.mail_services.smtp_wire import Wire
from mailsetup.outbox import claim
from mailsetup.outbox.deliver import Lane
from mailsetup.outbox.journal import Journal
from tests.outbox.children import drain, ended, forked

END_OF_MAIL = b"\r\n.\r\n"
Step = Callable[..., Any]


def die() -> None:
    """The end of this process, as the kernel's memory killer or a power switch brings it."""
    os.kill(os.getpid(), signal.SIGKILL)


def _before(step: Step) -> Step:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        die()
        return step(*arguments, **named)

    return wrapped


def _after(step: Step) -> Step:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = step(*arguments, **named)
        die()
        return result

    return wrapped


def _mid_data(send: Step) -> Step:
    def wrapped(wire: Wire, data: bytes) -> None:
        whole = not data.endswith(END_OF_MAIL)
        send(wire, data if whole else data[: len(data) // 2])
        if not whole:
            die()

    return wrapped


def _after_dot(send: Step) -> Step:
    def wrapped(wire: Wire, data: bytes) -> None:
        send(wire, data)
        if data.endswith(END_OF_MAIL):
            die()

    return wrapped


POINTS: dict[str, tuple[Any, str, Callable[[Step], Step]]] = {
    "before_claim": (claim, "claim", _before),
    "in_claim": (claim, "claim", _after),
    "after_claim": (Lane, "_claim", _after),
    "before_the_wire": (SMTPService, "deliver", _before),
    "mid_data": (Wire, "send", _mid_data),
    "after_dot": (Wire, "send", _after_dot),
    "after_reply": (SMTPService, "deliver", _after),
    "after_the_journal": (Journal, "accepted", _after),
    "after_graph_202": (GraphService, "deliver", _after),
    "after_the_draft": (Drafts, "create", _after),
    "after_pop": (QueueWorker, "execute_job", _before),
}


def arm(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Whoever reaches this point from now on dies there."""
    target, name, wrap = POINTS[point]
    monkeypatch.setattr(target, name, wrap(getattr(target, name)))


def crash_at(point: str, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object] = drain) -> None:
    """A worker in a child process that dies at this point; the point is passed again afterwards."""
    with monkeypatch.context() as patched:
        arm(patched, point)
        assert ended(forked(work)) == -signal.SIGKILL, f"nobody came to {point}"
