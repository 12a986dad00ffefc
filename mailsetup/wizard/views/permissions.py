"""What an app or a sign-in may do at Microsoft: from its token; an app is limited to one mailbox, and that proved."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict
from mailsetup.credentials import vault
from mailsetup.credentials.listing import listed
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import registry, values
from mailsetup.mail_services.base import Field
from mailsetup.mail_services.clouds import is_personal
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import app_checks
from mailsetup.outbound.explain import explain_failure
from mailsetup.web.session import db_session
from mailsetup.wizard.guide import guide_of
from mailsetup.wizard.views.blueprint import setup
from mailsetup.workspaces.access import current_workspace, require
from mailsetup.workspaces.models import ADMIN

TEMPLATE = "setup/permissions.html"
CONTROL = Field(
    "mailbox",
    "Control mailbox",
    "Any mailbox of your organisation that the app must not send as. Nothing is sent and nobody sees anything.",
    input="email",
    placeholder="someone.else@contoso.com",
)


@setup.get("/permissions/<uuid:credential_id>")
@require(ADMIN)
def permissions(credential_id: uuid.UUID) -> ResponseReturnValue:
    """What the last check found, and how to limit the app."""
    return _page(_fetch(credential_id))


@setup.post("/permissions/<uuid:credential_id>/check")
@require(ADMIN)
def check_permissions(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Asks for a token now, and reads what it names."""
    asked = _asked(credential_id)
    try:
        evidence = app_checks.read_token(asked)
    except TransportError as error:
        app_checks.keep_failure(db_session(), asked, error)
        db_session().commit()
        return _refused(credential_id, error)
    app_checks.keep(db_session(), asked, evidence)
    db_session().commit()
    return redirect(url_for("setup.permissions", credential_id=credential_id))


@setup.post("/permissions/<uuid:credential_id>/limit")
@require(ADMIN)
def prove_limit(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Tries the app at a mailbox where it has to be refused."""
    if not app_checks.is_app(_fetch(credential_id)):
        raise Conflict("Whoever signed in sends as themselves, so there is no limit to prove.")
    asked = _asked(credential_id)
    typed = request.form.get("mailbox", "").strip()
    try:
        mailbox = values.email_address(typed)
        if mailbox.lower() == str(asked.settings.get("username", "")).lower():
            raise ValueError("The app has to send as this mailbox. Type another one.")
        found = app_checks.prove_limit(asked, mailbox)
    except ValueError as error:
        return _page(_fetch(credential_id), errors={"mailbox": str(error)}, typed=typed), 422
    except TransportError as error:
        return _refused(credential_id, error, typed=typed)
    app_checks.keep_limit(db_session(), asked, mailbox, found)
    db_session().commit()
    flash("Microsoft was asked. What it answered stands below.", "success")
    return redirect(url_for("setup.permissions", credential_id=credential_id))


def _asked(credential_id: uuid.UUID) -> app_checks.Question:
    """The question, with no transaction left open while Microsoft thinks."""
    asked = app_checks.question(db_session(), _fetch(credential_id))
    db_session().rollback()
    return asked


def _refused(credential_id: uuid.UUID, error: TransportError, *, typed: str = "") -> ResponseReturnValue:
    credential = _fetch(credential_id)
    public = vault.public_facts(db_session(), credential)
    explained = explain_failure(error, settings={}, public=public)
    return _page(credential, explained=explained, typed=typed), 422


def _fetch(credential_id: uuid.UUID) -> Credential:
    credential = fetch_owned(db_session(), Credential, current_workspace().id, credential_id)
    if not app_checks.can_check(credential):
        raise Conflict("This credential is not one of Microsoft's, so no token says what it may do.")
    return credential


def _page(credential: Credential, **more: Any) -> str:
    entry = listed(db_session(), credential)
    asked = app_checks.question(db_session(), credential)
    check = app_checks.check_of(db_session(), credential)
    public = {**asked.value.public, "object_id": check.object_id if check else ""}
    facts = {
        "entry": entry,
        "service": registry.get(asked.kind),
        "check": check,
        "audit": app_checks.audit_of(check, credential.type, asked.more) if check and check.checked_at else None,
        "is_app": app_checks.is_app(credential),
        "is_personal": is_personal(asked.value.public),
        "guide": guide_of(public, from_address=str(asked.settings.get("username", ""))),
        "control": CONTROL,
        "typed": "",
        "errors": {},
        "explained": None,
    }
    return render_template(TEMPLATE, **{**facts, **more})
