"""Rows for tests, made through the product's own actions where there are any; each is committed."""

from __future__ import annotations

import itertools
import secrets
import uuid
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import create_credential
from mailsetup.outbound.mailboxes import settle_keys
from mailsetup.outbound.models import HEALTHY, OutboundConfig
from mailsetup.outbox.models import Message
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.members import add_member, create_workspace
from mailsetup.workspaces.models import Member, User, Workspace
from mailsetup.workspaces.sign_in import create_user

PASSWORD = secrets.token_urlsafe(18)
_numbers = itertools.count(1)


def make_user(session: Session, *, name: str = "Dana", email: str = "", password: str = PASSWORD) -> User:
    """A person in no workspace."""
    email = email or f"person{next(_numbers)}@northwind.example"
    user = create_user(session, email=email, name=name, password=password, trusted=True)
    session.commit()
    return user


def make_workspace(session: Session, *, name: str = "Northwind", owner: User | None = None) -> Workspace:
    """A workspace with its data key."""
    workspace = create_workspace(session, name=name, owner=owner, actor=SYSTEM)
    session.commit()
    return workspace


def make_member(session: Session, workspace: Workspace, user: User, *, role: str = "member") -> Member:
    """A person's place in a workspace."""
    member = add_member(session, workspace.id, user, role)
    session.commit()
    return member


def make_credential(
    session: Session,
    workspace: Workspace,
    *,
    name: str = "",
    type: str = "smtp_login",  # noqa: A002 - the word of the form
    raw: dict[str, str] | None = None,
    files: dict[str, bytes] | None = None,
    **entries: Any,
) -> Credential:
    """A credential; an SMTP user name and password unless told otherwise."""
    name = name or f"Credential {next(_numbers)}"
    values = {"username": "mailer", "password": secrets.token_urlsafe(12)} if raw is None else raw
    credential = create_credential(
        session,
        workspace_id=workspace.id,
        actor=SYSTEM,
        user_id=None,
        name=name,
        type=type,
        raw=values,
        files=files or {},
        **entries,
    )
    session.commit()
    return credential


def smtp_settings(**changes: Any) -> dict[str, Any]:
    """Settings of an SMTP setup that points nowhere."""
    values: dict[str, Any] = {
        "host": "localhost",
        "port": 2525,
        "tls": "none",
        "username": "",
        "from_address": "ar@northwind.example",
        "from_name": "Northwind",
        "allow_plain_login": True,
    }
    return {**values, **changes}


def make_config(
    session: Session,
    workspace: Workspace,
    *,
    name: str = "",
    kind: str = "smtp_basic",
    settings: dict[str, Any] | None = None,
    credential: Credential | None = None,
    health: str = HEALTHY,
    is_default: bool = True,
    **values: Any,
) -> OutboundConfig:
    """A saved setup; healthy, and the workspace's default."""
    settings = smtp_settings() if settings is None else settings
    row = OutboundConfig(
        workspace_id=workspace.id,
        name=name or f"Setup {next(_numbers)}",
        kind=kind,
        settings=settings,
        from_address=settings["from_address"],
        credential_id=credential.id if credential else None,
        alerts_address=values.pop("alerts_address", "alerts@northwind.example"),
        health=health,
        is_default=is_default,
        **values,
    )
    session.add(row)
    session.flush()
    settle_keys(session, row)
    session.commit()
    return row


def make_message(session: Session, config: OutboundConfig, **values: Any) -> Message:
    """A queued message's row, without a body; tests of delivery use `queue_mail`."""
    address = values.pop("recipient", f"customer{next(_numbers)}@fabrikam.example")
    facts: dict[str, Any] = {
        "workspace_id": config.workspace_id,
        "config_id": config.id,
        "expires_at": utcnow() + timedelta(days=5),
        "message_id": f"<{uuid.uuid4()}@northwind.example>",
        "from_address": config.from_address,
        "envelope_sender": config.from_address,
        "recipients": [{"address": address, "state": "waiting", "code": "", "text": ""}],
        "recipients_text": address,
        "subject": "Your invoice",
        "size": 1024,
    }
    row = Message(**{**facts, **values})
    session.add(row)
    session.commit()
    return row
