"""The step Sender and alerts: the standard fields, a name, and whom to tell when mail stops."""

from __future__ import annotations

import uuid

from flask import flash, request
from flask.typing import ResponseReturnValue

from mailsetup.alerts.notices import write_test
from mailsetup.alerts.recipients import EMAIL, Recipient
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.outbound.configs import clean_address
from mailsetup.web.forms import form_values
from mailsetup.web.session import db_session
from mailsetup.wizard import drafts, steps
from mailsetup.wizard.activate import check_answers
from mailsetup.wizard.answers import shown_fields, shown_values
from mailsetup.wizard.models import SetupDraft
from mailsetup.wizard.views.blueprint import find_draft, go, page, setup, wrong
from mailsetup.workspaces.access import current_actor, require_builder

TEMPLATE = "setup/sender.html"
NAME = Field(
    "name",
    "Name of this setup",
    "How you and your colleagues tell it apart, like Invoices or Support.",
    placeholder="Invoices",
)
ALERTS = Field(
    "alerts_address",
    "Backend failure alerts email address",
    "If mail stops, we write here, by another way than this mail service.",
    input="email",
)
_LIMITS = {"name": 120, "alerts_address": 254}


@setup.get("/<uuid:draft_id>/sender")
@require_builder()
def sender(draft_id: uuid.UUID) -> ResponseReturnValue:
    """From whom mail comes, through which server, and who hears when it stops."""
    draft = find_draft(draft_id)
    return page(TEMPLATE, draft, steps.SENDER, **_form(draft))


@setup.post("/<uuid:draft_id>/sender")
@require_builder()
def save_sender(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Keeps what was typed, right or wrong; goes on when it is right."""
    draft = find_draft(draft_id)
    try:
        _keep(draft)
    except InvalidInput as error:
        return _again(draft, error.fields)
    action = request.form.get("action", "")
    if action == "back":
        db_session().commit()
        return go(draft, steps.CREDENTIAL)
    if action == "test_alert":
        return _test_alert(draft)
    db_session().commit()
    try:
        check_answers(db_session(), draft)
    except InvalidInput as error:
        return _again(draft, error.fields)
    return go(draft, steps.TEST)


def _keep(draft: SetupDraft) -> None:
    fields = tuple(field for field in shown_fields(draft) if not field.fixed)
    typed = form_values((*fields, NAME, ALERTS))
    too_long = {name: "This is too long." for name, limit in _LIMITS.items() if len(typed[name]) > limit}
    if too_long:
        raise InvalidInput(too_long)
    draft.name, draft.alerts_address = typed.pop("name"), typed.pop("alerts_address")
    drafts.keep_typed(draft, typed)


def _test_alert(draft: SetupDraft) -> ResponseReturnValue:
    """A mail to the alerts address, by the way that alerts take."""
    try:
        address = clean_address(draft.alerts_address)
        recipient = Recipient(EMAIL, address)
        write_test(db_session(), workspace_id=draft.workspace_id, actor=current_actor(), recipient=recipient)
    except InvalidInput as error:
        return _again(draft, error.fields)
    except Conflict as error:
        return _again(draft, {"alerts_address": str(error)})
    db_session().commit()
    flash(f"A test alert to {address} is on its way, by the way that alerts take.", "success")
    return go(draft, steps.SENDER)


def _again(draft: SetupDraft, errors: dict[str, str]) -> ResponseReturnValue:
    answer: ResponseReturnValue = wrong(TEMPLATE, draft, steps.SENDER, errors, **_form(draft))
    return answer


def _form(draft: SetupDraft) -> dict[str, object]:
    fields = shown_fields(draft)
    return {
        "sender_fields": [field for field in fields if field.name.startswith("from_")],
        "server_fields": [field for field in fields if not field.name.startswith("from_")],
        "values": shown_values(db_session(), draft),
        "name_field": NAME,
        "alerts_field": ALERTS,
    }
