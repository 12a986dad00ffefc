"""Pages of webhooks: list, add (the secret is shown once), one with its deliveries, test, send again, delete."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.events import endpoints, listing
from mailsetup.events.catalogue import ALL_WORDS, WORDS
from mailsetup.events.models import STATES, EventEndpoint
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.htmx import is_htmx
from mailsetup.web.limits import limiter
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

NAME = Field("name", "Name", "What listens, so that you know it again.", placeholder="Shop")
URL = Field(
    "url",
    "Address",
    "Called by POST for each event. It must begin with https:// and lead to a public server.",
    input="url",
    placeholder="https://shop.example.com/hooks/mail",
)
FIELDS = (NAME, URL)

events = Blueprint("events", __name__, url_prefix="/events")
blueprints: tuple[Blueprint, ...] = (events,)


@events.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """The workspace's webhooks."""
    rows = endpoints.list_endpoints(db_session(), current_workspace().id)
    waiting = listing.count_waiting(db_session(), [row.id for row in rows])
    return render_template("events/index.html", endpoints=rows, waiting=waiting, words=WORDS)


@events.get("/new")
@require(ADMIN, proof=True)
def new() -> ResponseReturnValue:
    """The form for a webhook; every event is chosen to begin with."""
    return render_template("events/new.html", fields=FIELDS, values={}, chosen=list(WORDS), errors={}, words=WORDS)


@events.post("/new")
@require(ADMIN, proof=True)
def create() -> ResponseReturnValue:
    """Adds it and shows its secret, this once."""
    chosen = request.form.getlist("types")
    try:
        values = form_values(FIELDS)
        row, secret = endpoints.add_endpoint(
            db_session(), workspace_id=current_workspace().id, actor=current_actor(), types=chosen, **values
        )
    except InvalidInput as error:
        db_session().rollback()
        return invalid("events/new.html", error.fields, fields=FIELDS, chosen=chosen, words=WORDS)
    db_session().commit()
    return make_response(render_template("events/secret.html", endpoint=row, text=secret.reveal(), fresh=True), 201)


@events.get("/<uuid:endpoint_id>")
@require(MEMBER)
def show(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """One webhook and its deliveries; htmx asks for the deliveries alone while some are under way."""
    endpoint = _fetch(endpoint_id)
    return render_template("events/_deliveries.html" if is_htmx() else "events/show.html", **_shown(endpoint))


def _shown(endpoint: EventEndpoint) -> dict[str, Any]:
    state = request.args.get("state", "")
    page = listing.deliveries_page(
        db_session(), endpoint, state=state if state in STATES else "", cursor=request.args.get("cursor", "")
    )
    counts = listing.count_states(db_session(), endpoint)
    return {"endpoint": endpoint, "page": page, "counts": counts, "words": ALL_WORDS, "state": state}


@events.get("/<uuid:endpoint_id>/edit")
@require(ADMIN, proof=True)
def edit(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """The form with its values."""
    endpoint = _fetch(endpoint_id)
    values = {"name": endpoint.name, "url": endpoint.url}
    return render_template("events/edit.html", **_form(endpoint, endpoint.types), values=values, errors={})


def _form(endpoint: EventEndpoint, chosen: list[str]) -> dict[str, Any]:
    return {"endpoint": endpoint, "fields": FIELDS, "chosen": chosen, "words": WORDS}


@events.post("/<uuid:endpoint_id>/edit")
@require(ADMIN, proof=True)
def change(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Saves other values."""
    endpoint, chosen = _fetch(endpoint_id), request.form.getlist("types")
    try:
        endpoints.change_endpoint(db_session(), endpoint, actor=current_actor(), types=chosen, **form_values(FIELDS))
    except InvalidInput as error:
        db_session().rollback()
        return invalid("events/edit.html", error.fields, **_form(endpoint, chosen))
    return _done(endpoint, "Saved.")


@events.post("/<uuid:endpoint_id>/secret")
@require(ADMIN, proof=True)
def renew_secret(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Another secret, shown this once."""
    endpoint = _fetch(endpoint_id)
    secret = endpoints.renew_secret(db_session(), endpoint, actor=current_actor())
    db_session().commit()
    return make_response(render_template("events/secret.html", endpoint=endpoint, text=secret.reveal(), fresh=False))


@events.post("/<uuid:endpoint_id>/test")
@require(ADMIN)
@limiter.limit("60 per hour")
def test(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Sends a test event."""
    endpoint = _fetch(endpoint_id)
    try:
        endpoints.send_test(db_session(), endpoint, actor=current_actor())
    except Conflict as error:
        db_session().rollback()
        flash(str(error), "error")
        return _to(endpoint)
    return _done(endpoint, "A test event is on its way. What came of it shows in the list below.")


@events.post("/<uuid:endpoint_id>/active")
@require(ADMIN)
def set_active(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Pauses it, or lets it go on."""
    endpoint, active = _fetch(endpoint_id), request.form.get("active") == "true"
    endpoints.set_active(db_session(), endpoint, actor=current_actor(), active=active)
    sentence = "goes on. Events that wait follow now." if active else "is paused. What happens meanwhile is not told."
    return _done(endpoint, f"“{endpoint.name}” {sentence}")


@events.post("/<uuid:endpoint_id>/again")
@require(ADMIN)
def again(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Sends one event again, or all that failed."""
    endpoint = _fetch(endpoint_id)
    chosen = request.form.get("delivery", "")
    try:
        count = endpoints.send_again(
            db_session(), endpoint, actor=current_actor(), delivery_id=uuid.UUID(chosen) if chosen else None
        )
    except ValueError:
        count = 0
    return _done(endpoint, f"{'1 event goes' if count == 1 else f'{count:,} events go'} out again, with the same id.")


@events.get("/<uuid:endpoint_id>/delete")
@require(ADMIN)
def confirm_delete(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Says what ends, and asks once."""
    endpoint = _fetch(endpoint_id)
    return render_template("events/delete.html", endpoint=endpoint, counts=listing.count_states(db_session(), endpoint))


@events.post("/<uuid:endpoint_id>/delete")
@require(ADMIN, proof=True)
def delete(endpoint_id: uuid.UUID) -> ResponseReturnValue:
    """Ends it."""
    endpoint = _fetch(endpoint_id)
    endpoints.delete_endpoint(db_session(), endpoint, actor=current_actor())
    db_session().commit()
    flash(f"The webhook “{endpoint.name}” is deleted. It is not called any more.", "success")
    return redirect(url_for("events.index"))


def _fetch(endpoint_id: uuid.UUID) -> EventEndpoint:
    return endpoints.fetch_endpoint(db_session(), current_workspace().id, endpoint_id)


def _done(endpoint: EventEndpoint, sentence: str) -> ResponseReturnValue:
    db_session().commit()
    flash(sentence, "success")
    return _to(endpoint)


def _to(endpoint: EventEndpoint) -> ResponseReturnValue:
    return redirect(url_for("events.show", endpoint_id=endpoint.id))
