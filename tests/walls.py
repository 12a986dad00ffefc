"""One of each object of a workspace, for the tests that nobody else gets through to it."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert, AlertNotice, AlertRoute
from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base
from mailsetup.diagnosis.models import FAILED, DomainReport, TestRun
from mailsetup.events.catalogue import WORDS as EVENTS
from mailsetup.events.endpoints import add_endpoint
from mailsetup.privacy.models import Export
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces import sessions
from mailsetup.workspaces.invitations import invite
from mailsetup.workspaces.models import Identity
from mailsetup.workspaces.tokens import new_token, token_hash
from tests import factories
from tests.people import Person

Maker = Callable[[Session, Person], uuid.UUID]


def _kept(session: Session, row: Any) -> uuid.UUID:
    session.add(row)
    session.commit()
    made: uuid.UUID = row.id
    return made


def credential(session: Session, owner: Person) -> uuid.UUID:
    return factories.make_credential(session, owner.workspace).id


def config(session: Session, owner: Person) -> uuid.UUID:
    return factories.make_config(session, owner.workspace).id


def message(session: Session, owner: Person) -> uuid.UUID:
    return factories.make_message(session, factories.make_config(session, owner.workspace, is_default=False)).id


def run(session: Session, owner: Person) -> uuid.UUID:
    values = {"kind": "smtp_basic", "settings": factories.smtp_settings(), "fingerprint": "0" * 64, "state": FAILED}
    row = TestRun(workspace_id=owner.workspace.id, recipient=owner.user.email, finished_at=utcnow(), **values)
    return _kept(session, row)


def draft(session: Session, owner: Person) -> uuid.UUID:
    values = {"name": "Draft", "kind": "smtp_basic", "settings": factories.smtp_settings()}
    return _kept(session, SetupDraft(workspace_id=owner.workspace.id, created_by_id=owner.user.id, **values))


def alert(session: Session, owner: Person) -> uuid.UUID:
    values = {"subject_label": "Setup", "cause": "login", "title": "Mail has stopped"}
    return _kept(session, Alert(workspace_id=owner.workspace.id, subject_key=f"outbound:{uuid.uuid4()}", **values))


def notice(session: Session, owner: Person) -> uuid.UUID:
    values = {"event": "opened", "target": "alerts@northwind.example", "state": "failed"}
    return _kept(
        session, AlertNotice(workspace_id=owner.workspace.id, alert_id=alert(session, owner), attempts=1, **values)
    )


def route(session: Session, owner: Person) -> uuid.UUID:
    target = f"{secrets.token_hex(4)}@northwind.example"
    return _kept(session, AlertRoute(workspace_id=owner.workspace.id, target=target))


def api_key(session: Session, owner: Person) -> uuid.UUID:
    values = {"key_hash": token_hash(new_token()), "ending": "wxyz", "scopes": ["send"]}
    return _kept(session, ApiKey(workspace_id=owner.workspace.id, name=secrets.token_hex(4), **values))


def member(session: Session, owner: Person) -> uuid.UUID:
    return factories.make_member(session, owner.workspace, factories.make_user(session)).id


def invitation(session: Session, owner: Person) -> uuid.UUID:
    row, _ = invite(session, by=owner.member, email=f"{secrets.token_hex(4)}@northwind.example", role="member")
    row.expires_at = utcnow() + timedelta(days=1)
    session.commit()
    return row.id


def user_session(session: Session, owner: Person) -> uuid.UUID:
    row, _ = sessions.begin(session, owner.user, browser="Firefox on Linux", address="192.0.2.7")
    session.commit()
    return row.id


def endpoint(session: Session, owner: Person) -> uuid.UUID:
    values = {"name": "Shop", "url": "https://shop.example.com/hooks"}
    row, _ = add_endpoint(session, workspace_id=owner.workspace.id, actor=owner.actor, types=list(EVENTS), **values)
    session.commit()
    return row.id


def identity(session: Session, owner: Person) -> uuid.UUID:
    values = {"issuer_key": "contoso", "issuer": "https://login.contoso.example", "subject": secrets.token_hex(4)}
    return _kept(session, Identity(user_id=owner.user.id, **values))


def taken_away(session: Session, owner: Person) -> uuid.UUID:
    values = {"asked_by": owner.user.email, "with_content": False, "state": "ready"}
    return _kept(session, Export(workspace_id=owner.workspace.id, expires_at=utcnow() + timedelta(days=1), **values))


def report(session: Session, owner: Person) -> uuid.UUID:
    domain = f"{secrets.token_hex(4)}.northwind.example"
    return _kept(session, DomainReport(workspace_id=owner.workspace.id, domain=domain, host="localhost"))


# Every name of an argument in a route that holds an id, and how to make such an object.
OBJECTS: dict[str, Maker] = {
    "credential_id": credential,
    "config_id": config,
    "message_id": message,
    "run_id": run,
    "report_id": report,
    "export_id": taken_away,
    "draft_id": draft,
    "alert_id": alert,
    "notice_id": notice,
    "route_id": route,
    "api_key_id": api_key,
    "key_id": api_key,
    "member_id": member,
    "invitation_id": invitation,
    "session_id": user_session,
    "endpoint_id": endpoint,
    "identity_id": identity,
}
# Arguments that are words of the address, with one that is right.
WORDS = {
    "kind": "smtp_basic",
    "step": "sender",
    "page": "guide",
    "name": "status",
    "deed": "close",
    "issuer": "contoso",
}
# What a call of the API needs to get as far as looking for the object.
BODIES = {"api.start_test": {"recipient": "me@northwind.example"}}
# Arguments that are secrets by themselves: whoever has one may use it, and a wrong one is refused by its own test.
SECRETS = {"token"}


def snapshot(session: Session) -> dict[str, list[str]]:
    """Everything in the database, to tell whether a request changed something."""
    session.commit()
    tables = Base.metadata.sorted_tables
    # A row's own repr cuts long values off.
    found = {table.name: sorted(repr(tuple(row)) for row in session.execute(table.select())) for table in tables}
    session.commit()
    return found
