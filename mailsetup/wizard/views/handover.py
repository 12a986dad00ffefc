"""The link for the customer's Microsoft admin: made and ended in the wizard, used by somebody without an account."""

from __future__ import annotations

import hmac
import uuid
from typing import Any

from flask import Blueprint, current_app, flash, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core import walls
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.credentials import vault
from mailsetup.credentials.certificate_file import certificate_file
from mailsetup.credentials.form import offered
from mailsetup.mail_services import registry
from mailsetup.mail_services.credential_types import SHARED
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints.words import fillings
from mailsetup.outbound.explain import explain_failure
from mailsetup.platform import current_platform
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.wizard import consent, drafts, handover, steps
from mailsetup.wizard.guide import Guide, guide_of
from mailsetup.wizard.models import Handover, SetupDraft
from mailsetup.wizard.views.blueprint import find_draft, go, page, setup
from mailsetup.wizard.views.credential import TEMPLATE, choices
from mailsetup.workspaces.access import current_actor, public, require
from mailsetup.workspaces.models import ADMIN, Workspace
from mailsetup.workspaces.views.throttle import throttled

link = Blueprint("handover", __name__, url_prefix="/handover")
SHOW = "handover/show.html"
STATE = "handover_state"
FIELDS = tuple(shown for shown in handover.APP.fields if shown.name in handover.ASKED)


