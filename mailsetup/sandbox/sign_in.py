"""The pages a person sees at Microsoft: who are you, your second factor, do you agree."""

from __future__ import annotations

import secrets
import time

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mailsetup.sandbox import tokens
from mailsetup.sandbox.aadsts import EntraRefusal, refusal
from mailsetup.sandbox.consent import Asked, asked_of_admin, asked_of_person, missing, named_scopes
from mailsetup.sandbox.people import PERSONAL, Mailbox, new_id
from mailsetup.sandbox.resources import RESOURCES
from mailsetup.sandbox.state import state
from mailsetup.sandbox.visits import Visit, answer, answer_error, as_error, error_page, find_visit, remembered

bp = Blueprint("sign_in", __name__, url_prefix="/sign-in")

_UNKNOWN = "We couldn't find an account with that username. (AADSTS50034)"
_WRONG = "Your account or password is incorrect. (AADSTS50126)"
_BLOCKED = "Your account has been locked. Contact your support person to unlock it. (AADSTS50057)"


@bp.get("/<name>")
def who(name: str) -> str:
    """The account picker when somebody is signed in here, else the address and password."""
    visit = find_visit(name)
    people = remembered(visit.tenant_id)
    if people and visit.prompt != "login" and "other" not in request.args:
        return render_template("sandbox/picker.html", visit=visit, people=people)
    return render_template("sandbox/sign_in.html", visit=visit, address=visit.login_hint, problem="")


@bp.post("/<name>/account")
def pick(name: str) -> Response | str:
    """One of those who are signed in here."""
    visit = find_visit(name)
    person = next((each for each in remembered() if each.object_id == request.form.get("account")), None)
    if person is None:
        return redirect(url_for("sign_in.who", name=name, other=1), 303)
    visit.factor_done = True
    visit.signed_in(person)
    return go_on(visit)


@bp.post("/<name>")
def password(name: str) -> Response | str:
    """The address and the password."""
    visit = find_visit(name)
    address = request.form.get("address", "").strip().lower()
    person = state().world.find_mailbox(address) if "@" in address else None
    problem = _sign_in_problem(person, request.form.get("password", ""))
    if person is None or problem:
        return render_template("sandbox/sign_in.html", visit=visit, address=address, problem=problem)
    if visit.tenant_id not in ("", person.tenant_id):
        organisation = visit.organisation
        return error_page(refusal(50020, user=address, directory=organisation.name if organisation else ""))
    if person.tenant_id == PERSONAL and (visit.audience == "organizations" or not visit.app.personal):
        return error_page(refusal(500208))
    visit.signed_in_at = int(time.time())
    visit.signed_in(person)
    return go_on(visit)


@bp.get("/<name>/code")
def code(name: str) -> str:
    """The second factor."""
    return render_template("sandbox/code.html", visit=find_visit(name), problem="")


@bp.post("/<name>/code")
def check_code(name: str) -> Response | str:
    """The number of the second factor."""
    visit = find_visit(name)
    if not secrets.compare_digest(request.form.get("otc", "").strip().encode(), visit.number.encode()):
        problem = "You didn't enter the expected verification code. Please try again. (AADSTS500121)"
        return render_template("sandbox/code.html", visit=visit, problem=problem)
    person = visit.person
    if person is None:
        return redirect(url_for("sign_in.who", name=name), 303)
    visit.factor_done = True
    visit.signed_in(person)
    return go_on(visit)


@bp.get("/<name>/consent")
def consent(name: str) -> Response | str:
    """What the app asks for; or, where only an admin may agree, who can."""
    visit = find_visit(name)
    person = visit.person
    if person is None or (person.mfa and not visit.factor_done):
        return redirect(url_for("sign_in.who", name=name), 302)
    asked = asked_of_admin(visit) if visit.admin else asked_of_person(visit)
    page = "consent" if _may_agree(visit, person, asked) else "admin_needed"
    return render_template(f"sandbox/{page}.html", visit=visit, person=person, asked=asked, resources=RESOURCES)


@bp.post("/<name>/consent")
def decide(name: str) -> Response | str:
    """Accept or Cancel."""
    visit = find_visit(name)
    person = visit.person
    if person is None or (person.mfa and not visit.factor_done):
        return redirect(url_for("sign_in.who", name=name), 303)
    asked = asked_of_admin(visit) if visit.admin else asked_of_person(visit)
    if not _may_agree(visit, person, asked):
        return answer_error(visit, refusal(90094))
    if request.form.get("decision") != "accept":
        return answer_error(visit, refusal(65004))
    if visit.admin:
        return _admin_agreed(visit, person)
    permissions = [each.permission for each in asked if not each.permission.startswith("oidc/")]
    if person.admin and request.form.get("everybody"):
        state().world.grant_scopes(visit.app, person.tenant_id, permissions)
    else:
        state().world.grant_to_person(visit.app, person, permissions)
    return _finish(visit, person)


def go_on(visit: Visit) -> Response | str:
    """The next page of a visit, or its end."""
    person = visit.person
    if person is None:
        return redirect(url_for("sign_in.who", name=visit.name), 303)
    if person.mfa and not visit.factor_done:
        return redirect(url_for("sign_in.code", name=visit.name), 303)
    fact = state().switches.entra("callback")
    if fact is not None:
        return answer_error(visit, EntraRefusal(fact, user=person.address))
    if not (visit.admin or missing(visit, person) or visit.prompt == "consent"):
        return _finish(visit, person)
    if visit.prompt == "none":
        return answer_error(visit, as_error(refusal(65001), "consent_required"))
    return redirect(url_for("sign_in.consent", name=visit.name), 303)


def _sign_in_problem(person: Mailbox | None, given: str) -> str:
    if person is None:
        return _UNKNOWN
    if not secrets.compare_digest(person.password.encode(), given.encode()):
        return _WRONG
    return _BLOCKED if person.blocked or person.shared else ""


def _may_agree(visit: Visit, person: Mailbox, asked: list[Asked]) -> bool:
    if person.admin:
        return True
    organisation = state().world.organisation_of(person)
    return not visit.admin and organisation.user_consent and not any(each.restricted for each in asked)


def _admin_agreed(visit: Visit, person: Mailbox) -> Response | str:
    resources = [scope.resource.key for scope in visit.scopes if scope.resource]
    named = named_scopes(visit)
    if named:
        state().world.grant_scopes(visit.app, person.tenant_id, named)
    for resource in () if named else resources or (None,):
        state().world.grant_consent(visit.client_id, person.tenant_id, resource=resource)
    return answer(visit, {"admin_consent": "True", "tenant": person.tenant_id, "scope": visit.scope})


def _finish(visit: Visit, person: Mailbox) -> Response | str:
    made = f"1.{secrets.token_urlsafe(40)}"
    kept = {
        "client_id": visit.client_id,
        "person": person.object_id,
        "tenant_id": person.tenant_id,
        "scope": visit.scope,
        "nonce": visit.nonce,
        "auth_time": visit.signed_in_at,
        "challenge": visit.challenge,
        "method": visit.method,
        "redirect_uri": visit.redirect_uri,
        "made": time.time(),
    }
    state().store.put("code", made, kept)
    info = tokens.client_info(person) if visit.client_info else ""
    return answer(visit, {"code": made, "client_info": info, "session_state": new_id()})
