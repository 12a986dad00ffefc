"""The step Credential: use one that is there, make one, or sign in."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.credentials import vault
from mailsetup.credentials.form import CredentialForm, credential_form, offered, posted_entries, posted_form
from mailsetup.credentials.listing import Listed, list_usable, listed
from mailsetup.credentials.models import Credential
from mailsetup.credentials.views import made_certificate
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import Consent, Field
from mailsetup.mail_services.credential_types import CredentialType
from mailsetup.outbound import app_answers, app_checks
from mailsetup.outbound.configs import usable_credential
from mailsetup.platform import current_platform
from mailsetup.web.forms import posted_values
from mailsetup.web.session import db_session
from mailsetup.wizard import drafts, handover, steps
from mailsetup.wizard.guide import Guide, guide_of
from mailsetup.wizard.models import SetupDraft
from mailsetup.wizard.views.blueprint import find_draft, go, page, setup, wrong
from mailsetup.workspaces.access import current_actor, current_user, may, require, require_builder
from mailsetup.workspaces.models import ADMIN

TEMPLATE = "setup/credential.html"
NONE = "none"
CHOOSE, CHOOSE_OR_MAKE = "Choose one of these credentials.", "Choose a credential, or make a new one below."


@setup.get("/<uuid:draft_id>/credential")
@require_builder(proof=True)
def credential(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Which credential the setup signs in with."""
    draft = find_draft(draft_id)
    return page(TEMPLATE, draft, steps.CREDENTIAL, **choices(draft))


