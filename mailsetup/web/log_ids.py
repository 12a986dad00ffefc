"""What every log line of a request says of it: an id that its answer carries too, and the page, never the address.

An address may hold what is secret, as an invitation's does; the name of its page does not.
"""

from __future__ import annotations

import structlog
from flask import Flask, Response, g, request

from mailsetup.core.ids import new_id

HEADER = "X-Request-Id"


def _bind() -> None:
    g.request_id = str(new_id())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id, page=request.endpoint or "")


def _tell(response: Response) -> Response:
    if "request_id" in g:
        response.headers[HEADER] = g.request_id
    return response


def install_log_ids(app: Flask) -> None:
    """Gives each request its id."""
    app.before_request(_bind)
    app.after_request(_tell)
