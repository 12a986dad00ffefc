"""The audit trail as a page."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from mailsetup.mail_services.base import Field
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.audit import AuditFilter, all_events, audit_choices, list_events, record
from mailsetup.workspaces.audit_export import csv_text
from mailsetup.workspaces.audit_words import action_words, detail_words
from mailsetup.workspaces.models import ADMIN

blueprint = Blueprint("audit", __name__, url_prefix="/audit")


@blueprint.get("", endpoint="index")
@require(ADMIN)
def index() -> ResponseReturnValue:
    """Who did what, newest first."""
    workspace_id = current_workspace().id
    wanted = AuditFilter(request.args.get("action", ""), request.args.get("person", ""))
    events, cursor = list_events(db_session(), workspace_id, wanted, before=_cursor())
    return render_template(
        "audit/index.html",
        events=events,
        next_cursor=str(cursor) if cursor else None,
        wanted=wanted,
        filters=_filters(workspace_id, wanted),
        action_words=action_words,
        detail_words=detail_words,
    )


@blueprint.get("/export.csv", endpoint="export")
@require(ADMIN)
def export() -> ResponseReturnValue:
    """The events that fit the filter, for a spreadsheet; taking them away is itself an event."""
    session, workspace, person = db_session(), current_workspace(), current_actor()
    wanted = AuditFilter(request.args.get("action", ""), request.args.get("person", ""))
    text = csv_text(all_events(session, workspace.id, wanted))
    record(session, workspace.id, actor=person, action="audit:export", subject=workspace.name)
    session.commit()
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(text, headers=headers, content_type="text/csv; charset=utf-8")


def _filters(workspace_id: uuid.UUID, wanted: AuditFilter) -> tuple[Field, ...]:
    found = audit_choices(db_session(), workspace_id)
    actions = tuple(sorted(((name, action_words(name)) for name in found.actions), key=lambda pair: pair[1]))
    people = tuple((name, name) for name in found.people)
    return (
        _select("action", "What happened", "Everything", actions, wanted.action),
        _select("person", "Who", "Everybody", people, wanted.person),
    )


def _select(name: str, label: str, everything: str, choices: tuple[tuple[str, str], ...], chosen: str) -> Field:
    if chosen and chosen not in dict(choices):
        choices = (*choices, (chosen, chosen))
    return Field(name, label, input="select", choices=(("", everything), *choices), default=chosen)


def _cursor() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get("cursor", ""))
    except ValueError:
        return None
