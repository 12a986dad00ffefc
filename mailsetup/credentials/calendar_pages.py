"""The calendar of last days: a page, a file to download, and the address that programs follow."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core import walls
from mailsetup.core.clock import utcnow
from mailsetup.credentials import feeds
from mailsetup.credentials.calendar import CONTENT_TYPE, feed_file
from mailsetup.credentials.deadlines import deadlines, undated
from mailsetup.web.limits import limiter
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, public, require
from mailsetup.workspaces.models import ADMIN, MEMBER, Workspace

calendar = Blueprint("calendar", __name__)


@calendar.get("/credentials/calendar", endpoint="index")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """What ends when, and how to have it in a calendar."""
    return render_template("credentials/calendar.html", **_facts(), address="")


@calendar.get("/credentials/calendar.ics", endpoint="download")
@require(MEMBER)
def download() -> ResponseReturnValue:
    """The last days as a file."""
    answer = _file(current_workspace())
    answer.headers["Content-Disposition"] = 'attachment; filename="mail-credentials.ics"'
    return answer


@calendar.post("/credentials/calendar", endpoint="make")
@require(ADMIN, proof=True)
def make() -> ResponseReturnValue:
    """Makes the secret address, or another one in its place, and shows it this once."""
    secret = feeds.make_feed(db_session(), current_workspace().id, actor=current_actor())
    db_session().commit()
    address = f"{current_app.config['BASE_URL']}{url_for('calendar.feed', token=secret)}"
    return make_response(render_template("credentials/calendar.html", **_facts(), address=address), 201)


@calendar.post("/credentials/calendar/revoke", endpoint="revoke")
@require(ADMIN, proof=True)
def revoke() -> ResponseReturnValue:
    """Ends the secret address."""
    feeds.end_feed(db_session(), current_workspace().id, actor=current_actor())
    db_session().commit()
    flash("The calendar address has ended. Calendars that follow it stop being updated.", "success")
    return redirect(url_for("calendar.index"))


@calendar.get("/calendar/<token>.ics", endpoint="feed")
@limiter.limit("120 per hour")
@public
def feed(token: str) -> ResponseReturnValue:
    """The calendar for whoever has its secret address."""
    with walls.across(db_session()):
        found = feeds.find_feed(db_session(), token)
    walls.narrow(db_session(), found.workspace_id)
    answer = _file(db_session().get_one(Workspace, found.workspace_id))
    found.read_at = utcnow()
    db_session().commit()
    return answer


def _facts() -> dict[str, object]:
    workspace_id = current_workspace().id
    return {
        "deadlines": deadlines(db_session(), workspace_id),
        "undated": undated(db_session(), workspace_id),
        "feed": feeds.feed_of(db_session(), workspace_id),
    }


def _file(workspace: Workspace) -> Response:
    content = feed_file(
        deadlines(db_session(), workspace.id),
        workspace=workspace.name,
        base_url=str(current_app.config["BASE_URL"]),
        now=utcnow(),
    )
    return Response(content, content_type=CONTENT_TYPE)
