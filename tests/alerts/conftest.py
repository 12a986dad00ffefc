"""The operator's mail server, and alerts to tell about."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.open import open_alert, resolve_alerts
from mailsetup.core.redact import Secret
from mailsetup.settings import Settings
from mailsetup.workspaces.models import Workspace
from tests.factories import make_workspace
from tests.ports import free_port

STEPS = ["Open https://entra.microsoft.com and go to App registrations.", "Make a new client secret."]


class Sink:
    """Takes every mail and remembers it; `refusal` is answered instead when it is set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refusal = ""
        self.refuse_only = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if self.refusal:
            return self.refusal
        if address == self.refuse_only:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.recipients += envelope.rcpt_tos
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@pytest.fixture
def sink_port() -> int:
    return free_port()


@pytest.fixture
def settings_changes(sink_port: int) -> dict[str, Any]:
    return {"operator_smtp_url": Secret(f"smtp://127.0.0.1:{sink_port}?tls=none")}


@pytest.fixture
def sink(sink_port: int) -> Iterator[Sink]:
    handler = Sink()
    controller = Controller(handler, hostname="127.0.0.1", port=sink_port, ready_timeout=60)
    controller.start()
    yield handler
    controller.stop()


def facts_of_stop(workspace: Workspace | None, **changes: Any) -> dict[str, Any]:
    """What a setup says when its mail stops."""
    facts: dict[str, Any] = {
        "workspace_id": workspace.id if workspace else None,
        "subject_key": "outbound:1",
        "subject_label": "Invoices",
        "cause": "mail_stopped",
        "title": "Mail through “Invoices” has stopped: The client secret has expired",
        "explanation": {
            "title": "The client secret has expired",
            "explanation": "Microsoft refused to sign in.",
            "steps": STEPS,
            "who": "Your Microsoft admin",
            "quote": "AADSTS7000222: the keys are expired.",
        },
        "fix_path": "/outbound/1",
        "notify_address": "it@northwind.example",
        "waiting": 12,
    }
    return {**facts, **changes}


def stopped(session: Session, workspace: Workspace | None, **changes: Any) -> Alert:
    """Opens the alert that a setup raises when its mail stops."""
    alert = open_alert(session, **facts_of_stop(workspace, **changes))
    session.commit()
    return alert


def solved(session: Session, workspace: Workspace, *, waiting: int = 12) -> list[Alert]:
    """Ends that alert, as a passed test does."""
    alerts = resolve_alerts(
        session,
        workspace_id=workspace.id,
        subject_key="outbound:1",
        resolution="A test passed with the saved values.",
        waiting=waiting,
    )
    session.commit()
    return alerts


@pytest.fixture
def workspace(settings: Settings, session: Session) -> Workspace:
    return make_workspace(session)


def all_notices(session: Session) -> list[AlertNotice]:
    """Every notice in the order it was written, as it is now."""
    session.expire_all()
    return list(session.scalars(select(AlertNotice).order_by(AlertNotice.created_at, AlertNotice.id)))


def outcomes(session: Session) -> list[tuple[str, str, str]]:
    """What became of each notice: event, address, state."""
    found = [(notice.event, notice.target, notice.state) for notice in all_notices(session)]
    session.commit()
    return found
