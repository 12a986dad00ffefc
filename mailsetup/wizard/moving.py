"""Leaving a way of sending that ends: the new one is set up and tested beside the old, and one can switch back."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.errors import Conflict
from mailsetup.credentials.models import Credential
from mailsetup.outbound.listing import way_out
from mailsetup.outbound.models import OutboundConfig
from mailsetup.wizard import drafts
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces.models import User

# What means the same everywhere; host, port and login belong to the old way.
KEPT = ("from_address", "from_name", "reply_to", "username")


def begin_move(session: Session, config: OutboundConfig, user: User) -> SetupDraft:
    """A draft that changes the setup to the way out of its kind; the setup goes on as it is until that is saved."""
    out = way_out(config)
    if out is None:
        raise Conflict("This setup sends in a way that does not end.")
    draft = drafts.draft_of_config(session, config, user)
    typed = drafts.as_typed(config.settings)
    mailbox = typed.get("username", "")
    draft.settings = {name: value for name, value in typed.items() if name in KEPT and value}
    if "@" not in mailbox:
        draft.settings.pop("username", None)
    draft.kind, draft.credential_id, draft.test_run_id = out.kind, _fitting(config, out.kind), None
    drafts.touch(draft)
    session.flush()
    return draft


def begin_return(session: Session, config: OutboundConfig, user: User) -> SetupDraft:
    """A draft with the values from before the last change of kind. Raises Conflict when there are none."""
    before: dict[str, Any] = config.moved_from
    if not before:
        raise Conflict("This setup has not been moved, so there is nothing to go back to.")
    draft = drafts.draft_of_config(session, config, user)
    draft.kind, draft.test_run_id = str(before["kind"]), None
    draft.settings = drafts.as_typed(before["settings"])
    draft.credential_id = _still_there(session, config, before.get("credential_id"))
    drafts.touch(draft)
    session.flush()
    return draft


def _fitting(config: OutboundConfig, kind: str) -> uuid.UUID | None:
    """The setup's own credential where the new kind can use it too."""
    wanted = drafts.kind_of(SetupDraft(kind=kind)).credential_types
    return config.credential_id if config.credential and config.credential.type in wanted else None


def _still_there(session: Session, config: OutboundConfig, credential_id: object) -> uuid.UUID | None:
    try:
        wanted = uuid.UUID(str(credential_id))
    except ValueError:
        return None
    mine = select(Credential.id).where(Credential.id == wanted, Credential.workspace_id == config.workspace_id)
    return session.scalar(mine)
