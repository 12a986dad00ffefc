"""Pages of credentials: list, make, look at, edit, delete. No page ever holds a secret."""

from __future__ import annotations

import uuid

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.credentials import banners, rights, vault
from mailsetup.credentials.calendar_pages import calendar
from mailsetup.credentials.certificate_file import certificate_file
from mailsetup.credentials.form import credential_form, posted_entries, posted_form
from mailsetup.credentials.listing import SORTS, Listed, list_all, listed
from mailsetup.credentials.models import Credential
from mailsetup.credentials.rights_pages import blueprint as rights_pages
from mailsetup.credentials.rotation import can_rotate
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import Consent
from mailsetup.mail_services.credential_types import CredentialType
from mailsetup.mail_services.hints.words import fillings
from mailsetup.web.forms import invalid
from mailsetup.web.frame import register_frame
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_user, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

SETUP_PATH = "/setup"
RECONNECT = "setup.reconnect"
ROTATE, PERMISSIONS = "setup.rotate", "setup.permissions"

credentials = Blueprint("credentials", __name__, url_prefix="/credentials")
blueprints: tuple[Blueprint, ...] = (credentials, calendar, rights_pages)
register_frame(banners.expiring_credentials)


@credentials.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """The workspace's credentials."""
    sort = request.args.get("sort", "name")
    sort = sort if sort.removeprefix("-") in SORTS else "name"
    entries = list_all(db_session(), current_workspace().id, sort=sort)
    return render_template("credentials/index.html", entries=entries, sort=sort)


@credentials.get("/new")
@require(ADMIN, proof=True)
def new() -> ResponseReturnValue:
    """Which type, and then its form."""
    name = request.args.get("type", "")
    if not name:
        return render_template(
            "credentials/choose.html",
            types=credential_types.all_types(),
            sign_in=Consent.SIGN_IN,
            setup_path=SETUP_PATH,
        )
    return render_template("credentials/new.html", form=credential_form(_formed_type(name)))


@credentials.post("/new")
@require(ADMIN, proof=True)
def create() -> ResponseReturnValue:
    """Makes one out of the form."""
    type_ = _formed_type(request.form.get("type", ""))
    try:
        credential = vault.create_credential(
            db_session(),
            workspace_id=current_workspace().id,
            actor=current_actor(),
            user_id=current_user().id,
            type=type_.name,
            **posted_entries(type_),
        )
    except InvalidInput as error:
        db_session().rollback()
        return invalid("credentials/new.html", error.fields, form=posted_form(type_, error.fields))
    db_session().commit()
    flash(f"“{credential.name}” is saved. You can choose it in a setup now.", "success")
    return redirect(url_for("credentials.show", credential_id=credential.id))


def _formed_type(name: str) -> CredentialType:
    type_ = credential_types.get(name)
    if type_.consent is Consent.SIGN_IN:
        raise Conflict(vault.MADE_BY_SIGNING_IN)
    return type_


@credentials.get("/<uuid:credential_id>")
@require(MEMBER)
def show(credential_id: uuid.UUID) -> ResponseReturnValue:
    """One credential: facts, expiry, and what uses it."""
    entry = listed(db_session(), _fetch(credential_id))
    facts = {"reconnect_url": _reconnect_url(entry), "rotate_url": _rotate_url(entry)}
    facts["permissions_url"] = _permissions_url(entry)
    users = rights.named_users(db_session(), entry.credential)
    open_to = {"users": users, "open_to": rights.WORDS[entry.credential.open_to]}
    return render_template("credentials/show.html", entry=entry, made=made_certificate(entry), **open_to, **facts)


