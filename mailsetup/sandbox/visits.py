"""One person's way through the sign-in pages, from the app's request to the answer it gets."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from urllib.parse import urlencode

from flask import abort, redirect, render_template, session
from werkzeug.wrappers import Response

from mailsetup.sandbox.aadsts import EntraRefusal, error_values, sentence
from mailsetup.sandbox.people import App, Mailbox, Organisation, new_id
from mailsetup.sandbox.resources import Scope, parse_scopes
from mailsetup.sandbox.state import state


@dataclass
class Visit:
    """What the app asked for, and how far the person has come."""

    client_id: str
    redirect_uri: str
    tenant_id: str
    audience: str = ""  # the tenant of the address as it was written: organizations, common ...
    scope: str = ""
    app_state: str = ""
    nonce: str = ""
    challenge: str = ""
    method: str = ""
    response_mode: str = "query"
    prompt: str = ""
    login_hint: str = ""
    client_info: bool = False
    admin: bool = False
    person_id: str = ""
    factor_done: bool = False
    signed_in_at: int = 0
    number: str = field(default_factory=lambda: f"{secrets.randbelow(1_000_000):06}")
    name: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    def keep(self) -> None:
        """Remembers how far it has come."""
        state().store.put("visit", self.name, asdict(self))

    @property
    def app(self) -> App:
        """The app that sent the person here."""
        found = state().world.find_app(self.client_id)
        if found is None:
            abort(404)
        return found

    @property
    def person(self) -> Mailbox | None:
        """Who has signed in, if somebody has."""
        return state().world.find_mailbox(self.person_id) if self.person_id else None

    @property
    def organisation(self) -> Organisation | None:
        """The organisation the app asked for; None for any."""
        return state().world.organisation(self.tenant_id) if self.tenant_id else None

    @property
    def scopes(self) -> list[Scope]:
        """The asked scopes."""
        return parse_scopes(self.scope)

    def signed_in(self, person: Mailbox) -> None:
        """This is the person; the browser remembers it for the next visit once a second factor is not missing."""
        self.person_id = person.object_id
        self.signed_in_at = self.signed_in_at or int(session.get("signed_in_at", {}).get(person.object_id, 0))
        session["signed_in_at"] = {**session.get("signed_in_at", {}), person.object_id: self.signed_in_at}
        if self.factor_done or not person.mfa:
            remember(person)
        self.keep()


def find_visit(name: str) -> Visit:
    """The visit that an address of the sign-in pages names; 404 when there is none."""
    kept = state().store.get("visit", name)
    if kept is None:
        abort(404)
    return Visit(**kept)


def remember(person: Mailbox) -> None:
    """Keeps the person signed in in this browser."""
    session["people"] = {**session.get("people", {}), person.object_id: person.generation}


def remembered(tenant_id: str = "") -> list[Mailbox]:
    """Who is signed in in this browser, of one tenant or of any; not those whose sessions were revoked."""
    found = []
    for object_id, generation in session.get("people", {}).items():
        person = state().world.find_mailbox(object_id, tenant_id or None)
        if person is not None and person.generation == generation and not person.blocked:
            found.append(person)
    return found


def answer(visit: Visit, values: Mapping[str, str]) -> Response | str:
    """Sends the browser back to the app, by address or by a form that posts itself."""
    state().store.drop("visit", visit.name)
    complete = {name: value for name, value in values.items() if value}
    if visit.app_state:
        complete["state"] = visit.app_state
    if visit.response_mode == "form_post":
        return render_template("sandbox/form_post.html", action=visit.redirect_uri, values=complete)
    return redirect(f"{visit.redirect_uri}{'&' if '?' in visit.redirect_uri else '?'}{urlencode(complete)}", 302)


def answer_error(visit: Visit, problem: EntraRefusal, *, error: str = "") -> Response | str:
    """Sends the browser back with an error; after admin consent it says admin_consent=True all the same."""
    told = error_values(problem)
    values = {"error": error or told["error"], "error_description": told["error_description"]}
    if visit.admin:
        values |= {"admin_consent": "True", "tenant": visit.tenant_id}
    else:
        values["error_uri"] = told["error_uri"]
    return answer(visit, values)


def error_page(problem: EntraRefusal) -> Response:
    """Microsoft's own page about a problem that it does not send back to the app."""
    told = error_values(problem)
    page = render_template(
        "sandbox/error.html", told=told, name=problem.fact.name, text=sentence(problem), request_id=new_id()
    )
    return Response(page, 400, content_type="text/html; charset=utf-8")


def as_error(problem: EntraRefusal, error: str) -> EntraRefusal:
    """The same refusal under another OAuth error, as browser answers sometimes have it."""
    return EntraRefusal(replace(problem.fact, error=error), **problem.facts)
