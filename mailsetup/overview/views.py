"""The first page of a workspace, and the operator's page."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from mailsetup.alerts.open import open_alerts
from mailsetup.core import walls
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.mail_services import reach
from mailsetup.outbound.waiting import count_waiting
from mailsetup.outbox.ledger import ledger, oldest_due
from mailsetup.outbox.ledger import waiting_without_setup as count_without_setup
from mailsetup.overview import figures
from mailsetup.overview.chart import chart_of
from mailsetup.overview.operator import health_counts, queue_lines, workspace_lines
from mailsetup.overview.quotas import near_quotas
from mailsetup.overview.setups import foremost, setup_lines
from mailsetup.overview.summary import summarize
from mailsetup.overview.timeline import timeline
from mailsetup.platform import current_platform
from mailsetup.web.filters import person_zone
from mailsetup.web.frame import register_frame
from mailsetup.web.limits import limiter
from mailsetup.web.session import db_session
from mailsetup.wizard.drafts import list_drafts
from mailsetup.workspaces.access import current_user, current_workspace, require, signed_in
from mailsetup.workspaces.frame import is_operator
from mailsetup.workspaces.models import MEMBER

overview = Blueprint("overview", __name__)
operator = Blueprint("operator", __name__, url_prefix="/operator")
blueprints: tuple[Blueprint, ...] = (overview, operator)
register_frame(near_quotas)


@overview.get("/")
@require(MEMBER)
def index() -> ResponseReturnValue:
    """Does my mail flow? If not, why, and what next?"""
    session, workspace, now = db_session(), current_workspace(), utcnow()
    configs = setup_lines(session, workspace.id)
    if not configs:
        homeless = count_without_setup(session, workspace.id)
        drafts = list_drafts(session, workspace.id)
        return render_template("overview/empty.html", waiting=homeless, draft=drafts[0] if drafts else None)
    waiting = count_waiting(session, [config.id for config in configs])
    counts = figures.count_hours(session, workspace.id, now)
    return render_template(
        "overview/index.html",
        summary=summarize(configs, waiting),
        draft=next((one for one in list_drafts(session, workspace.id) if one.config_id is None), None),
        configs=foremost(configs, waiting),
        total=len(configs),
        waiting=waiting,
        day=chart_of(figures.last_hours(counts, now), label_every=8),
        month=chart_of(figures.last_days(counts, now, person_zone()), label_every=10),
        alerts=open_alerts(session, workspace.id),
        months=timeline(session, workspace.id),
    )


@operator.get("", endpoint="index")
@signed_in
def operator_index() -> ResponseReturnValue:
    """All workspaces, for whoever runs this installation. Raises NotFound for everybody else."""
    _operator_alone()
    session = db_session()
    walls.widen(session)
    text = request.args.get("q", "").strip()[:200]
    return render_template(
        "operator/index.html",
        lines=workspace_lines(session, text=text),
        queues=queue_lines(),
        healths=health_counts(session),
        ledger=ledger(session),
        oldest=oldest_due(session),
    )


@operator.get("/connections", endpoint="connections")
@signed_in
def connections() -> ResponseReturnValue:
    """Which servers of Microsoft's are needed, and which proxy leads there."""
    _operator_alone()
    return _connections()


@operator.post("/connections", endpoint="test_connections")
@signed_in
@limiter.limit("20 per hour")
def test_connections() -> ResponseReturnValue:
    """Tries the way to each of them, through the proxy, stage by stage."""
    _operator_alone()
    db_session().rollback()  # no transaction stays open meanwhile
    return _connections(reach.reach_all(current_platform()))


def _connections(found: list[reach.Reach] | None = None) -> str:
    platform = current_platform()
    facts = {"proxies": reach.proxies(platform.door), "targets": reach.targets(platform), "found": found}
    return render_template("operator/connections.html", **facts)


def _operator_alone() -> None:
    if not is_operator(current_user()):
        raise NotFound("no such page")
