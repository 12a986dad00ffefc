"""Pages of saved setups: list, one setup with its health, pause, default, delete."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.outbound import alerting, configs, health, usage
from mailsetup.outbound.banners import stopped_setups
from mailsetup.outbound.limit_form import limit_fields, limit_values, set_limits
from mailsetup.outbound.listing import entry_of, find_entries
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, UNVERIFIED, OutboundConfig
from mailsetup.outbound.probe import start_probe
from mailsetup.web.frame import register_frame
from mailsetup.web.session import db_session
from mailsetup.workspaces import audit
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

outbound = Blueprint("outbound", __name__, url_prefix="/outbound")
blueprints: tuple[Blueprint, ...] = (outbound,)
STATES = (BROKEN, DEGRADED, UNVERIFIED, PAUSED, HEALTHY)
register_frame(stopped_setups)
usage.register()
alerting.register()


@outbound.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """The workspace's setups; what they are narrowed to lives in the address."""
    text, cursor = (request.args.get(name, "").strip()[:200] for name in ("q", "cursor"))
    state = request.args.get("state", "")
    state = state if state in STATES else ""
    page = find_entries(db_session(), current_workspace().id, text=text, state=state, cursor=cursor)
    return render_template(
        "outbound/index.html", page=page, entries=page.entries, states=STATES, narrowed=bool(text or state or cursor)
    )


@outbound.get("/<uuid:config_id>")
@require(MEMBER)
def show(config_id: uuid.UUID) -> ResponseReturnValue:
    """One setup: whether mail flows, why not, what to do."""
    return _page(_fetch(config_id))


def _page(config: OutboundConfig, given: Mapping[str, str] | None = None, **wrong: str) -> str:
    entry = entry_of(db_session(), config)
    form = {"limit_fields": limit_fields(config), "limit_values": given or limit_values(config)}
    return render_template(
        "outbound/show.html",
        entry=entry,
        config=config,
        policies=configs.POLICIES,
        fallbacks=configs.possible_fallbacks(db_session(), config),
        meanwhile=health.meanwhile(db_session(), config),
        limit_errors=wrong,
        **form,
    )


@outbound.post("/<uuid:config_id>/pause")
@require(ADMIN)
def pause(config_id: uuid.UUID) -> ResponseReturnValue:
    """Holds its mail back until somebody resumes it."""
    config = _fetch(config_id)
    health.pause(db_session(), config)
    return _done(config, "outbound:pause", f"“{config.name}” is paused. Its mail waits, and none is lost.")


@outbound.post("/<uuid:config_id>/resume")
@require(ADMIN)
def resume(config_id: uuid.UUID) -> ResponseReturnValue:
    """Lets its mail go on."""
    config = _fetch(config_id)
    health.resume(db_session(), config)
    return _done(config, "outbound:resume", _resumed(config))


def _resumed(config: OutboundConfig) -> str:
    if config.health == UNVERIFIED:
        return f"“{config.name}” is no longer paused. Its values have not passed a test: mail waits until one passes."
    return f"“{config.name}” sends again. Waiting mail leaves now."


@outbound.post("/<uuid:config_id>/probe")
@require(ADMIN)
def probe(config_id: uuid.UUID) -> ResponseReturnValue:
    """Tries a stopped setup at once, without sending a mail."""
    config = _fetch(config_id)
    if config.health == BROKEN:
        start_probe(db_session(), config)
    return _done(config, "outbound:probe", "We are trying to sign in again; this page shows what came of it.")


@outbound.post("/<uuid:config_id>/default")
@require(ADMIN)
def make_default(config_id: uuid.UUID) -> ResponseReturnValue:
    """Lets it send what names no setup."""
    config = _fetch(config_id)
    configs.make_default(db_session(), config, actor=current_actor())
    db_session().commit()
    flash(f"“{config.name}” is the default now. Mail that names no setup goes through it.", "success")
    return _to(config)


@outbound.post("/<uuid:config_id>/policy")
@require(ADMIN)
def policy(config_id: uuid.UUID) -> ResponseReturnValue:
    """What happens to a mail whose outcome nobody knows."""
    config = _fetch(config_id)
    configs.set_policy(db_session(), config, request.form.get("unknown_policy", ""), actor=current_actor())
    db_session().commit()
    flash("Saved.", "success")
    return _to(config)


@outbound.post("/<uuid:config_id>/limits")
@require(ADMIN)
def limits(config_id: uuid.UUID) -> ResponseReturnValue:
    """Limits of this setup's own, below those of its mail service."""
    config = _fetch(config_id)
    try:
        set_limits(db_session(), config, request.form, actor=current_actor())
    except InvalidInput as error:
        return _page(config, request.form, **error.fields), 422
    db_session().commit()
    flash("Saved. The limits hold from the next mail on.", "success")
    return _to(config)


@outbound.post("/<uuid:config_id>/fallback")
@require(ADMIN)
def fallback(config_id: uuid.UUID) -> ResponseReturnValue:
    """Which setup carries its mail while it is broken."""
    config = _fetch(config_id)
    chosen = configs.set_fallback(db_session(), config, request.form.get("fallback", ""), actor=current_actor())
    db_session().commit()
    flash(
        f"While “{config.name}” is broken, “{chosen.name}” carries its mail. The alert stays open and says how much."
        if chosen
        else f"While “{config.name}” is broken, its mail waits.",
        "success",
    )
    return _to(config)


@outbound.get("/<uuid:config_id>/delete")
@require(ADMIN)
def confirm_delete(config_id: uuid.UUID) -> ResponseReturnValue:
    """Says what stops, and asks once."""
    entry = entry_of(db_session(), _fetch(config_id))
    others = [one for one in configs.list_configs(db_session(), entry.config.workspace_id) if one is not entry.config]
    return render_template("outbound/delete.html", entry=entry, config=entry.config, heir=_heir(entry.config, others))


def _heir(config: OutboundConfig, others: list[OutboundConfig]) -> OutboundConfig | None:
    """Which setup takes over the waiting mail: the default, or the one that becomes it."""
    if not config.is_default:
        return next((other for other in others if other.is_default), None)
    return min(others, key=lambda other: other.created_at, default=None)


@outbound.post("/<uuid:config_id>/delete")
@require(ADMIN)
def delete(config_id: uuid.UUID) -> ResponseReturnValue:
    """Removes it."""
    config = _fetch(config_id)
    configs.delete_config(db_session(), config, actor=current_actor())
    db_session().commit()
    flash(f"The setup “{config.name}” is deleted. Its credential is still there.", "success")
    return redirect(url_for("outbound.index"))


def _fetch(config_id: uuid.UUID) -> OutboundConfig:
    return fetch_owned(db_session(), OutboundConfig, current_workspace().id, config_id)


def _done(config: OutboundConfig, action: str, sentence: str) -> ResponseReturnValue:
    audit.record(
        db_session(),
        config.workspace_id,
        actor=current_actor(),
        action=action,
        subject=config.name,
        subject_id=config.id,
    )
    db_session().commit()
    flash(sentence, "success" if config.health in {HEALTHY, PAUSED} else "info")
    return _to(config)


def _to(config: OutboundConfig) -> ResponseReturnValue:
    return redirect(url_for("outbound.show", config_id=config.id))
