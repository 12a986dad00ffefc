"""The data of a workspace: how long it is kept, and the ways to take it away and to erase it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services.base import Field
from mailsetup.privacy import export
from mailsetup.web.forms import form_values, invalid
from mailsetup.web.htmx import is_htmx
from mailsetup.web.session import db_session
from mailsetup.workspaces import retention
from mailsetup.workspaces.access import current_actor, current_workspace, require
from mailsetup.workspaces.models import OWNER

blueprint = Blueprint("privacy", __name__, url_prefix="/settings/data")
TEMPLATE = "privacy/index.html"


@blueprint.get("", endpoint="index")
@require(OWNER)
def index() -> ResponseReturnValue:
    """For how long each class of data is kept; htmx asks for the exports alone while one is being made."""
    part = "privacy/_exports.html" if is_htmx() else TEMPLATE
    return render_template(part, errors={}, values={}, **shown())


@blueprint.post("/retention", endpoint="retention")
@require(OWNER, proof=True)
def save_retention() -> ResponseReturnValue:
    """Keeps data for another number of days."""
    try:
        values = form_values(retention_fields())
        retention.set_days(db_session(), current_workspace(), values, actor=current_actor())
    except InvalidInput as error:
        db_session().rollback()
        return invalid(TEMPLATE, error.fields, **shown())
    db_session().commit()
    flash("Saved. What is older is deleted within the next hours.")
    return redirect(url_for("privacy.index"))


def retention_fields() -> tuple[Field, ...]:
    """A number of days for each class of data, filled with what holds."""
    days = retention.current_days(db_session(), current_workspace().id)
    return tuple(
        Field(
            kept.name, kept.label, f"{kept.help} {kept.least} to {kept.usual} days.", input="number",
            default=str(days[kept.name]),
        )
        for kept in retention.KEPT
    )  # fmt: skip


def shown() -> dict[str, object]:
    """What the page shows beside what was typed."""
    exports = export.list_exports(db_session(), current_workspace().id)
    return {"retention_fields": retention_fields(), "workspace": current_workspace(), "exports": exports}
