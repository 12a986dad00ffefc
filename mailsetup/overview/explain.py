"""The page that says in plain words what a pasted error means. Nothing of it is kept."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.mail_services.base import Field
from mailsetup.mail_services.explainer import explain_answer
from mailsetup.mail_services.hints import CHANNELS
from mailsetup.outbound.configs import list_configs
from mailsetup.outbound.explain import public_context
from mailsetup.outbound.models import OutboundConfig
from mailsetup.platform import current_platform
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_workspace, require
from mailsetup.workspaces.models import MEMBER

explain = Blueprint("explain", __name__, url_prefix="/explain")
blueprints: tuple[Blueprint, ...] = (explain,)

_PLACES = {
    "entra_token": "Microsoft, when we ask for a token",
    "entra_authorize_redirect": "Microsoft, when someone signs in or approves",
    "graph_http": "Microsoft Graph, when mail is sent",
    "smtp_reply": "A mail server's reply, or a mail that came back",
    "smtp_exception": "A mail program's own error",
    "tls": "Securing the connection, certificates",
    "dns": "Finding the server by its name",
    "tcp": "Connecting to the server",
    "http_other": "Another web page or service",
}
_OF_CREDENTIAL = ("client_id", "tenant_id", "cloud", "app")
_OF_SETUP = ("host", "port", "tls", "username", "from_address")


@explain.get("")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """The empty form."""
    return render_template("explain/index.html", fields=_fields(_configs()), values={}, errors={}, found=None)


@explain.post("")
@require(MEMBER, own=True)
def answer() -> ResponseReturnValue:
    """The explanation, and the form to ask again; a post, as an address with an error in it would be logged."""
    configs = _configs()
    fields = _fields(configs)
    try:
        values = form_values(fields)
        if not values["said"]:
            raise InvalidInput({"said": "Paste what the mail service, the program or the page said."})
        context = _context(values["setup"])
    except InvalidInput as error:
        return invalid("explain/index.html", error.fields, fields=fields, found=None)
    channel = values["channel"] if values["channel"] in CHANNELS else ""
    found = explain_answer(values["said"], channel=channel, context=context)
    return render_template("explain/index.html", fields=fields, values=values, errors={}, found=found)


def _configs() -> list[OutboundConfig]:
    return list_configs(db_session(), current_workspace().id)


def _fields(configs: list[OutboundConfig]) -> tuple[Field, ...]:
    said = Field("said", "The error, as you see it", "A line from a log, a reply, a whole page.", input="textarea")
    return (
        said,
        _choice("channel", "Where is it from?", tuple(_PLACES.items()), "I do not know"),
        _choice(
            "setup", "For which setup?", tuple((str(config.id), config.name) for config in configs), "None of them"
        ),
    )


def _choice(name: str, label: str, choices: tuple[tuple[str, str], ...], none: str) -> Field:
    return Field(name, label, input="select", required=False, choices=choices, placeholder=none)


def _context(config_id: str) -> dict[str, Any]:
    """What the texts are filled with: the values of the setup, and what may be shown of its credential."""
    known: dict[str, Any] = {"redirect_uri": current_platform().redirect_uri}
    if not config_id:
        return known
    try:
        config = fetch_owned(db_session(), OutboundConfig, current_workspace().id, uuid.UUID(config_id))
    except (ValueError, NotFound):
        raise InvalidInput({"setup": "Choose a setup of this workspace."}) from None
    public = public_context(db_session(), config.credential)
    known |= {name: public[name] for name in _OF_CREDENTIAL if public.get(name)}
    known |= {name: config.settings[name] for name in _OF_SETUP if config.settings.get(name)}
    return {**known, "kind": config.kind}