@credentials.get("/<uuid:credential_id>/certificate.cer")
@require(MEMBER)
def certificate(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The public part of its certificate, for the upload in Entra."""
    return certificate_file(vault.credential_value(db_session(), _fetch(credential_id)))


@credentials.get("/<uuid:credential_id>/edit")
@require(ADMIN, proof=True)
def edit(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a stored credential; its secrets are not in it."""
    entry = listed(db_session(), _fetch(credential_id))
    form = credential_form(entry.type, credential=entry.credential, version=entry.version)
    facts = {"reconnect_url": _reconnect_url(entry), "back": _way_back(credential_id)}
    return render_template("credentials/edit.html", entry=entry, form=form, **facts)


@credentials.post("/<uuid:credential_id>/edit")
@require(ADMIN, proof=True)
def update(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Saves an edit, if nobody else was faster."""
    entry = listed(db_session(), _fetch(credential_id))
    try:
        vault.update_credential(
            db_session(),
            entry.credential,
            actor=current_actor(),
            user_id=current_user().id,
            revision=_posted_revision(),
            **posted_entries(entry.type),
        )
    except InvalidInput as error:
        return _edit_again(credential_id, error)
    db_session().commit()
    flash(_saved(entry), "success")
    return redirect(_way_back(credential_id))


def _way_back(credential_id: uuid.UUID) -> str:
    """Where the person came from to edit it, else its own page."""
    return local_path(request.values.get("next"), otherwise=url_for("credentials.show", credential_id=credential_id))


def _edit_again(credential_id: uuid.UUID, error: InvalidInput) -> ResponseReturnValue:
    db_session().rollback()
    entry = listed(db_session(), _fetch(credential_id))
    form = posted_form(entry.type, error.fields, credential=entry.credential, version=entry.version)
    facts = {"reconnect_url": _reconnect_url(entry), "back": _way_back(credential_id)}
    return invalid("credentials/edit.html", error.fields, entry=entry, form=form, **facts)


def _saved(entry: Listed) -> str:
    """What was saved; with another version, that setups use it from now on."""
    name = f"“{entry.credential.name}” is saved."
    followed = entry.uses and entry.version.version != entry.credential.version
    return f"{name} Setups that use it follow at once." if followed else name


def _posted_revision() -> int:
    text = request.form.get("revision", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Conflict(vault.STALE)
    return int(text)


@credentials.get("/<uuid:credential_id>/delete")
@require(ADMIN, proof=True)
def confirm_delete(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Asks once, or says what uses it."""
    return render_template("credentials/delete.html", entry=listed(db_session(), _fetch(credential_id)), refused=False)


@credentials.post("/<uuid:credential_id>/delete")
@require(ADMIN, proof=True)
def delete(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Deletes it, unless something uses it."""
    credential = _fetch(credential_id)
    name = credential.name
    try:
        vault.delete_credential(db_session(), credential, actor=current_actor())
    except vault.CredentialInUse:
        db_session().rollback()
        entry = listed(db_session(), _fetch(credential_id))
        return render_template("credentials/delete.html", entry=entry, refused=True), 409
    db_session().commit()
    flash(f"“{name}” is deleted.", "success")
    return redirect(url_for("credentials.index"))


def _permissions_url(entry: Listed) -> str:
    """Where one sees what the app or sign-in may do at Microsoft; empty for a login elsewhere."""
    if entry.type.consent is Consent.NONE or PERMISSIONS not in current_app.view_functions:
        return ""
    return url_for(PERMISSIONS, credential_id=entry.credential.id)


def made_certificate(entry: Listed) -> dict[str, str] | None:
    """Where a certificate made here is downloaded, and where it is uploaded; None for everything else."""
    if not entry.made_here:
        return None
    public = entry.version.public
    return {
        "thumbprint": str(public["thumbprint"]),
        "download_url": url_for("credentials.certificate", credential_id=entry.credential.id),
        "entra_url": fillings(public)["link_secrets"],
    }


def _fetch(credential_id: uuid.UUID) -> Credential:
    return fetch_owned(db_session(), Credential, current_workspace().id, credential_id)


def _reconnect_url(entry: Listed) -> str:
    if not entry.signed_in or RECONNECT not in current_app.view_functions:
        return ""
    return url_for(RECONNECT, credential_id=entry.credential.id)


def _rotate_url(entry: Listed) -> str:
    """Where a second secret is given beside the one in use; empty where the service takes one only."""
    if not can_rotate(entry.credential) or ROTATE not in current_app.view_functions:
        return ""
    return url_for(ROTATE, credential_id=entry.credential.id)
