"""The first question, drafts to go on with, and a saved setup to change."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.credentials.listing import list_usable
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import MailService
from mailsetup.outbound.models import OutboundConfig
from mailsetup.web.session import db_session
from mailsetup.wizard import drafts, moving, steps
from mailsetup.wizard.models import SetupDraft
from mailsetup.wizard.suggest import Proposal, suggest
from mailsetup.wizard.views.blueprint import find_draft, go, is_theirs, page, setup, wrong
from mailsetup.workspaces.access import current_user, current_workspace, may, require, require_builder
from mailsetup.workspaces.models import ADMIN

TEMPLATE = "setup/kind.html"
WRONG_ADDRESS = "Type an address like accounts@contoso.com, or leave this blank and choose below."


@dataclass(frozen=True)
class Unfinished:
    """A draft to go on with."""

    draft: SetupDraft
    kind_label: str
    next_step: str


@setup.get("")
@require_builder()
def index() -> ResponseReturnValue:
    """What was begun and not finished, and the first question."""
    return page(TEMPLATE, None, steps.KIND, **_question(), unfinished=_unfinished())


@setup.get("/new")
@require_builder()
def new() -> ResponseReturnValue:
    """The first question alone."""
    return page(TEMPLATE, None, steps.KIND, **_question())


@setup.post("/new")
@require_builder()
def create() -> ResponseReturnValue:
    """Begins a draft with the chosen kind; or answers with a suggestion."""
    return _answer_question(None)


@setup.get("/<uuid:draft_id>")
@require_builder()
def resume(draft_id: uuid.UUID) -> ResponseReturnValue:
    """To the first step that is not done."""
    draft = find_draft(draft_id)
    return go(draft, steps.first_open(db_session(), draft))


@setup.get("/<uuid:draft_id>/kind")
@require_builder()
def kind(draft_id: uuid.UUID) -> ResponseReturnValue:
    """The first question again."""
    draft = find_draft(draft_id)
    return page(TEMPLATE, draft, steps.KIND, **_question(draft.kind, draft.settings.get("from_address", "")))


@setup.post("/<uuid:draft_id>/kind")
@require_builder()
def choose_kind(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Takes another kind; what was typed elsewhere stays."""
    return _answer_question(find_draft(draft_id))


@setup.post("/<uuid:draft_id>/discard")
@require_builder()
def discard(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Throws the draft away; credentials made on the way stay."""
    draft = find_draft(draft_id)
    config_id = draft.config_id
    db_session().delete(draft)
    db_session().commit()
    flash("The draft is gone. Credentials you made on the way are kept.", "success")
    return redirect(f"/outbound/{config_id}" if config_id else url_for("setup.index"))


@setup.post("/edit/<uuid:config_id>")
@require(ADMIN)
def edit(config_id: uuid.UUID) -> ResponseReturnValue:
    """Begins to change a saved setup; it goes on as it is until the change is saved."""
    config = fetch_owned(db_session(), OutboundConfig, current_workspace().id, config_id)
    draft = drafts.draft_of_config(db_session(), config, current_user())
    db_session().commit()
    return go(draft, steps.SENDER)


@setup.post("/move/<uuid:config_id>")
@require(ADMIN)
def move(config_id: uuid.UUID) -> ResponseReturnValue:
    """Begins to move a saved setup to another way of sending, beside the old one."""
    config = fetch_owned(db_session(), OutboundConfig, current_workspace().id, config_id)
    draft = moving.begin_move(db_session(), config, current_user())
    db_session().commit()
    return go(draft, steps.CREDENTIAL)


@setup.post("/<uuid:draft_id>/move")
@require(ADMIN)
def move_draft(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Moves unsaved answers to the way that needs nothing of what the test failed for."""
    draft = find_draft(draft_id)
    moving.move_draft(db_session(), draft)
    db_session().commit()
    return go(draft, steps.first_open(db_session(), draft))


@setup.post("/back/<uuid:config_id>")
@require(ADMIN)
def move_back(config_id: uuid.UUID) -> ResponseReturnValue:
    """Begins to switch back to what the setup was before: that is tested too."""
    config = fetch_owned(db_session(), OutboundConfig, current_workspace().id, config_id)
    draft = moving.begin_return(db_session(), config, current_user())
    db_session().commit()
    return go(draft, steps.first_open(db_session(), draft))


def _answer_question(draft: SetupDraft | None) -> ResponseReturnValue:
    kind_name, address = request.form.get("kind", ""), request.form.get("address", "").strip()
    try:
        suggestion = suggest(address) if address else None
    except ValueError:
        return _wrong(draft, {"address": WRONG_ADDRESS}, kind_name, address)
    if request.form.get("action") == "suggest":
        if suggestion is None:
            return _wrong(draft, {"address": WRONG_ADDRESS}, kind_name, address)
        return page(TEMPLATE, draft, steps.KIND, **_question(suggestion.kind, address, suggestion))
    try:
        draft = _chosen(draft, kind_name)
    except NotFound:
        return _wrong(draft, {"kind": "Choose a mail service."}, kind_name, address)
    _fill_in(draft, suggestion)
    db_session().commit()
    return go(draft, steps.CREDENTIAL)


def _chosen(draft: SetupDraft | None, kind_name: str) -> SetupDraft:
    if draft is None:
        return drafts.new_draft(db_session(), current_workspace().id, current_user(), kind_name)
    drafts.choose_kind(db_session(), draft, kind_name)
    return draft


def _fill_in(draft: SetupDraft, suggestion: Proposal | None) -> None:
    """What follows from the address, where nothing was typed yet."""
    if suggestion is None:
        return
    fits = suggestion.kind == draft.kind
    known = suggestion.settings if fits else {"from_address": suggestion.settings["from_address"]}
    drafts.keep_typed(draft, {**known, **{name: value for name, value in draft.settings.items() if value}})


def _wrong(draft: SetupDraft | None, errors: dict[str, str], kind_name: str, address: str) -> ResponseReturnValue:
    answer: ResponseReturnValue = wrong(TEMPLATE, draft, steps.KIND, errors, **_question(kind_name, address))
    return answer


def _question(chosen: str = "", address: str = "", suggestion: Proposal | None = None) -> dict[str, object]:
    return {"services": _kinds(), "chosen": chosen, "address": address, "suggestion": suggestion}


def _kinds() -> list[type[MailService]]:
    """Every kind; for a member those that can use what is open to them."""
    if may(ADMIN):
        return list(registry.all_kinds())
    entries = list_usable(db_session(), current_workspace().id, current_user().id)
    facts = [(entry.credential.type, entry.version.public) for entry in entries]
    return [kind for kind in registry.all_kinds() if any(drafts.fits(kind, *one) for one in facts)]


def _unfinished() -> list[Unfinished]:
    session, found = db_session(), []
    for draft in filter(is_theirs, drafts.list_drafts(session, current_workspace().id)):
        try:
            label = drafts.kind_of(draft).label
            found.append(Unfinished(draft, label, steps.LABELS[steps.first_open(session, draft)]))
        except (NotFound, InvalidInput):
            continue
    return found
