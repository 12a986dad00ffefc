"""Setups and their tests over the API."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from mailsetup.api import requests, shapes
from mailsetup.api.auth import current_actor, current_key, require_key
from mailsetup.api.blueprint import api
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.diagnosis import waiting
from mailsetup.diagnosis.models import TestRun
from mailsetup.diagnosis.start import TooManyTests, start_test_run
from mailsetup.outbound.configs import list_configs
from mailsetup.outbound.mailboxes import pause_of
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.web.problem import problem
from mailsetup.web.session import db_session


@api.get("/outbound")
@require_key("read")
def list_setups() -> ResponseReturnValue:
    """The workspace's setups with their health."""
    session = db_session()
    configs = list_configs(session, current_key().workspace_id)
    mails = count_waiting(session, [config.id for config in configs])
    return jsonify({"outbound": [_shown(config, mails[config.id]) for config in configs]})


def _shown(config: OutboundConfig, waiting: int) -> dict[str, Any]:
    pause = pause_of(db_session(), config)
    return shapes.setup(config, waiting, pause.until if pause else None)


@api.post("/outbound/<uuid:config_id>/tests")
@require_key("test")
def start_test(config_id: uuid.UUID) -> ResponseReturnValue:
    """Starts a test of a saved setup."""
    fields = requests.json_object()
    requests.only(fields, "recipient", "depth")
    recipient, depth = fields.get("recipient"), fields.get("depth", shapes.SEND)
    if not isinstance(recipient, str):
        raise InvalidInput({"recipient": "Give the address that the test mail goes to."})
    if depth not in shapes.DEPTHS:
        raise InvalidInput({"depth": "This is check (nothing is sent) or send."})
    session = db_session()
    config = fetch_owned(session, OutboundConfig, current_key().workspace_id, config_id)
    try:
        run = start_test_run(
            session,
            workspace_id=config.workspace_id,
            kind=config.kind,
            settings=config.settings,
            credential_id=config.credential_id,
            recipient=recipient,
            actor=current_actor(),
            user_id=None,
            config_id=config.id,
            check_only=depth == shapes.CHECK,
        )
    except TooManyTests as error:
        return _too_many(error)
    session.commit()
    answer = jsonify(shapes.test_run(run))
    answer.status_code = 202
    answer.headers["Location"] = f"{shapes.PATH}/tests/{run.id}"
    return answer


def _too_many(error: TooManyTests) -> Response:
    answer = problem(429, "Too many tests", str(error))
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer


@api.get("/tests/<uuid:run_id>")
@require_key("read")
def show_test(run_id: uuid.UUID) -> ResponseReturnValue:
    """A test and its stages."""
    run = fetch_owned(db_session(), TestRun, current_key().workspace_id, run_id)
    return jsonify(shapes.test_run(run) | {"waits_because": waiting.reason(db_session(), run) or None})
