"""Where an app sends a person: the authorize address, admin consent, and sign-out.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from mailsetup.sandbox.aadsts import EntraRefusal, refusal, refuse_if_switched_on
from mailsetup.sandbox.people import App, Mailbox
from mailsetup.sandbox.resources import UnknownScope, parse_scopes
from mailsetup.sandbox.sign_in import go_on
from mailsetup.sandbox.state import state
from mailsetup.sandbox.tenants import tenant_id_of
from mailsetup.sandbox.visits import Visit, answer_error, as_error, error_page, remembered

bp = Blueprint("authorize", __name__)
_CHALLENGE_LENGTHS = range(43, 129)  # RFC 7636 section 4.2


@bp.errorhandler(EntraRefusal)
def shown(problem: EntraRefusal) -> Response:
    """A problem of the request itself stays on Microsoft's page."""
    return error_page(problem)


@bp.get("/<tenant>/oauth2/v2.0/authorize")
def authorize(tenant: str) -> Response | str:
    """The start of a sign-in."""
    refuse_if_switched_on("page")
    asked = request.args
    app, tenant_id = _app_and_tenant(tenant)
    visit = Visit(
        app.client_id,
        _redirect_uri(app),
        tenant_id,
        audience=tenant.lower(),
        scope=asked.get("scope", ""),
        app_state=asked.get("state", ""),
        nonce=asked.get("nonce", ""),
        challenge=asked.get("code_challenge", ""),
        method=asked.get("code_challenge_method", ""),
        response_mode=asked.get("response_mode", "query"),
        prompt=asked.get("prompt", ""),
        login_hint=asked.get("login_hint", ""),
        client_info=asked.get("client_info") == "1",
    )
    problem = _problem(visit)
    return _begin(visit) if problem is None else answer_error(visit, problem)


@bp.get("/<tenant>/v2.0/adminconsent", defaults={"everything": False})
@bp.get("/<tenant>/adminconsent", defaults={"everything": True})
def admin_consent(tenant: str, everything: bool) -> Response | str:
    """The start of an admin's consent: v2 for the resource in `scope`, v1 for the entire registration."""
    refuse_if_switched_on("page")
    app, tenant_id = _app_and_tenant(tenant)
    if not request.args.get("redirect_uri"):
        target = app.redirect_uris[0] if app.redirect_uris else url_for("authorize.consent_given", _external=True)
    else:
        target = _redirect_uri(app)
    scope = "" if everything else request.args.get("scope", "")
    visit = Visit(app.client_id, target, tenant_id, scope=scope, app_state=request.args.get("state", ""), admin=True)
    try:
        parse_scopes(scope)
    except UnknownScope as error:
        return answer_error(visit, refusal(error.code, scope=error.spelling))
    return _begin(visit)


@bp.get("/consent-given")
def consent_given() -> str:
    """Where an admin ends when the app has no redirect URI."""
    return render_template("sandbox/consent_given.html", error=request.args.get("error_description", ""))


@bp.get("/<tenant>/oauth2/v2.0/logout")
def logout(tenant: str) -> Response | str:
    """Signs everybody out of this browser."""
    session.pop("people", None)
    target = request.args.get("post_logout_redirect_uri", "")
    if any(_matches(target, uri) for app in state().world.apps for uri in app.redirect_uris):
        return redirect(target)
    return render_template("sandbox/signed_out.html")


def _app_and_tenant(tenant: str) -> tuple[App, str]:
    tenant_id = tenant_id_of(tenant)
    app = state().world.find_app(request.args.get("client_id", ""))
    if app is None:
        raise refusal(700016)
    if not app.enabled:
        raise refusal(7000112)
    if not app.multi_tenant and not tenant_id:
        raise refusal(50194)
    if not app.multi_tenant and tenant_id != app.home_tenant:
        raise refusal(700016)
    return app, tenant_id


def _redirect_uri(app: App) -> str:
    asked = request.args.get("redirect_uri", "")
    if not app.redirect_uris:
        raise refusal(500113)
    if not asked:
        raise refusal(900971)
    if not any(_matches(asked, uri) for uri in app.redirect_uris):
        raise refusal(50011)
    return asked


def _matches(asked: str, registered: str) -> bool:
    """Exact, except that the port of localhost does not matter.

    https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
    """
    if asked == registered:
        return True
    one, other = urlsplit(asked), urlsplit(registered)
    parts = ("scheme", "hostname", "path", "query")
    return one.hostname == "localhost" and all(getattr(one, part) == getattr(other, part) for part in parts)


def _problem(visit: Visit) -> EntraRefusal | None:
    if request.args.get("response_type") != "code":
        return refusal(700054)
    if not visit.scope.strip():
        return refusal(900144, parameter="scope")
    if visit.challenge and len(visit.challenge) not in _CHALLENGE_LENGTHS:
        return refusal(50147)
    try:
        parse_scopes(visit.scope)
    except UnknownScope as error:
        return refusal(error.code, scope=error.spelling.rpartition("/")[2], resource=error.spelling.rpartition("/")[0])
    return None


def _begin(visit: Visit) -> Response | str:
    known = _known(visit)
    if known is not None and visit.prompt not in {"login", "select_account"}:
        visit.factor_done = True
        visit.signed_in(known)
        return go_on(visit)
    if visit.prompt == "none":
        return answer_error(visit, as_error(refusal(50058), "login_required"))
    visit.keep()
    return redirect(url_for("sign_in.who", name=visit.name), 302)


def _known(visit: Visit) -> Mailbox | None:
    """The one person of this browser who is meant, if that is clear."""
    people = remembered(visit.tenant_id)
    if visit.login_hint:
        people = [person for person in people if person.address == visit.login_hint.lower()]
    return people[0] if len(people) == 1 else None
