"""The steps of the wizard: their order, what each one holds already, and which comes next."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.wizard.answers import cleaned, tested
from mailsetup.wizard.drafts import NO_LOGIN, credential_of, kind_of
from mailsetup.wizard.models import SetupDraft

KIND, CREDENTIAL, SENDER, TEST, SAVE = STEPS = ("kind", "credential", "sender", "test", "save")
LABELS = {
    KIND: "Mail service",
    CREDENTIAL: "Credential",
    SENDER: "Sender and alerts",
    TEST: "Test",
    SAVE: "Save",
}


@dataclass(frozen=True)
class Step:
    """One step in the list at the side."""

    name: str
    label: str
    chosen: str
    done: bool


def list_steps(session: Session, draft: SetupDraft | None) -> list[Step]:
    """Every step with what was chosen so far."""
    chosen = _chosen(session, draft) if draft else {}
    return [Step(name, LABELS[name], chosen.get(name, ""), bool(chosen.get(name))) for name in STEPS]


def first_open(session: Session, draft: SetupDraft) -> str:
    """Where to go on: the first step that is not done."""
    return next((step.name for step in list_steps(session, draft) if not step.done), SAVE)


def _chosen(session: Session, draft: SetupDraft) -> dict[str, str]:
    try:
        service = kind_of(draft)
    except NotFound:
        return {}
    chosen = {KIND: service.label, CREDENTIAL: _credential(session, draft, required=service.credential_required)}
    if chosen[CREDENTIAL]:
        chosen[SENDER] = _sender(session, draft)
    if chosen.get(SENDER) and tested(session, draft).passed:
        chosen[TEST] = "Passed"
    return chosen


def _credential(session: Session, draft: SetupDraft, *, required: bool) -> str:
    credential = credential_of(session, draft)
    if credential is not None:
        return credential.name
    return "" if required or NO_LOGIN not in draft.settings else "None needed"


def _sender(session: Session, draft: SetupDraft) -> str:
    try:
        settings = cleaned(session, draft)
    except InvalidInput:
        return ""
    return str(settings["from_address"]) if draft.name and draft.alerts_address else ""
