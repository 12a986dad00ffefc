"""Signing in again for a credential that there is already: as the same account, or as another one once confirmed."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.credentials import vault
from mailsetup.credentials.listing import Listed, listed
from mailsetup.credentials.models import Credential
from mailsetup.mail_services.base import CredentialValue
from mailsetup.mail_services.credential_types import SHARED, shared_field
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.explain import explain_failure
from mailsetup.web.session import db_session
from mailsetup.wizard import consent, flows
from mailsetup.wizard import other_account as following
from mailsetup.wizard.consent import OtherAccount
from mailsetup.wizard.flows import FlowRefused, Returned, Traveller, use_flow
from mailsetup.wizard.views.blueprint import setup
from mailsetup.wizard.views.leaving import home_of, leave, traveller
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN

NEW_FROM = "new_from"
TEMPLATE, OTHER = "setup/reconnect.html", "setup/other_account.html"


@setup.get("/reconnect/<uuid:credential_id>")
@require(ADMIN, proof=True)
def reconnect(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Says what connecting again does."""
    return _page(_signed_in_entry(credential_id))


@setup.post("/reconnect/<uuid:credential_id>")
@require(ADMIN, proof=True)
def begin_reconnect(credential_id: uuid.UUID) -> ResponseReturnValue:
    """Sends the person to Microsoft, to sign in as the same account again."""
    entry = _signed_in_entry(credential_id)
    value = vault.credential_value(db_session(), entry.credential)
    app = consent.app_facts(value.public)
    if request.form.get(SHARED.name):
        app[SHARED.name] = "true"
    try:
        address = consent.leave_to_sign_in(
            db_session(),
            traveller(),
            value=CredentialValue(value.type, app, value.secrets, value.version_key),
            service=consent.service_to_sign_in_for(db_session(), entry.credential),
            login_hint=value.public.get("account_username", ""),
            credential_id=entry.credential.id,
        )
    except TransportError as error:
        explained = explain_failure(error, settings={}, public=value.public)
        return _page(entry, explained=explained), 422
    db_session().commit()
    return leave(address)


@setup.post("/reconnect/<uuid:credential_id>/explain")
@require(ADMIN)
def explain_reconnect(credential_id: uuid.UUID) -> ResponseReturnValue:
    """What Microsoft's own error page said, explained."""
    entry = _signed_in_entry(credential_id)
    public = vault.public_facts(db_session(), entry.credential)
    try:
        error = consent.pasted_refusal(request.form.get("said", ""), {"public": public})
    except InvalidInput as refused:
        return _page(entry, errors=refused.fields), 422
    return _page(entry, explained=explain_failure(error, settings={}, public=public))


def other_account(returned: Returned, refused: OtherAccount) -> ResponseReturnValue:
    """Somebody else signed in: nothing changes unless it is confirmed here."""
    entry = listed(db_session(), _fetch(returned.credential_id))
    state = consent.keep_other_account(db_session(), traveller(), entry.credential.id, refused)
    facts = {
        "senders": following.own_senders(db_session(), entry.credential),
        "mailbox": following.mailbox_of(refused.kept["public"]),
    }
    db_session().commit()
    return render_template(OTHER, entry=entry, refused=refused, state=state, new_from=NEW_FROM, **facts), 409


@setup.post("/reconnect/<uuid:credential_id>/change")
@require(ADMIN, proof=True)
def change_account(credential_id: uuid.UUID) -> ResponseReturnValue:
    """The credential belongs to the account that signed in last, as somebody confirmed."""
    _signed_in_entry(credential_id)
    try:
        returned = _confirmed(traveller(), credential_id)
    except FlowRefused as error:
        return render_template("setup/flow_refused.html", reason=error.reason), 400
    credential, left = consent.change_account(
        db_session(),
        returned,
        workspace_id=current_workspace().id,
        actor=current_actor(),
        new_from=bool(request.form.get(NEW_FROM)),
    )
    db_session().commit()
    flash(following.told(credential, returned.kept["public"]["account_username"], left), "warning")
    return redirect(home_of(credential))


def _confirmed(who: Traveller, credential_id: uuid.UUID) -> Returned:
    """The kept sign-in of another account, used up. Raises FlowRefused."""
    returned = use_flow(db_session(), who, request.form.get("state", "")[:200])
    if (returned.purpose, returned.credential_id) != (flows.OTHER_ACCOUNT, credential_id):
        raise FlowRefused("unknown")
    return returned


def _page(entry: Listed, **more: Any) -> str:
    service = consent.service_to_sign_in_for(db_session(), entry.credential)
    facts: dict[str, Any] = {"entry": entry, "service": service, "explained": None, "errors": {}}
    facts["shared"] = shared_field(service.shared_permission)
    facts["explain_url"] = url_for("setup.explain_reconnect", credential_id=entry.credential.id)
    return render_template(TEMPLATE, **{**facts, **more})


def _fetch(credential_id: uuid.UUID | None) -> Credential:
    return fetch_owned(db_session(), Credential, current_workspace().id, credential_id or uuid.UUID(int=0))


def _signed_in_entry(credential_id: uuid.UUID) -> Listed:
    entry = listed(db_session(), _fetch(credential_id))
    if not entry.signed_in:
        raise Conflict("This credential was not made by signing in. Change it on its own page.")
    return entry
