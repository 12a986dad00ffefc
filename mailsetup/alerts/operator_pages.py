"""The operator's alerts: what concerns the whole installation, who hears of it, and whether telling worked."""

from __future__ import annotations

import uuid
from functools import partial

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.alerts import actions
from mailsetup.alerts.history import card_of, failed_notices, open_with_notices, resolved_page
from mailsetup.alerts.listeners import operator_listeners
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.notices import send_again, write_test
from mailsetup.core import walls
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import NotFound
from mailsetup.web.limits import limiter
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_user, signed_in
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.frame import is_operator

operator_alerts = Blueprint("operator_alerts", __name__, url_prefix="/operator/alerts")


def _operator() -> Actor:
    """The operator who asks. Raises NotFound for everybody else."""
    user = current_user()
    if not is_operator(user):
        raise NotFound("no such page")
    walls.widen(db_session())
    return Actor(user.name or user.email, user.id)


@operator_alerts.get("")
@signed_in
def index() -> ResponseReturnValue:
    """What is open, who is told, and what was."""
    _operator()
    return render_template(
        "operator/alerts.html",
        alerts=[(alert, card_of(alert)) for alert in open_with_notices(db_session(), None)],
        failed=failed_notices(db_session(), None),
        listeners=operator_listeners(db_session()),
        history=resolved_page(db_session(), None, request.args.get("cursor", "")),
        snoozes=actions.SNOOZES,
        operator_deed=lambda alert_id: partial(_deed_url, alert_id),
    )


def _deed_url(alert_id: uuid.UUID, deed: str) -> str:
    return url_for("operator_alerts.act", alert_id=alert_id, deed=deed)


@operator_alerts.post("/<uuid:alert_id>/<any(acknowledge, snooze, close):deed>")
@signed_in
def act(alert_id: uuid.UUID, deed: str) -> ResponseReturnValue:
    """Takes an alert on, asks for quiet about it, or closes it."""
    actor = _operator()
    alert = fetch_owned(db_session(), Alert, None, alert_id)
    if deed == "acknowledge":
        actions.acknowledge(db_session(), alert, actor=actor)
    elif deed == "snooze":
        actions.snooze(db_session(), alert, actor=actor, hours=request.form.get("hours", ""))
    else:
        actions.close(db_session(), alert, actor=actor)
    db_session().commit()
    flash(DONE[deed], "success")
    return redirect(url_for("operator_alerts.index"))


DONE = {
    "acknowledge": "Noted. Nobody is reminded of it any more; its end is still told.",
    "snooze": "No notice about it leaves until then.",
    "close": "The alert is closed. If it happens again, it opens again.",
}


@operator_alerts.post("/test")
@signed_in
@limiter.limit("30 per hour")
def test() -> ResponseReturnValue:
    """Sends a test by one of the operator's ways, and by no other."""
    actor = _operator()
    known = {listener.recipient.key: listener.recipient for listener in operator_listeners(db_session())}
    wanted = known.get((request.form.get("channel", ""), request.form.get("target", "").lower()))
    if wanted is None:
        raise NotFound("no such way")
    write_test(db_session(), workspace_id=None, actor=actor, recipient=wanted)
    db_session().commit()
    flash(f"A test to {wanted.target} is on its way. Its stages show beside it.", "success")
    return redirect(url_for("operator_alerts.index"))


@operator_alerts.post("/notices/<uuid:notice_id>/send-again")
@signed_in
@limiter.limit("60 per hour")
def again(notice_id: uuid.UUID) -> ResponseReturnValue:
    """Tries a failed notice once more."""
    notice: AlertNotice = send_again(db_session(), workspace_id=None, actor=_operator(), notice_id=notice_id)
    db_session().commit()
    flash(f"The notice to {notice.target} is on its way again.", "success")
    return redirect(url_for("operator_alerts.index"))
