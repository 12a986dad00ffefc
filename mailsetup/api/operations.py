"""What machines around us ask: are we up, can we serve, how are we doing."""

from __future__ import annotations

import ipaddress
import secrets

import redis
import structlog
from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from rq import Worker
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core import db, queues, raw_sql
from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.ledger import ledger, oldest_due
from mailsetup.workspaces.access import public

operations = Blueprint("operations", __name__)
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip")
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
    with db.session_scope() as session:
        found = generate_latest(_figures(session))
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


def _figures(session: Session) -> CollectorRegistry:
    registry = CollectorRegistry()
    book = ledger(session)
    messages = Gauge("mailsetup_messages", "Messages by state", ["status"], registry=registry)
    for status, count in book.counts.items():
        messages.labels(status).set(count)
    Gauge("mailsetup_messages_accepted", "Messages ever accepted", registry=registry).set(book.accepted)
    balanced = Gauge("mailsetup_ledger_balances", "1 when accepted = ended + in flight", registry=registry)
    balanced.set(int(book.balances))
    due = oldest_due(session)
    waited = max((utcnow() - due).total_seconds(), 0) if due else 0
    Gauge("mailsetup_oldest_due_seconds", "How long the oldest due message waits", registry=registry).set(waited)
    setups = Gauge("mailsetup_setups", "Setups by health", ["health"], registry=registry)
    for health, count in session.execute(select(OutboundConfig.health, func.count()).group_by(OutboundConfig.health)):
        setups.labels(health).set(count)
    _add_queues(registry)
    return registry


def _add_queues(registry: CollectorRegistry) -> None:
    length = Gauge("mailsetup_queue_length", "Jobs waiting in Redis", ["queue"], registry=registry)
    workers = Gauge("mailsetup_workers", "Worker processes", ["queue"], registry=registry)
    try:
        for name in queues.QUEUES:
            length.labels(name).set(queues.queue(name).count)
            workers.labels(name).set(Worker.count(queue=queues.queue(name)))
    except redis.RedisError as error:
        log.warning("queue_figures_missing", error=type(error).__name__)
