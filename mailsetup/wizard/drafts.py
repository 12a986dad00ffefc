"""Unfinished answers: begin, find, change, throw away."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import NotFound
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import public_facts
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import MailService
from mailsetup.outbound.models import OutboundConfig
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces.models import User

SHOWN = 20
NO_LOGIN = "no_login"  # among what was typed: somebody chose to send without signing in


def new_draft(session: Session, workspace_id: uuid.UUID, user: User, kind: str) -> SetupDraft:
    """Begins a setup of this kind; alerts and the test mail go to whoever makes it, unless they say otherwise."""
    registry.get(kind)
    draft = SetupDraft(
        workspace_id=workspace_id, created_by_id=user.id, kind=kind, alerts_address=user.email, recipient=user.email
    )
    session.add(draft)
    session.flush()
    return draft


def draft_of_config(session: Session, config: OutboundConfig, user: User) -> SetupDraft:
    """The draft that changes a saved setup: the one that is there already, or a new one with its values."""
    wanted = select(SetupDraft).where(SetupDraft.config_id == config.id, SetupDraft.created_by_id == user.id)
    found = session.scalar(wanted.limit(1))
    if found is not None:
        return found
    draft = SetupDraft(
        workspace_id=config.workspace_id,
        created_by_id=user.id,
        config_id=config.id,
        name=config.name,
        kind=config.kind,
        settings=as_typed(config.settings) | ({} if config.credential_id else {NO_LOGIN: "true"}),
        credential_id=config.credential_id,
        alerts_address=config.alerts_address,
        recipient=user.email,
    )
    session.add(draft)
    session.flush()
    return draft


def as_typed(settings: Mapping[str, object]) -> dict[str, str]:
    """Cleaned settings as a person would have typed them."""
    return {name: _typed(value) for name, value in settings.items()}


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)


def list_drafts(session: Session, workspace_id: uuid.UUID) -> list[SetupDraft]:
    """The workspace's unfinished setups, the newest first."""
    wanted = select(SetupDraft).where(SetupDraft.workspace_id == workspace_id)
    return list(session.scalars(wanted.order_by(SetupDraft.updated_at.desc()).limit(SHOWN)))


def fetch_draft(session: Session, workspace_id: uuid.UUID, draft_id: uuid.UUID) -> SetupDraft:
    """The draft, whoever of the workspace began it. Raises NotFound."""
    return fetch_owned(session, SetupDraft, workspace_id, draft_id)


def fits(service: type[MailService], type_name: str, public: Mapping[str, str]) -> bool:
    """Whether the kind can use such a credential: of its type and, when somebody signed in, with its permission."""
    allowed = {scope.rpartition("/")[2] for scope in public.get("account_scopes", "").split()}
    return type_name in service.credential_types and (not allowed or service.sign_in_permission in allowed)


def choose_kind(session: Session, draft: SetupDraft, kind: str) -> None:
    """Changes the kind; what was typed stays, a credential that the new kind cannot use does not."""
    service, credential = registry.get(kind), credential_of(session, draft)
    if credential is not None and not fits(service, credential.type, public_facts(session, credential)):
        draft.credential_id = None
    draft.kind = kind
    touch(draft)


def keep_typed(draft: SetupDraft, typed: Mapping[str, str]) -> None:
    """Remembers what was typed, right or wrong."""
    draft.settings = {**draft.settings, **typed}
    touch(draft)


def shape(draft: SetupDraft) -> str:
    """Changes with every answer: two browser tabs on one draft can tell by it that they show different ones."""
    answers = [draft.kind, draft.name, draft.settings, str(draft.credential_id), draft.alerts_address]
    return hashlib.sha256(json.dumps(answers, sort_keys=True).encode()).hexdigest()[:16]


def touch(draft: SetupDraft) -> None:
    """Somebody worked on it just now."""
    draft.updated_at = utcnow()


def kind_of(draft: SetupDraft) -> type[MailService]:
    """The chosen kind. Raises NotFound when it does not exist any more."""
    return registry.get(draft.kind)


def credential_of(session: Session, draft: SetupDraft) -> Credential | None:
    """The chosen credential, if it is still there."""
    if draft.credential_id is None:
        return None
    try:
        return fetch_owned(session, Credential, draft.workspace_id, draft.credential_id)
    except NotFound:
        return None


def config_of(session: Session, draft: SetupDraft) -> OutboundConfig | None:
    """The saved setup that the draft changes."""
    return fetch_owned(session, OutboundConfig, draft.workspace_id, draft.config_id) if draft.config_id else None
