"""Pages of messages: find them, see each attempt, act on them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput, NotFound, UnsealError
from mailsetup.mail_services.base import Field
from mailsetup.outbound.configs import setup_names
from mailsetup.outbound.mailboxes import pause_of
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import actions, bodies, reading
from mailsetup.outbox.models import FAILED, STATUSES, UNKNOWN, Message
from mailsetup.outbox.search import Filter, parse_id, parse_status, parse_text, parse_time, search
from mailsetup.outbox.timeline import is_moving, timeline
from mailsetup.web.headers import content_security_policy
from mailsetup.web.session import db_session
from mailsetup.web.states import look
from mailsetup.workspaces import audit
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import ADMIN, MEMBER

messages = Blueprint("messages", __name__, url_prefix="/messages")
blueprints: tuple[Blueprint, ...] = (messages,)


@messages.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """The workspace's messages, newest first; the filter lives in the address."""
    session, workspace = db_session(), current_workspace()
    names = setup_names(session, workspace.id)
    errors: dict[str, str] = {}
    try:
        wanted = _filter()
        page = search(session, workspace.id, wanted, cursor=request.args.get("cursor", ""))
    except InvalidInput as error:
        errors = error.fields
        wanted, page = Filter(), search(session, workspace.id, Filter())
    shown = render_template(
        "messages/index.html",
        page=page,
        fields=_filter_fields(names),
        narrowed=wanted.narrows,
        errors=errors,
        names=names,
    )
    return shown, 422 if errors else 200


def _filter() -> Filter:
    args = request.args
    config = args.get("setup", "")
    return Filter(
        status=parse_status(args.get("status", "")),
        config_id=parse_id(config, name="setup") if config else None,
        text=parse_text(args.get("q", ""), name="q"),
        since=parse_time(args.get("from", ""), name="from"),
        until=parse_time(args.get("to", ""), name="to", end=True),
    )


def _filter_fields(names: Mapping[uuid.UUID, str]) -> tuple[Field, ...]:
    states = tuple((status, look(status).word) for status in STATUSES)
    setups = tuple((str(config_id), name) for config_id, name in names.items())
    return (
        Field("q", "Recipient, subject or id", input="search", required=False),
        Field("status", "State", input="select", choices=states, required=False, placeholder="Any"),
        Field("setup", "Setup", input="select", choices=setups, required=False, placeholder="Any"),
        Field("from", "From day", input="date", required=False),
        Field("to", "To day", input="date", required=False),
    )


@messages.get("/<uuid:message_id>")
@require(MEMBER)
def show(message_id: uuid.UUID) -> ResponseReturnValue:
    """One message, and everything that happened to it."""
    message = _fetch(message_id)
    config = db_session().get(OutboundConfig, message.config_id) if message.config_id else None
    return render_template(
        "messages/show.html",
        message=message,
        config=config,
        meant_for=_meant_for(message),
        events=timeline(message, config, pause_of(db_session(), config) if config else None),
        moving=is_moving(message, config),
        may_retry=message.status in {"queued", FAILED, "expired", "cancelled"},
        may_cancel=message.status in {"queued", "claimed"},
        may_resolve=message.status == UNKNOWN,
    )


def _meant_for(message: Message) -> OutboundConfig | None:
    """The broken setup whose mail another one carried."""
    return db_session().get(OutboundConfig, message.rerouted_from_id) if message.rerouted_from_id else None


@messages.get("/<uuid:message_id>/content")
@require(ADMIN)
def content(message_id: uuid.UUID) -> ResponseReturnValue:
    """What the mail says; every look is recorded."""
    session, message = db_session(), _fetch(message_id)
    audit.record(
        session,
        message.workspace_id,
        actor=current_actor(),
        action="message:view",
        subject=message.subject or "(no subject)",
        subject_id=message.id,
    )
    session.commit()
    answer = make_response(render_template("messages/content.html", message=message, **_parts(session, message)))
    # The frame inherits this page's policy, and mails carry their styles inside; scripts stay forbidden.
    policy = content_security_policy().replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
    answer.headers["Content-Security-Policy"] = policy
    return answer


def _parts(session: Session, message: Message) -> dict[str, Any]:
    try:
        return {"parts": reading.read(bodies.read(session, message.workspace_id, message.id)), "gone": ""}
    except NotFound:
        return {"parts": None, "gone": "The content was deleted when its time was over."}
    except UnsealError:
        return {"parts": None, "gone": "The content does not open with the keys of this service. Ask your operator."}


@messages.post("/<uuid:message_id>/cancel")
@require(ADMIN)
def cancel(message_id: uuid.UUID) -> ResponseReturnValue:
    """Takes the mail out of the queue."""
    return _act(message_id, actions.cancel, "The mail is cancelled.")


@messages.post("/<uuid:message_id>/retry")
@require(ADMIN)
def retry(message_id: uuid.UUID) -> ResponseReturnValue:
    """Sends the mail as soon as possible."""
    return _act(message_id, actions.retry, "The mail is sent as soon as possible.")


@messages.post("/<uuid:message_id>/resolve")
@require(ADMIN)
def resolve(message_id: uuid.UUID) -> ResponseReturnValue:
    """Says what became of a mail whose outcome nobody knows."""
    outcome = request.form.get("outcome", "")
    said = "Noted: it arrived." if outcome == "sent" else "The mail is sent once more."
    return _act(message_id, actions.resolve, said, outcome)


def _act(message_id: uuid.UUID, action: Callable[..., None], said: str, *details: str) -> ResponseReturnValue:
    session, message = db_session(), _fetch(message_id)
    try:
        action(session, message, *details, actor=current_actor())
        session.commit()
        flash(said, "success")
    except Conflict as error:
        session.rollback()
        flash(str(error), "error")
    return redirect(url_for("messages.show", message_id=message_id))


def _fetch(message_id: uuid.UUID) -> Message:
    return fetch_owned(db_session(), Message, current_workspace().id, message_id)