@setup.post("/<uuid:draft_id>/handover")
@require(ADMIN, proof=True)
def make_handover(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Makes the link, and shows it this once."""
    draft = find_draft(draft_id)
    wanted = request.form.get("type", handover.APP.name)
    if SHARED.name in request.form:
        drafts.keep_typed(draft, {SHARED.name: "true"})
    secret = handover.make(db_session(), draft, wanted, actor=current_actor())
    db_session().commit()
    address = f"{current_app.config['BASE_URL']}{url_for('handover.show', token=secret)}"
    facts = {**choices(draft), "handover_link": address}
    return make_response(page(TEMPLATE, draft, steps.CREDENTIAL, **facts), 201)


@setup.post("/<uuid:draft_id>/handover/revoke")
@require(ADMIN, proof=True)
def end_handover(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Ends the link."""
    draft = find_draft(draft_id)
    handover.end(db_session(), draft, actor=current_actor())
    db_session().commit()
    flash("The link has ended. What was given over it is kept.", "success")
    return go(draft, steps.CREDENTIAL)


@link.errorhandler(NotFound)
def unusable(_error: NotFound) -> ResponseReturnValue:
    """The one page for every link that does not work."""
    return render_template("handover/unusable.html"), 404


@link.get("/<token>", endpoint="show")
@public
def show(token: str) -> ResponseReturnValue:
    """What is to be done, the values to copy, and how far it is."""
    row = _find(token)
    handover.opened(row)
    db_session().commit()
    return render_template(SHOW, **_facts(row, token), errors={})


@link.post("/<token>/app", endpoint="give_app")
@throttled("handover-app")
@public
def give_app(token: str) -> ResponseReturnValue:
    """Takes the app's two ids; a certificate is made for it."""
    row = _find(token)
    typed = form_values(FIELDS)
    try:
        handover.give_app(db_session(), row, typed)
    except InvalidInput as error:
        db_session().rollback()
        return invalid(SHOW, error.fields, **{**_facts(_find(token), token), "values": typed})
    db_session().commit()
    flash("Thank you. Now upload the certificate below, so that the app can sign in.", "success")
    return _again(token)


@link.get("/<token>/certificate.cer", endpoint="certificate")
@public
def certificate(token: str) -> ResponseReturnValue:
    """The public part of the app's certificate."""
    found = handover.credential_of(db_session(), _find(token))
    if found is None:
        raise NotFound("no certificate yet")
    return certificate_file(vault.credential_value(db_session(), found))


@link.post("/<token>/consent", endpoint="consent")
@throttled("handover-consent")
@public
def leave(token: str) -> ResponseReturnValue:
    """Sends the admin to Microsoft, to approve the app."""
    address, state = handover.consent_address(db_session(), _find(token), _redirect_uri())
    db_session().commit()
    session[STATE] = f"{state} {token}"
    return render_template("handover/leaving.html", address=address)


@link.get("/callback", endpoint="callback")
@public
def callback() -> ResponseReturnValue:
    """Where Microsoft sends the admin back to. The tenant it names is not looked at: a token proves it."""
    state, _, token = str(session.pop(STATE, "")).partition(" ")
    row = handover.return_with(db_session(), request.args.get("state", "")[:200])
    db_session().commit()
    if not state or not hmac.compare_digest(state, request.args.get("state", "")):
        raise NotFound("begun in another browser")
    walls.narrow(db_session(), row.workspace_id)
    params = {name: value[:4000] for name, value in request.args.items()}
    error = consent.consent_refusal(params, {"public": _public(row)})
    if error is not None:
        return _explained(row, token, error)
    handover.consented(row, params.get("tenant", ""))
    db_session().commit()
    flash("Microsoft says that the app is approved. It counts after 2-3 minutes; then choose Check.", "success")
    return _again(token)


@link.post("/<token>/check", endpoint="check")
@throttled("handover-check")
@public
def check(token: str) -> ResponseReturnValue:
    """Asks Microsoft for a token: the proof that everything is in place."""
    row = _find(token)
    try:
        handover.prove(db_session(), row)
    except TransportError as error:
        return _explained(_find(token), token, error)
    db_session().commit()
    return _again(token)


def _find(token: str) -> Handover:
    row = handover.find(db_session(), token)
    walls.narrow(db_session(), row.workspace_id)
    return row


def _again(token: str) -> ResponseReturnValue:
    return redirect(url_for("handover.show", token=token))


def _redirect_uri() -> str:
    """A door of its own: ours for people with an account asks them to sign in."""
    return f"{current_app.config['BASE_URL']}{url_for('handover.callback')}"


def _explained(row: Handover, token: str, error: TransportError) -> ResponseReturnValue:
    explained = explain_failure(error, settings={}, public=_public(row))
    return render_template(SHOW, **{**_facts(row, token), "explained": explained}, errors={}), 422


def _public(row: Handover) -> dict[str, str]:
    """What may be shown of the app, as far as it is known."""
    if handover.progress(row).ours:
        known = {"client_id": current_platform().client_id, "tenant_id": row.claimed_tenant, "app": "platform"}
    else:
        found = handover.credential_of(db_session(), row)
        known = vault.public_facts(db_session(), found) if found else {}
    return {**known, "object_id": row.object_id}


def _guide(row: Handover, known: dict[str, str], draft: SetupDraft) -> Guide:
    """The steps; whoever registers an app for signing in registers two addresses to come back to."""
    signing_in, back = not handover.progress(row).app_only, _redirect_uri()
    return guide_of(
        known,
        signing_in=signing_in,
        from_address=str(drafts.as_typed(draft.settings).get("from_address", "")),
        redirect_uri=current_platform().redirect_uri if signing_in else back,
        more_redirect_uri=back if signing_in else "",
        handed_over=True,
    )


def _facts(row: Handover, token: str) -> dict[str, Any]:
    known = _public(row)
    draft = db_session().get_one(SetupDraft, row.draft_id)
    service = registry.get(row.kind)
    return {
        "token": token,
        "progress": handover.progress(row),
        "workspace": db_session().get_one(Workspace, row.workspace_id),
        "service": service,
        "draft": draft,
        "guide": _guide(row, known, draft),
        "scopes": [scope.rpartition("/")[2] for scope in handover.scopes_of(row, draft)],
        "fields": offered(FIELDS),
        "values": known,
        "made": _made(known, token),
        "explained": None,
    }


def _made(known: dict[str, str], token: str) -> dict[str, str] | None:
    if not known.get("thumbprint"):
        return None
    return {
        "thumbprint": known["thumbprint"],
        "download_url": url_for("handover.certificate", token=token),
        "entra_url": fillings(known)["link_secrets"],
    }
