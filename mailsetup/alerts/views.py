"""Pages of alerts: what is open, what was, who is told, and whether telling worked."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.alerts import actions, banners
from mailsetup.alerts.channels import CHANNELS
from mailsetup.alerts.history import card_of, failed_notices, open_with_notices, resolved_page
from mailsetup.alerts.listeners import Listener, listeners
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.notices import send_again, write_test
from mailsetup.alerts.operator_pages import DONE, operator_alerts
from mailsetup.alerts.recipients import EMAIL, Recipient
from mailsetup.alerts.remarks import remarks
from mailsetup.alerts.waiting import waiting_now
from mailsetup.alerts.way_form import route_words
from mailsetup.alerts.way_pages import alert_ways
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import NotFound
from mailsetup.web.frame import register_frame
from mailsetup.web.limits import limiter
from mailsetup.web.paths import local_path
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

alerts = Blueprint("alerts", __name__, url_prefix="/alerts")
blueprints: tuple[Blueprint, ...] = (alerts, alert_ways, operator_alerts)
register_frame(banners.alerts_in_frame)
register_frame(banners.operator_in_frame)


@alerts.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """Open alerts, who is told, and what was."""
    session, workspace_id = db_session(), current_workspace().id
    open_now = open_with_notices(session, workspace_id)
    shown = _addresses()
    return render_template(
        "alerts/index.html",
        alerts=open_now,
        waiting={alert.id: waiting_now(session, alert) for alert in open_now},
        another_way={alert.id: remarks(session, alert) for alert in open_now},
        failed=_failed_elsewhere(open_now, shown["listeners"]),
        history=resolved_page(session, workspace_id, request.args.get("cursor", "")),
        **shown,
    )


def _failed_elsewhere(open_now: Sequence[Alert], people: Sequence[Listener]) -> list[AlertNotice]:
    """Fresh failures that the page does not show beside an open alert or an address already."""
    beside = {notice.id for alert in open_now for notice in alert.notices}
    beside |= {listener.last_notice.id for listener in people if listener.last_notice}
    found = failed_notices(db_session(), current_workspace().id)
    return [notice for notice in found if notice.id not in beside]


def _addresses() -> dict[str, Any]:
    people = listeners(db_session(), current_workspace().id)
    return {
        "listeners": people,
        "testing": any(listener.testing for listener in people),
        "channels": CHANNELS,
        "route_words": route_words,
    }


@alerts.get("/addresses")
@require(MEMBER)
def addresses() -> ResponseReturnValue:
    """The list of addresses alone, which the page asks for again while a test mail is on its way."""
    return render_template("alerts/_addresses.html", **_addresses())


@alerts.get("/<uuid:alert_id>")
@require(MEMBER)
def show(alert_id: uuid.UUID) -> ResponseReturnValue:
    """One alert: what happened, what to do, and who was told."""
    alert = fetch_owned(db_session(), Alert, current_workspace().id, alert_id)
    return render_template(
        "alerts/show.html",
        alert=alert,
        card=card_of(alert),
        waiting=waiting_now(db_session(), alert),
        snoozes=actions.SNOOZES,
        deed_url=lambda deed: url_for(f"alerts.{deed}", alert_id=alert_id),
        remarks=remarks(db_session(), alert),
    )


@alerts.post("/<uuid:alert_id>/acknowledge")
@require(ADMIN)
def acknowledge(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Notes that somebody is at it."""
    actions.acknowledge(db_session(), _own(alert_id), actor=current_actor())
    return _done(alert_id, "acknowledge")


@alerts.post("/<uuid:alert_id>/snooze")
@require(ADMIN)
def snooze(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Asks for quiet about it."""
    hours = request.form.get("hours", "")
    actions.snooze(db_session(), _own(alert_id), actor=current_actor(), hours=hours)
    return _done(alert_id, "snooze")


@alerts.post("/<uuid:alert_id>/close")
@require(ADMIN)
def close(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Closes it by hand."""
    actions.close(db_session(), _own(alert_id), actor=current_actor())
    return _done(alert_id, "close")


def _own(alert_id: uuid.UUID) -> Alert:
    return fetch_owned(db_session(), Alert, current_workspace().id, alert_id)


def _done(alert_id: uuid.UUID, deed: str) -> ResponseReturnValue:
    db_session().commit()
    flash(DONE[deed], "success")
    return redirect(url_for("alerts.show", alert_id=alert_id))


@alerts.post("/addresses/test")
@require(ADMIN)
@limiter.limit("30 per hour")
def test() -> ResponseReturnValue:
    """Sends a test to a setup's address, and to no other."""
    session, workspace_id = db_session(), current_workspace().id
    wanted = request.form.get("address", "")
    if wanted not in {listener.address for listener in listeners(session, workspace_id) if listener.reasons}:
        raise NotFound("no such address")
    recipient = Recipient(EMAIL, wanted)
    write_test(session, workspace_id=workspace_id, actor=current_actor(), recipient=recipient)
    session.commit()
    flash(f"A test mail to {wanted} is on its way. Its stages show beside the address.", "success")
    return _to_addresses()


@alerts.post("/notices/<uuid:notice_id>/send-again")
@require(ADMIN)
@limiter.limit("60 per hour")
def again(notice_id: uuid.UUID) -> ResponseReturnValue:
    """Tries a failed notice once more."""
    notice = send_again(db_session(), workspace_id=current_workspace().id, actor=current_actor(), notice_id=notice_id)
    db_session().commit()
    flash(f"The notice to {notice.target} is on its way again.", "success")
    return redirect(local_path(request.form.get("next"), otherwise=url_for("alerts.index")))


def _to_addresses() -> ResponseReturnValue:
    return redirect(url_for("alerts.index", _anchor="addresses"))
