"""What machines around us ask: are we up, can we serve, how are we doing."""

from __future__ import annotations

import ipaddress
import secrets

import redis
import structlog
from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from mailsetup import settings
from mailsetup.api.figures import figures
from mailsetup.core import db, queues, raw_sql, walls
from mailsetup.workspaces.access import public

operations = Blueprint("operations", __name__)
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Real-Ip", "Via")
log = structlog.get_logger()


@operations.get("/live")
@public
def live() -> ResponseReturnValue:
    """The process answers; whatever else is wrong, restarting it would not help."""
    return jsonify({"status": "live"})


@operations.get("/ready")
@public
def ready() -> ResponseReturnValue:
    """Whether database and Redis answer; says which does not, never why."""
    checks = {"database": _database_answers(), "redis": _redis_answers()}
    return jsonify(checks), 200 if all(checks.values()) else 503


def _database_answers() -> bool:
    try:
        with db.session_scope() as session:
            raw_sql.answers(session)
    except SQLAlchemyError as error:
        log.warning("not_ready", part="database", error=type(error).__name__)
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(queues.connection().ping())
    except redis.RedisError as error:
        log.warning("not_ready", part="redis", error=type(error).__name__)
        return False


@operations.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Figures for Prometheus: with the token of MAILSETUP_METRICS_TOKEN, without one from this machine alone."""
    if not _may_see_metrics():
        abort(404)
    with db.session_scope() as session, walls.across(session):
        found = generate_latest(figures(session))
    return Response(found, content_type=CONTENT_TYPE_LATEST)


def _may_see_metrics() -> bool:
    token = settings.current().metrics_token
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), token.reveal().encode())
    # Behind a proxy on the same machine everybody would seem to come from here.
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
