"""Pages of the further ways by which alerts are told: add, edit, delete, test."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.alerts import way_form
from mailsetup.alerts.channels import CHANNELS, Channel, channel_of
from mailsetup.alerts.listeners import setup_addresses
from mailsetup.alerts.models import AlertRoute
from mailsetup.alerts.notices import write_test
from mailsetup.alerts.recipients import EMAIL, Recipient
from mailsetup.alerts.routes import add_route, change_route, remove_route
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import Field
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.limits import limiter
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN

alert_ways = Blueprint("alert_ways", __name__, url_prefix="/alerts/ways")


@alert_ways.get("/new")
@require(ADMIN, proof=True)
def new() -> ResponseReturnValue:
    """The channels to choose from, or the form of the chosen one."""
    if "channel" not in request.args:
        return render_template("alerts/channels.html", channels=CHANNELS.values())
    return render_template("alerts/way.html", values={}, errors={}, **_form(_chosen()))


def _chosen() -> Channel:
    slug = request.args.get("channel", "")
    if slug not in CHANNELS:
        abort(404)
    return CHANNELS[slug]


@alert_ways.post("/new")
@require(ADMIN, proof=True)
def create() -> ResponseReturnValue:
    """Adds a way; its secret, if it signs, is shown this once."""
    channel = _chosen()
    form = _form(channel)
    try:
        wishes = way_form.wishes_of(channel, form_values(form["every_field"]))
        route, secret = add_route(
            db_session(), workspace_id=current_workspace().id, actor=current_actor(), wishes=wishes
        )
    except InvalidInput as error:
        db_session().rollback()
        return invalid("alerts/way.html", error.fields, **_form(channel))
    db_session().commit()
    return _after(route, secret, "is added")


@alert_ways.get("/<uuid:route_id>")
@require(ADMIN, proof=True)
def edit(route_id: uuid.UUID) -> ResponseReturnValue:
    """The form of a way, filled with what is saved."""
    route = _route(route_id)
    form = _form(channel_of(route.channel), route)
    return render_template("alerts/way.html", values=way_form.values_of(route), errors={}, **form)


@alert_ways.post("/<uuid:route_id>")
@require(ADMIN, proof=True)
def save(route_id: uuid.UUID) -> ResponseReturnValue:
    """Changes a way."""
    route = _route(route_id)
    channel = channel_of(route.channel)
    try:
        wishes = way_form.wishes_of(channel, form_values(_form(channel, route)["every_field"]))
        route, secret = change_route(db_session(), route, actor=current_actor(), wishes=wishes)
    except InvalidInput as error:
        db_session().rollback()
        return invalid("alerts/way.html", error.fields, **_form(channel, _route(route_id)))
    db_session().commit()
    return _after(route, secret, "is saved")


def _after(route: AlertRoute, secret: Secret | None, done: str) -> ResponseReturnValue:
    if secret is not None:
        return make_response(render_template("alerts/secret.html", route=route, text=secret.reveal()), 201)
    flash(f"{route.label} {done}. Choose Test beside it to see that notices arrive.", "success")
    return _to_addresses()


@alert_ways.post("/<uuid:route_id>/delete")
@require(ADMIN, proof=True)
def remove(route_id: uuid.UUID) -> ResponseReturnValue:
    """Takes a way off the list."""
    route = remove_route(db_session(), workspace_id=current_workspace().id, actor=current_actor(), route_id=route_id)
    db_session().commit()
    flash(f"{route.label} will not hear of alerts any more.", "success")
    return _to_addresses()


@alert_ways.post("/<uuid:route_id>/test")
@require(ADMIN)
@limiter.limit("30 per hour")
def test(route_id: uuid.UUID) -> ResponseReturnValue:
    """Sends a test this way."""
    route = _route(route_id)
    recipient = Recipient(route.channel, route.target, route.id)
    write_test(db_session(), workspace_id=current_workspace().id, actor=current_actor(), recipient=recipient)
    db_session().commit()
    flash(f"A test to {route.label} is on its way. Its stages show beside it.", "success")
    return _to_addresses()


def _route(route_id: uuid.UUID) -> AlertRoute:
    return fetch_owned(db_session(), AlertRoute, current_workspace().id, route_id)


def _form(channel: Channel, route: AlertRoute | None = None) -> dict[str, Any]:
    fields = way_form.fields_of(channel, current_workspace().timezone or "UTC")
    setups = way_form.setup_fields(setup_addresses(db_session(), current_workspace().id))
    signing: tuple[Field, ...] = (way_form.NEW_SECRET,) if route and channel.signed else ()
    groups = way_form.group_fields()
    return {
        "channel": channel,
        "route": route,
        "kept": f"Set: {route.target}. Leave blank to keep it." if route and channel.slug != EMAIL else "",
        "fields": fields,
        "groups": groups,
        "setups": setups,
        "signing": signing,
        "every_field": (*fields, *groups, *setups, *signing),
    }


def _to_addresses() -> ResponseReturnValue:
    return redirect(url_for("alerts.index", _anchor="addresses"))
