"""What a person or a program gets to see when something is refused or fails."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from flask import Flask, Response, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import NoMoreData, ParseException
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import BadHost, HTTPException

from mailsetup.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, QuotaReached
from mailsetup.web.csrf import ForeignPost, is_api
from mailsetup.web.frame import plain_frame
from mailsetup.web.problem import problem
from mailsetup.web.session import roll_back

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Refusal:
    """An error as it is shown: what happened, and what to do."""

    status: int
    title: str
    detail: str


EXPIRED = Refusal(
    400,
    "This page is out of date",
    "Nothing was changed. It was opened long ago, or before you went to another workspace. Go back, reload the page, "
    "see which workspace you are in, and send it again.",
)
FOREIGN = Refusal(
    400,
    "This was sent from another site",
    "Nothing was changed. Open the page here and send it again.",
)
REFUSALS = {
    400: Refusal(400, "The request could not be read", "Nothing was changed. Go back, reload the page and try again."),
    401: Refusal(401, "Sign in first", "This page is for people who are signed in."),
    403: Refusal(
        403, "Your role does not allow this", "Nothing was changed. Ask an owner or admin of this workspace to do it."
    ),
    404: Refusal(
        404, "There is nothing at this address", "It may have been removed, or it belongs to another workspace."
    ),
    405: Refusal(405, "This address does not take that kind of request", "Nothing was changed."),
    409: Refusal(409, "This cannot be done now", "Nothing was changed. Reload the page to see its current state."),
    413: Refusal(413, "This is too large", "Nothing was saved. Send less at once, or a smaller file."),
    415: Refusal(415, "This type of content cannot be read here", "Nothing was changed."),
    422: Refusal(422, "Some answers need a change", "Nothing was saved."),
    429: Refusal(429, "Too many tries", "Wait a few minutes, then try again."),
    503: Refusal(503, "This page is not available right now", "Try again in a minute. Queued mail is safe."),
}
QUOTA = Refusal(429, "A quota of this workspace is reached", "Nothing was changed.")
FAILED = Refusal(
    500,
    "This page could not be shown",
    "The fault is on our side and is recorded. Queued mail is safe. If it comes back, give your operator this number.",
)


def install_errors(app: Flask) -> None:
    """Puts our pages and problem documents in place of the framework's."""
    app.register_error_handler(InvalidInput, _invalid_input)
    app.register_error_handler(QuotaReached, _quota_reached)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(NotAllowed, _not_allowed)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(ObjectDeletedError, _gone)
    app.register_error_handler(StaleDataError, _gone)
    app.register_error_handler(IntegrityError, _gone)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(ForeignPost, _foreign)
    app.register_error_handler(BadHost, _bad_host)
    app.register_error_handler(ParseException, _unreadable)
    app.register_error_handler(NoMoreData, _unreadable)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _failed)


def _invalid_input(error: InvalidInput) -> ResponseReturnValue:
    detail = "" if is_api() else REFUSALS[422].detail
    return _answer(REFUSALS[422], detail=detail or str(error), fields=error.fields)


def _quota_reached(error: QuotaReached) -> ResponseReturnValue:
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return _answer(QUOTA, detail=str(error), headers=headers)


def _not_found(_error: NotFound) -> ResponseReturnValue:
    return _answer(REFUSALS[404])


def _not_allowed(error: NotAllowed) -> ResponseReturnValue:
    return _answer(REFUSALS[403], detail=str(error))


def _conflict(error: Conflict) -> ResponseReturnValue:
    return _answer(REFUSALS[409], detail=str(error))


def _gone(error: SQLAlchemyError) -> ResponseReturnValue:
    """Somebody changed what this request rests on while it was answered: a row it names, or the session of who asks."""
    log.warning("changed_meanwhile", method=request.method, exc_info=error)
    return _answer(REFUSALS[409])


def _csrf(_error: CSRFError) -> ResponseReturnValue:
    return _answer(EXPIRED)


def _foreign(_error: ForeignPost) -> ResponseReturnValue:
    return _answer(FOREIGN)


def _bad_host(_error: BadHost) -> ResponseReturnValue:
    """No address of this site can be written for such a request, so no page either."""
    return Response("The header Host names no host.\n", 400, content_type="text/plain; charset=utf-8")


def _unreadable(_error: Exception) -> ResponseReturnValue:
    """The body does not end where it says, or has chunks without sense: known only when somebody reads it."""
    return _answer(REFUSALS[400])


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error
    if status == 500:
        return _failed(getattr(error, "original_exception", None) or error)
    refusal = REFUSALS.get(status) or Refusal(status, error.name, "Nothing was changed.")
    return _answer(refusal, headers=_kept_headers(error))


def _kept_headers(error: HTTPException) -> dict[str, str]:
    return {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After", "WWW-Authenticate"}}


def _failed(error: Exception) -> ResponseReturnValue:
    if current_app.testing:
        # A test wants the failure itself, not a page about it.
        raise error
    error_id = secrets.token_hex(4).upper()
    log.error("page_failed", error_id=error_id, method=request.method, exc_info=error)
    # Whatever failed may fail again: the page about it asks nobody who is signed in.
    plain_frame()
    return _answer(FAILED, error_id=error_id)


def _answer(
    refusal: Refusal,
    *,
    detail: str = "",
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    error_id: str = "",
) -> ResponseReturnValue:
    detail = detail or refusal.detail
    if not error_id:
        roll_back()
    if is_api():
        extra = {name: value for name, value in (("errors", fields), ("error_id", error_id)) if value}
        response = problem(refusal.status, refusal.title, detail, **extra)
        response.headers.extend(headers or {})
        return response
    page = render_template("errors/error.html", refusal=refusal, detail=detail, fields=fields or {}, error_id=error_id)
    return page, refusal.status, dict(headers or {})
