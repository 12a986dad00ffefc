"""Signing in, proving it again and connecting an account, at an issuer that the operator configured."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from mailsetup import settings
from mailsetup.core.errors import Conflict
from mailsetup.core.issuers import ALWAYS, Issuer
from mailsetup.web.forms import invalid
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces import access, identities, invitations, issuers, login, second_factor, sessions, sign_in_flows
from mailsetup.workspaces.issuer_words import NotSignedIn
from mailsetup.workspaces.issuers import IssuerRefused, Somebody
from mailsetup.workspaces.models import Identity, Invitation, User
from mailsetup.workspaces.sign_in import note_sign_in
from mailsetup.workspaces.sign_in_flows import CONNECT, PROVE, SIGN_IN, FlowRefused, Returned
from mailsetup.workspaces.views.proof import again_facts
from mailsetup.workspaces.views.throttle import throttled, throttled_person

blueprint = Blueprint("with_issuer", __name__, url_prefix="/sign-in/with/<issuer>")
BROWSER = "sign_in_browser"


@blueprint.errorhandler(NotSignedIn)
def not_signed_in(error: NotSignedIn) -> ResponseReturnValue:
    """What happened, and who acts."""
    db_session().rollback()
    return render_template("sign_in/not_signed_in.html", words=error.words, said=error.said), error.words.status


@blueprint.post("", endpoint="leave")
@throttled("sign-in-with")
@access.public
def leave(issuer: str) -> ResponseReturnValue:
    """Leaves to sign in; with an invitation, to join."""
    found, token = issuers.find_issuer(issuer), request.form.get("invitation", "")
    invitation = invitations.find_by_token(db_session(), token) if token else None
    if invitation and settings.current().confirm_sign_up and not invitations.proves_address(invitation, token):
        raise NotSignedIn("address", name=found.name)
    return _leave(found, SIGN_IN, invitation_id=invitation.id if invitation else None, way_back=_next())


@blueprint.post("/again", endpoint="leave_again")
@throttled_person("prove-again")
@access.signed_in
def leave_again(issuer: str) -> ResponseReturnValue:
    """Leaves to prove it once more; a second factor of our own is shown before."""
    found, user = issuers.find_issuer(issuer), access.current_user()
    asks = found.second_factor != ALWAYS and second_factor.is_on(db_session(), user.id)
    if asks and not second_factor.check(db_session(), user, request.form.get("code", "")[:100]):
        return invalid("sign_in/again.html", {"code": second_factor.WRONG}, **again_facts())
    return _leave(found, PROVE, user_id=user.id, way_back=_next(), strong=asks)


@blueprint.post("/connect", endpoint="connect")
@access.signed_in_lately
def leave_to_connect(issuer: str) -> ResponseReturnValue:
    """Leaves to connect an account there with the one here."""
    return _leave(issuers.find_issuer(issuer), CONNECT, user_id=access.current_user().id)


@blueprint.get("/back", endpoint="back")
@access.public
def back(issuer: str) -> ResponseReturnValue:
    """Who comes back, and for what they left."""
    found = issuers.find_issuer(issuer)
    try:
        returned = sign_in_flows.use(
            db_session(),
            issuer_key=found.key,
            browser=str(session.get(BROWSER, "")),
            state=request.args.get("state", "")[:200],
        )
        began = returned.began_at.timestamp() if returned.purpose == PROVE else 0.0
        somebody = issuers.somebody_back(found, returned.trip, request.args.to_dict(), began=began)
    except FlowRefused as error:
        raise NotSignedIn("begin", name=found.name) from error
    except IssuerRefused as error:
        said = error.detail if error.reason == "declined" else ""
        raise NotSignedIn(error.reason, name=found.name, said=said) from error
    deeds = {SIGN_IN: _sign_in, PROVE: _prove, CONNECT: _connect}
    return deeds[returned.purpose](found, returned, somebody)


def _leave(issuer: Issuer, purpose: str, **facts: Any) -> ResponseReturnValue:
    browser = session.setdefault(BROWSER, secrets.token_urlsafe(32))
    trip = sign_in_flows.begin(db_session(), issuer_key=issuer.key, purpose=purpose, browser=browser, **facts)
    db_session().commit()  # nothing is locked while the issuer is asked
    try:
        address = issuers.authorization_url(issuer, trip, again=purpose == PROVE)
    except IssuerRefused as error:
        raise NotSignedIn(error.reason, name=issuer.name) from error
    return render_template("sign_in/leaving.html", address=address, issuer=issuer)


def _sign_in(issuer: Issuer, returned: Returned, somebody: Somebody) -> ResponseReturnValue:
    identity = identities.find(db_session(), somebody)
    invitation = db_session().get(Invitation, returned.invitation_id) if returned.invitation_id else None
    if identity is None and invitation is None:
        raise NotSignedIn("unknown", name=issuer.name, account=somebody.label)
    if identity is None and invitation is not None:
        try:
            user = identities.join(db_session(), invitation, issuer, somebody).user
        except Conflict as error:
            raise NotSignedIn("taken", name=issuer.name, account=str(error)) from error
        return _begin(user, issuer, somebody, "/")
    return _known(identity, invitation, issuer, somebody, returned.way_back)


def _known(
    identity: Identity | None, invitation: Invitation | None, issuer: Issuer, somebody: Somebody, way_back: str
) -> ResponseReturnValue:
    """Somebody who has an account here; an invitation waits until they are in."""
    if identity is None:
        raise NotSignedIn("unknown", name=issuer.name, account=somebody.label)
    identities.note_use(identity, somebody)
    if invitation is not None:
        flash(f"You are signed in. Open the link of the invitation again to join {invitation.workspace.name}.")
    return _begin(identity.user, issuer, somebody, way_back)


def _begin(user: User, issuer: Issuer, somebody: Somebody, way_back: str) -> ResponseReturnValue:
    proved = datetime.fromtimestamp(somebody.proved_at or 0, UTC)
    if not somebody.strong and second_factor.is_on(db_session(), user.id):
        login.begin_pending(user, proved_at=proved)
        db_session().commit()
        return redirect(url_for("second_step.index", next=way_back if way_back != "/" else None))
    note_sign_in(db_session(), user, detail={"at": issuer.name})
    login.begin_session(user, strong=somebody.strong, proved_at=proved)
    db_session().commit()
    return redirect(way_back)


def _prove(issuer: Issuer, returned: Returned, somebody: Somebody) -> ResponseReturnValue:
    row, identity = login.signed_in_session(), identities.find(db_session(), somebody)
    if row is None or row.user_id != returned.user_id:
        raise NotSignedIn("begin", name=issuer.name)
    if identity is None or identity.user_id != row.user_id:
        raise NotSignedIn("other", name=issuer.name, account=somebody.label)
    strong = somebody.strong or returned.strong
    if not strong and second_factor.is_on(db_session(), row.user_id):
        raise NotSignedIn("begin", name=issuer.name)
    login.prove_again(strong=strong)
    db_session().commit()
    return redirect(returned.way_back)


def _connect(issuer: Issuer, returned: Returned, somebody: Somebody) -> ResponseReturnValue:
    row = login.signed_in_session()
    if row is None or row.user_id != returned.user_id or not sessions.proved_lately(row):
        raise NotSignedIn("begin", name=issuer.name)
    try:
        identities.connect(db_session(), row.user, issuer, somebody)
    except Conflict as error:
        raise NotSignedIn("taken", name=issuer.name, account=str(error)) from error
    db_session().commit()
    flash(f"{somebody.label} at {issuer.name} signs you in from now on.")
    return redirect(url_for("security.index"))


def _next() -> str:
    return local_path(request.form.get("next"))
