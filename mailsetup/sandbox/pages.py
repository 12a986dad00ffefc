"""The pages a person opens: the inbox, a mail, the requests."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from mailsetup.sandbox.inbox import Mail
from mailsetup.sandbox.state import state

bp = Blueprint("pages", __name__)
PAGE = 100


@bp.get("/inbox")
def inbox() -> str:
    """Every address that received mail, and the last mails."""
    store = state().store
    return render_template("sandbox/inbox.html", mailboxes=store.mailboxes(), mails=_newest(None), address=None)


@bp.get("/inbox/<address>")
def inbox_of(address: str) -> str:
    """The mails of one address."""
    store = state().store
    return render_template("sandbox/inbox.html", mailboxes=store.mailboxes(), mails=_newest(address), address=address)


@bp.get("/mail/<int:number>")
def mail(number: int) -> str:
    """One mail: text, html, headers, raw."""
    return render_template("sandbox/mail.html", mail=_mail(number))


@bp.get("/mail/<int:number>/raw")
def raw(number: int) -> Response:
    """The bytes as they arrived."""
    return Response(_mail(number).content, content_type="text/plain; charset=utf-8")


@bp.post("/inbox/clear")
def clear() -> AnyResponse:
    """Empties the inbox."""
    state().store.clear_mails()
    return redirect(url_for("pages.inbox"), 303)


@bp.get("/requests")
def requests() -> str:
    """What the sandbox was asked, newest first."""
    return render_template("sandbox/requests.html", requests=list(reversed(state().requests.list())))


@bp.post("/requests/clear")
def forget_requests() -> AnyResponse:
    """Forgets all requests."""
    state().requests.clear()
    return redirect(url_for("pages.requests"), 303)


def _newest(address: str | None) -> list[Mail]:
    return list(reversed(state().store.mails(address, newest=PAGE)))


def _mail(number: int) -> Mail:
    found = state().store.mail(number)
    if found is None:
        abort(404)
    return found
