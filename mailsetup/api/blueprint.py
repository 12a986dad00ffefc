"""The blueprint of the HTTP API, and what it answers when the database is away."""

from __future__ import annotations

import structlog
from flask import Blueprint, Response, current_app
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mailsetup.api.auth import caller
from mailsetup.web.limits import limiter
from mailsetup.web.problem import problem

RATE = "300 per second; 12000 per minute"
RETRY_SECONDS = "5"

api = Blueprint("api", __name__, url_prefix="/api/v1")
log = structlog.get_logger()


def rate() -> str:
    """How often one key may call."""
    return str(current_app.config.get("API_RATE", RATE))


limiter.limit(rate, key_func=caller)(api)


@api.errorhandler(OperationalError)
@api.errorhandler(PoolTimeout)
def database_away(error: Exception) -> Response:
    """Nothing was acknowledged: the caller keeps the mail and comes again."""
    log.warning("api_database_away", error=type(error).__name__)
    answer = problem(503, "Not available right now", "Nothing was accepted. Send the same request again in a moment.")
    answer.headers["Retry-After"] = RETRY_SECONDS
    return answer