@setup.post("/<uuid:draft_id>/credential")
@require_builder()
def choose_credential(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Takes one that is there, or none."""
    draft = find_draft(draft_id)
    try:
        _take(draft, request.form.get("credential_id", ""))
    except InvalidInput as error:
        return _again(draft, error.fields)
    drafts.touch(draft)
    _ask_microsoft(draft)
    db_session().commit()
    return go(draft, steps.SENDER)


@setup.post("/<uuid:draft_id>/credential/check")
@require(ADMIN)
def check_credential(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Asks Microsoft about the chosen app again."""
    draft = find_draft(draft_id)
    _ask_microsoft(draft)
    db_session().commit()
    return go(draft, steps.CREDENTIAL)


def _ask_microsoft(draft: SetupDraft) -> None:
    """Has a worker check an app of the customer's own; nobody waits for it, and it keeps nobody from going on."""
    found = drafts.credential_of(db_session(), draft)
    if found is not None and credential_types.get(found.type).consent is Consent.ADMIN:
        app_answers.start(db_session(), found, draft.kind)


@setup.post("/<uuid:draft_id>/credential/new")
@require(ADMIN, proof=True)
def create_credential(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Makes one out of the form and takes it."""
    draft = find_draft(draft_id)
    type_ = _posted_type(draft)
    try:
        made = vault.create_credential(
            db_session(),
            workspace_id=draft.workspace_id,
            actor=current_actor(),
            user_id=current_user().id,
            type=type_.name,
            **posted_entries(type_),
        )
    except InvalidInput as error:
        db_session().rollback()
        return _again(find_draft(draft_id), error.fields, form=posted_form(type_, error.fields))
    draft.credential_id = made.id
    drafts.touch(draft)
    _ask_microsoft(draft)
    db_session().commit()
    flash(f"The credential “{made.name}” is saved, sealed, and chosen for this setup.", "success")
    return go(draft, steps.CREDENTIAL if type_.consent is Consent.ADMIN else steps.SENDER)


def choices(draft: SetupDraft, *, form: CredentialForm | None = None) -> dict[str, Any]:
    """What the page offers: credentials that fit, and a new one of the wanted type."""
    service = drafts.kind_of(draft)
    types = [credential_types.get(name) for name in service.credential_types]
    type_ = form.type if form else _wanted_type(types)
    platform = current_platform()
    own_app = offered(field for field in type_.fields if field.name != "app")
    explain_url = url_for("setup.explain", draft_id=draft.id)
    return {
        "service": service,
        "entries": _fitting(draft),
        "types": types,
        "type": type_,
        "signing_in": type_.consent is Consent.SIGN_IN,
        "by_admin": type_.consent is Consent.ADMIN,
        "form": form or credential_form(type_),
        "own_app": own_app,
        "shared": credential_types.shared_field(service.shared_permission) if service.can_share else None,
        "explain_url": explain_url,
        "platform_app": bool(platform.client_id),
        "typed": posted_values() if request.method == "POST" else {},
        "none": NONE,
        "no_login": bool(draft.settings.get(drafts.NO_LOGIN)) and draft.credential_id is None,
        "guide": _guide(draft, type_),
        "made": _made(draft),
        "answers": _answers(draft),
        "handover": handover.progress_of(db_session(), draft),
        "handover_link": "",
    }


def _answers(draft: SetupDraft) -> app_answers.Answers | None:
    """What Microsoft says of the chosen app."""
    found = drafts.credential_of(db_session(), draft)
    return app_answers.answers(db_session(), found) if found and app_checks.is_app(found) else None


def _made(draft: SetupDraft) -> dict[str, str] | None:
    """The chosen credential's certificate, when it was made here and has to be uploaded."""
    found = drafts.credential_of(db_session(), draft)
    return made_certificate(listed(db_session(), found)) if found else None


def _again(draft: SetupDraft, errors: dict[str, str], *, form: CredentialForm | None = None) -> ResponseReturnValue:
    answer: ResponseReturnValue = wrong(TEMPLATE, draft, steps.CREDENTIAL, errors, **choices(draft, form=form))
    return answer


def _take(draft: SetupDraft, chosen: str) -> None:
    if chosen == NONE and may(ADMIN) and not drafts.kind_of(draft).credential_required:
        draft.credential_id = None
        drafts.keep_typed(draft, {drafts.NO_LOGIN: "true"})
        return
    try:
        found = fetch_owned(db_session(), Credential, draft.workspace_id, uuid.UUID(chosen))
    except (ValueError, NotFound):
        raise InvalidInput({"credential_id": CHOOSE_OR_MAKE if may(ADMIN) else CHOOSE}) from None
    usable_credential(db_session(), draft.workspace_id, draft.kind, found.id, current_user().id)
    if not drafts.fits(drafts.kind_of(draft), found.type, vault.public_facts(db_session(), found)):
        raise InvalidInput({"credential_id": f"“{found.name}” does not fit this mail service. Choose another one."})
    draft.credential_id = found.id


def _fitting(draft: SetupDraft) -> list[Listed]:
    service, entries = drafts.kind_of(draft), list_usable(db_session(), draft.workspace_id, current_user().id)
    return [entry for entry in entries if drafts.fits(service, entry.credential.type, entry.version.public)]


def _wanted_type(types: list[CredentialType]) -> CredentialType:
    wanted = request.values.get("type", "")
    return next((type_ for type_ in types if type_.name == wanted), types[0])


def _posted_type(draft: SetupDraft) -> CredentialType:
    name = request.form.get("type", "")
    if name not in drafts.kind_of(draft).credential_types:
        raise NotFound("no such type of credential here")
    return credential_types.get(name)


def _guide(draft: SetupDraft, type_: CredentialType) -> Guide:
    found = drafts.credential_of(db_session(), draft)
    check = app_checks.check_of(db_session(), found) if found else None
    known = {"object_id": check.object_id} if check else {}
    return guide_of(
        {**vault.public_facts(db_session(), found), **known} if found else {},
        signing_in=type_.consent is Consent.SIGN_IN,
        from_address=str(draft.settings.get("from_address") or ""),
    )


def own_app_fields() -> tuple[Field, ...]:
    """The fields of an own app to sign in through, and what is asked for with any app."""
    return (
        *offered(field for field in credential_types.MICROSOFT_GRANT.fields if field.name != "app"),
        credential_types.SHARED,
    )
