"""To Microsoft and back: signing in, connecting again, and an admin's consent."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import Conflict, InvalidInput, NotFound
from mailsetup.credentials import vault
from mailsetup.mail_services.base import Consent, CredentialValue
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.explain import explain_failure
from mailsetup.platform import current_platform
from mailsetup.web.forms import form_values
from mailsetup.web.session import db_session
from mailsetup.wizard import consent, drafts, flows, handover, steps
from mailsetup.wizard.flows import FlowRefused, Returned, use_flow
from mailsetup.wizard.models import SetupDraft
from mailsetup.wizard.views.blueprint import find_draft, go, page, setup, wrong
from mailsetup.wizard.views.credential import TEMPLATE, choices, own_app_fields
from mailsetup.wizard.views.leaving import home_of, leave, traveller
from mailsetup.wizard.views.reconnect import other_account
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN


@setup.post("/<uuid:draft_id>/sign-in")
@require(ADMIN, proof=True)
def sign_in(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Sends the person to Microsoft, to sign in as the mailbox."""
    draft = find_draft(draft_id)
    try:
        address = consent.leave_to_sign_in(
            db_session(),
            traveller(),
            value=_app_to_sign_in_through(draft),
            service=drafts.kind_of(draft),
            login_hint=str(draft.settings.get("from_address") or ""),
            draft_id=draft.id,
        )
    except InvalidInput as error:
        answer: ResponseReturnValue = wrong(TEMPLATE, draft, steps.CREDENTIAL, error.fields, **choices(draft))
        return answer
    except TransportError as error:
        return _not_begun(draft, error)
    db_session().commit()
    return leave(address)


def _app_to_sign_in_through(draft: SetupDraft) -> CredentialValue:
    """Ours, one that is typed in, or the one that a Microsoft admin set up over the link. Raises InvalidInput."""
    chosen = request.form.get("app", "")
    if chosen != "handed_over":
        return consent.clean_app({**form_values(own_app_fields()), "app": chosen})
    found = handover.handed_app(db_session(), draft)
    if found is None:
        raise Conflict("Your Microsoft admin is not finished with the app. Wait until the steps are done.")
    return consent.through_app(found)


def _not_begun(draft: SetupDraft, error: TransportError) -> ResponseReturnValue:
    explained = explain_failure(error, settings=draft.settings)
    return page(TEMPLATE, draft, steps.CREDENTIAL, explained=explained, **choices(draft)), 422


@setup.post("/<uuid:draft_id>/explain")
@require(ADMIN)
def explain(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Some refusals never come back from Microsoft: the person pastes what its page said, and learns what to do."""
    draft = find_draft(draft_id)
    public = _app_in_question(draft)
    try:
        error = consent.pasted_refusal(request.form.get("said", ""), {"public": public})
    except InvalidInput as refused:
        answer: ResponseReturnValue = wrong(TEMPLATE, draft, steps.CREDENTIAL, refused.fields, **choices(draft))
        return answer
    explained = explain_failure(error, settings=draft.settings, public=public)
    return page(TEMPLATE, draft, steps.CREDENTIAL, explained=explained, **choices(draft))


def _app_in_question(draft: SetupDraft) -> dict[str, str]:
    """The app of the chosen credential; before somebody signed in for the first time most likely ours."""
    chosen = drafts.credential_of(db_session(), draft)
    if chosen is not None:
        return vault.public_facts(db_session(), chosen)
    ours = current_platform().client_id
    signs_in = drafts.kind_of(draft).consent is Consent.SIGN_IN
    return {"client_id": ours, "tenant_id": "organizations"} if ours and signs_in else {}


@setup.post("/<uuid:draft_id>/admin-consent")
@require(ADMIN)
def admin_consent(draft_id: uuid.UUID) -> ResponseReturnValue:
    """Sends a Microsoft admin to the page where the app is approved."""
    draft = find_draft(draft_id)
    chosen = drafts.credential_of(db_session(), draft)
    if chosen is None:
        raise Conflict("Choose or make the credential first: the approval is for its app.")
    address = consent.leave_to_consent(db_session(), traveller(), chosen, draft_id=draft.id)
    db_session().commit()
    return leave(address)


@setup.get("/microsoft/callback")
@require(ADMIN)
def callback() -> ResponseReturnValue:
    """Where Microsoft sends a person back to; `state` decides what for, and is used up first."""
    params = {name: value[:4000] for name, value in request.args.items()}
    try:
        returned = use_flow(db_session(), traveller(), params.get("state", ""))
    except FlowRefused as error:
        return render_template("setup/flow_refused.html", reason=error.reason), 400
    if returned.purpose == flows.ADMIN_CONSENT:
        return _consented(returned, params)
    if returned.purpose != flows.SIGN_IN:
        return render_template("setup/flow_refused.html", reason="unknown"), 400
    return _signed_in(returned, params)


def _signed_in(returned: Returned, params: dict[str, str]) -> ResponseReturnValue:
    draft = _draft_of(returned)
    chosen = draft.credential_id if draft is not None else None
    db_session().rollback()  # no transaction stays open while Microsoft is asked
    try:
        credential = consent.return_from_sign_in(
            db_session(),
            returned,
            params,
            workspace_id=current_workspace().id,
            actor=current_actor(),
            chosen=chosen,
        )
    except TransportError as error:
        db_session().rollback()
        explained = explain_failure(error, settings={}, public=returned.kept["public"])
        return render_template("setup/not_connected.html", explained=explained, **_way_back(returned)), 400
    except consent.OtherAccount as error:
        db_session().rollback()
        return other_account(returned, error)
    draft = _draft_of(returned)
    if draft is not None:
        draft.credential_id = credential.id
        drafts.touch(draft)
    db_session().commit()
    account = vault.public_facts(db_session(), credential).get("account_username", "")
    flash(f"Connected as {account or credential.name}. A test shows whether mail goes out.", "success")
    return go(draft, steps.SENDER) if draft is not None else redirect(home_of(credential))


def _consented(returned: Returned, params: dict[str, str]) -> ResponseReturnValue:
    error = consent.consent_refusal(params, returned.kept)
    if error is not None:
        explained = explain_failure(error, settings={}, public=returned.kept["public"])
        return render_template("setup/not_connected.html", explained=explained, **_way_back(returned)), 400
    flash("Microsoft says that the app is approved. Give it 2-3 minutes; the test shows whether it counts.", "success")
    draft = _draft_of(returned)
    return go(draft, steps.TEST) if draft is not None else redirect(url_for("setup.index"))


def _draft_of(returned: Returned) -> SetupDraft | None:
    try:
        return find_draft(returned.draft_id) if returned.draft_id else None
    except NotFound:
        return None


def _way_back(returned: Returned) -> dict[str, str]:
    """Where to try again."""
    if returned.draft_id is not None and _draft_of(returned) is not None:
        return {"back": url_for("setup.credential", draft_id=returned.draft_id)}
    if returned.credential_id is not None:
        return {"back": url_for("setup.reconnect", credential_id=returned.credential_id)}
    return {"back": url_for("setup.index")}
