"""A draft becomes a saved setup, or changes one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.diagnosis import domains
from mailsetup.outbound.configs import clean_address, free_name, save_config
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import SENDING_STATES, OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.wizard.answers import Tested, cleaned, current_fingerprint, shown_fields, tested
from mailsetup.wizard.drafts import as_typed, config_of, credential_of, kind_of
from mailsetup.wizard.models import SetupDraft
from mailsetup.workspaces.audit import Actor


@dataclass(frozen=True)
class Change:
    """One value that saving changes; `before` is empty for a new setup."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """What saving a draft does."""

    changes: list[Change]
    tested: Tested
    waiting: int
    resumes: bool
    holds: bool


def plan_of(session: Session, draft: SetupDraft) -> Plan:
    """What will change, for whom, and what happens to waiting mail. Raises InvalidInput by field."""
    config, result = config_of(session, draft), tested(session, draft)
    waiting = count_waiting(session, [config.id])[config.id] if config else 0
    same_values = config is not None and config_fingerprint(config) == current_fingerprint(session, draft)
    flows_after = result.passed or (config is not None and same_values and config.health in SENDING_STATES)
    return Plan(
        changes=_changes(session, draft, config),
        tested=result,
        waiting=waiting,
        resumes=flows_after and waiting > 0,
        holds=not flows_after,
    )


def activate(session: Session, draft: SetupDraft, *, actor: Actor, user_id: uuid.UUID) -> OutboundConfig:
    """Saves the draft as a setup and throws the draft away; untested, its mail waits. Raises InvalidInput by field."""
    result = tested(session, draft)
    config = save_config(
        session,
        workspace_id=draft.workspace_id,
        actor=actor,
        user_id=user_id,
        config_id=draft.config_id,
        name=draft.name,
        kind=draft.kind,
        settings=cleaned(session, draft),
        credential_id=draft.credential_id,
        alerts_address=draft.alerts_address,
        tested=result.passed,
        fingerprint=current_fingerprint(session, draft),
    )
    if result.run is not None:
        result.run.config_id = config.id
    session.delete(draft)
    session.flush()
    domains.want(session, config.workspace_id, *domains.sender_of(config.kind, config.settings))
    return config


def check_answers(session: Session, draft: SetupDraft) -> None:
    """All fields of the step Sender and alerts at once. Raises InvalidInput with every one that is wrong."""
    wrong: dict[str, str] = {}
    for check in (
        lambda: free_name(session, draft.workspace_id, draft.name, besides=draft.config_id),
        lambda: cleaned(session, draft),
        lambda: clean_address(draft.alerts_address),
    ):
        try:
            check()
        except InvalidInput as error:
            wrong |= error.fields
    if wrong:
        raise InvalidInput(wrong)


def _changes(session: Session, draft: SetupDraft, config: OutboundConfig | None) -> list[Change]:
    before = _shown(session, config) if config else {}
    credential = credential_of(session, draft)
    after = {
        "Name": draft.name,
        "Mail service": kind_of(draft).label,
        "Credential": credential.name if credential else "None",
        **_worded(draft, as_typed(cleaned(session, draft))),
        "Backend failure alerts": draft.alerts_address,
    }
    changes = [Change(label, before.get(label, ""), value) for label, value in after.items()]
    return [change for change in changes if change.after != change.before] if config else changes


def _shown(session: Session, config: OutboundConfig) -> dict[str, str]:
    typed = SetupDraft(workspace_id=config.workspace_id, kind=config.kind)
    return {
        "Name": config.name,
        "Mail service": kind_of(typed).label,
        "Credential": config.credential.name if config.credential else "None",
        **_worded(typed, as_typed(config.settings)),
        "Backend failure alerts": config.alerts_address,
    }


def _worded(draft: SetupDraft, typed: dict[str, str]) -> dict[str, str]:
    """The settings with their labels, choices in words, blanks left out."""
    fields = {field.name: field for field in shown_fields(draft)}
    known = [(fields[name], value) for name, value in typed.items() if name in fields and value]
    return {field.label: dict(field.choices).get(value, "Yes" if value == "true" else value) for field, value in known}
