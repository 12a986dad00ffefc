"""Renewing a secret or certificate without a gap: add, test, promote, end the old one."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.credentials import rotation
from mailsetup.credentials.certificate_file import certificate_file
from mailsetup.credentials.form import EXPIRES_ON, day_of
from mailsetup.credentials.listing import listed
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import certificates
from mailsetup.mail_services.base import Field
from mailsetup.mail_services.credential_types import MADE_HERE
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints.words import fillings
from mailsetup.outbound.explain import explain_failure
from mailsetup.web.forms import form_values, uploaded
from mailsetup.web.session import db_session
from mailsetup.wizard import renewing
from mailsetup.wizard.views.blueprint import setup
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN

TEMPLATE = "setup/rotate.html"


@setup.get("/rotate/<uuid:credential_id>")
@require(ADMIN)
def rotate(credential_id: uuid.UUID) -> ResponseReturnValue:
    """How far it is, and the next step."""
    return _page(_fetch(credential_id))


@setup.post("/rotate/<uuid:credential_id>/add")
@require(ADMIN, proof=True)
def add_proof(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Takes the new one, and tries it at once."""
    credential = _fetch(credential_id)
    fields = [shown for shown in _fields(credential) if shown.input != "file"]
    try:
        typed = form_values(fields)
        rotation.add(
            db_session(),
            credential,
            actor=current_actor(),
            raw=typed,
            files={"certificate": uploaded("certificate", label="Certificate", limit=certificates.FILE_LIMIT)},
            expires_on=day_of(typed["expires_on"]),
        )
    except InvalidInput as error:
        db_session().rollback()
        return _page(_fetch(credential_id), errors=error.fields), 422
    db_session().commit()
    return _again(credential_id) if _made(_fetch(credential_id)) else _try(credential_id)


@setup.get("/rotate/<uuid:credential_id>/certificate.cer")
@require(ADMIN)
def new_certificate(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The public part of the certificate that waits, for the upload in Entra."""
    return certificate_file(rotation.waiting_value(db_session(), _fetch(credential_id)))


@setup.post("/rotate/<uuid:credential_id>/test")
@require(ADMIN)
def test_proof(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Tries the one that waits again."""
    return _try(credential_id)


def _try(credential_id: uuid.UUID) -> ResponseReturnValue:
    trial = renewing.prepare(db_session(), _fetch(credential_id))
    if trial is None:
        raise Conflict("There is no new one to test. Add it first.")
    db_session().rollback()
    try:
        renewing.sign_in(trial)
    except TransportError as error:
        public = dict(trial.value.public)
        explained = explain_failure(error, settings={}, public=public)
        return _page(_fetch(credential_id), explained=explained), 422
    try:
        rotation.passed(db_session(), credential_id, trial.row_id)
    except NotFound:
        raise Conflict("Somebody replaced the new one while it was tested. Test it again.") from None
    db_session().commit()
    flash("Microsoft takes the new one. Setups go on with the old one until you move them.", "success")
    return _again(credential_id)


@setup.post("/rotate/<uuid:credential_id>/promote")
@require(ADMIN, proof=True)
def promote(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Every setup uses the new one from now on."""
    rotation.promote(db_session(), _fetch(credential_id), actor=current_actor())
    db_session().commit()
    flash("Every setup uses the new one now. The old one is kept here until you end it.", "success")
    return _again(credential_id)


@setup.post("/rotate/<uuid:credential_id>/back")
@require(ADMIN, proof=True)
def go_back(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The old one is to count again: it is tested, then promoted like a new one."""
    rotation.go_back(db_session(), _fetch(credential_id), actor=current_actor())
    db_session().commit()
    return _try(credential_id)


@setup.post("/rotate/<uuid:credential_id>/end")
@require(ADMIN, proof=True)
def end_old(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The old one is forgotten here."""
    rotation.end_old(db_session(), _fetch(credential_id), actor=current_actor())
    db_session().commit()
    flash("The old one is forgotten here. Delete it in Entra too, if that is not done.", "success")
    return redirect(url_for("credentials.show", credential_id=credential_id))


@setup.post("/rotate/<uuid:credential_id>/discard")
@require(ADMIN, proof=True)
def discard_proof(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The new one is dropped; nothing had followed it."""
    rotation.discard(db_session(), _fetch(credential_id))
    db_session().commit()
    flash("The new one is dropped. Everything goes on as before.", "success")
    return _again(credential_id)


def _again(credential_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("setup.rotate", credential_id=credential_id))


def _fetch(credential_id: uuid.UUID) -> Credential:
    credential = fetch_owned(db_session(), Credential, current_workspace().id, credential_id)
    if not rotation.can_rotate(credential):
        raise Conflict("This credential has one secret at a time. Change it under Edit, or sign in again.")
    return credential


def _made(credential: Credential) -> dict[str, str] | None:
    """The certificate that waits, when it was made here: Microsoft has to get its public part."""
    waiting = rotation.waiting(db_session(), credential)
    if waiting is None or waiting.public.get("certificate_made") != MADE_HERE:
        return None
    return {
        "thumbprint": str(waiting.public["thumbprint"]),
        "download_url": url_for("setup.new_certificate", credential_id=credential.id),
        "entra_url": fillings(waiting.public)["link_secrets"],
    }


def _fields(credential: Credential) -> list[Field]:
    entry = listed(db_session(), credential)
    return [*(shown for shown in entry.type.fields if shown.name in rotation.PROOFS), EXPIRES_ON]


def _page(credential: Credential, **more: Any) -> str:
    entry = listed(db_session(), credential)
    facts = {
        "entry": entry,
        "fields": _fields(credential),
        "values": {name: request.form.get(name, "") for name in ("expires_on",)},
        "waiting": rotation.waiting(db_session(), credential),
        "made": _made(credential),
        "before": rotation.before(db_session(), credential),
        "secrets_page": fillings(entry.version.public)["link_secrets"],
        "errors": {},
        "explained": None,
    }
    return render_template(TEMPLATE, **{**facts, **more})
