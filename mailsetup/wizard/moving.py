"""Leaving a way of sending that ends: the new one is set up and tested beside the old, and one can switch back."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.errors import Conflict
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis.models import FAILED, TestRun
from mailsetup.mail_services.base import WayOut
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
    draft.test_run_id, draft.credential_id = None, config.credential_id
    drafts.choose_kind(session, draft, out.kind)
    session.flush()
    return draft


def way_out_of(session: Session, draft: SetupDraft) -> WayOut | None:
    """Where unsaved answers can go whose test failed for what another kind does not need."""
    run = session.get(TestRun, draft.test_run_id) if draft.test_run_id else None
    if run is None or run.state != FAILED or run.kind != draft.kind:
        return None
    credential = drafts.credential_of(session, draft)
    cause = str((run.explanation or {}).get("cause", ""))
    return drafts.kind_of(draft).way_out(run.settings, credential.type if credential else "", cause)


def move_draft(session: Session, draft: SetupDraft) -> None:
    """The same answers for the way out. Raises Conflict when the test gave no reason to leave."""
    out = way_out_of(session, draft)
    if out is None:
        raise Conflict("The last test gave no reason to send in another way.")
    draft.settings = {name: value for name, value in draft.settings.items() if name in KEPT and value}
    drafts.choose_kind(session, draft, out.kind)


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


def _still_there(session: Session, config: OutboundConfig, credential_id: object) -> uuid.UUID | None:
    try:
        wanted = uuid.UUID(str(credential_id))
    except ValueError:
        return None
    mine = select(Credential.id).where(Credential.id == wanted, Credential.workspace_id == config.workspace_id)
    return session.scalar(mine)
