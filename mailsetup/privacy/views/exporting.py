"""Taking away everything a workspace holds."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, redirect, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, NotFound
from mailsetup.privacy import archive, export
from mailsetup.privacy.models import READY, Export
from mailsetup.web.session import db_session
from mailsetup.workspaces import audit
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import OWNER

blueprint = Blueprint("exports", __name__, url_prefix="/settings/data/exports")


@blueprint.post("", endpoint="begin")
@require(OWNER, proof=True)
def begin() -> ResponseReturnValue:
    """Asks for an export."""
    with_content = request.form.get("with_content") == "true"
    try:
        export.begin(db_session(), current_workspace(), with_content=with_content, actor=current_actor())
    except Conflict as error:
        db_session().rollback()
        return _back(str(error))
    return _back("The export is being made. It is offered here as soon as it is ready, for a day.")


@blueprint.get("/<uuid:export_id>/file", endpoint="file")
@require(OWNER, proof=True)
def file(export_id: uuid.UUID) -> ResponseReturnValue:
    """The export as a ZIP file; taking it away is an event of the audit trail."""
    workspace = current_workspace()
    row = _fetch(export_id)
    if row.state != READY:
        raise NotFound("this export is not ready")
    audit.record(
        db_session(), workspace.id, actor=current_actor(), action="workspace:download", subject=workspace.name,
        subject_id=row.id,
    )  # fmt: skip
    db_session().commit()
    headers = {"Content-Disposition": f'attachment; filename="mailsetup-{row.created_at:%Y-%m-%d}.zip"'}
    content = stream_with_context(archive.stream(db_session(), row, workspace.name))
    return Response(content, headers=headers, content_type="application/zip")


@blueprint.post("/<uuid:export_id>/delete", endpoint="delete")
@require(OWNER)
def delete(export_id: uuid.UUID) -> ResponseReturnValue:
    """Deletes an export before its day is over, or stops it."""
    row, workspace = _fetch(export_id), current_workspace()
    audit.record(
        db_session(), workspace.id, actor=current_actor(), action="workspace:delete-export", subject=workspace.name,
        subject_id=row.id,
    )  # fmt: skip
    db_session().delete(row)
    return _back("The export is deleted.")


def _fetch(export_id: uuid.UUID) -> Export:
    return fetch_owned(db_session(), Export, current_workspace().id, export_id)


def _back(message: str) -> ResponseReturnValue:
    db_session().commit()
    flash(message)
    return redirect(url_for("privacy.index"))
