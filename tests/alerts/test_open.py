"""Opening and resolving: one alert for each thing that is wrong, whatever happens at once."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from mailsetup.alerts import routes
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.open import open_alert, open_alerts, resolve_alerts
from mailsetup.alerts.routes import Wishes, add_route
from mailsetup.core import queues
from mailsetup.core.db import session_scope
from mailsetup.core.errors import InvalidInput
from mailsetup.workspaces.audit import SYSTEM
from tests.alerts.conftest import facts_of_stop, stopped
from tests.alerts.simultaneous import all_at_once
from tests.factories import make_workspace


def notices(session) -> list[tuple[str, str]]:
    rows = session.scalars(select(AlertNotice).order_by(AlertNotice.created_at, AlertNotice.id))
    return [(row.event, row.target) for row in rows]


def test_it_opens_one_and_counts_repeats(session, workspace):
    first = stopped(session, workspace)
    again = stopped(session, workspace, waiting=40, title="Mail has stopped: still expired")
    assert again.id == first.id
    assert (again.count, again.waiting, again.title) == (2, 40, "Mail has stopped: still expired")
    assert notices(session) == [("opened", "it@northwind.example")]


def test_it_opens_another_for_another_cause_subject_or_workspace(session, workspace):
    stopped(session, workspace)
    stopped(session, workspace, cause="expiring")
    stopped(session, workspace, subject_key="outbound:2")
    stopped(session, make_workspace(session, name="Fabrikam"))
    assert session.scalar(select(func.count()).select_from(Alert)) == 4


def test_it_survives_a_storm_with_an_exact_count(session, workspace):
    def fail_often(_number: int) -> None:
        for _ in range(10):
            with session_scope() as own:
                stopped(own, workspace)

    workspace_id = workspace.id
    session.rollback()
    all_at_once(8, fail_often)
    alerts = open_alerts(session, workspace_id)
    assert [alert.count for alert in alerts] == [80]
    assert notices(session) == [("opened", "it@northwind.example")]


def test_it_tells_every_address_once(session, workspace):
    for address in ("ops@northwind.example", "IT@northwind.example"):
        add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address=address))
    stopped(session, workspace)
    assert notices(session) == [("opened", "it@northwind.example"), ("opened", "ops@northwind.example")]


def test_it_resolves_and_tells_who_was_told(session, workspace):
    stopped(session, workspace)
    add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address="new@northwind.example"))
    resolved = resolve_alerts(
        session, workspace_id=workspace.id, subject_key="outbound:1", resolution="A test passed.", waiting=7
    )
    session.commit()
    assert [(alert.resolution, alert.waiting) for alert in resolved] == [("A test passed.", 7)]
    assert notices(session) == [("opened", "it@northwind.example"), ("resolved", "it@northwind.example")]
    assert open_alerts(session, workspace.id) == []


def test_it_resolves_once_however_often_it_is_asked(session, workspace):
    stopped(session, workspace)
    workspace_id = workspace.id
    session.rollback()

    def resolve(_number: int) -> None:
        with session_scope() as own:
            resolve_alerts(own, workspace_id=workspace_id, subject_key="outbound:1", resolution="Solved.")

    all_at_once(6, resolve)
    assert notices(session) == [("opened", "it@northwind.example"), ("resolved", "it@northwind.example")]


def test_it_resolves_only_the_cause_that_is_named(session, workspace):
    stopped(session, workspace)
    stopped(session, workspace, cause="expiring")
    resolve_alerts(session, workspace_id=workspace.id, subject_key="outbound:1", resolution="Done.", cause="expiring")
    assert [alert.cause for alert in open_alerts(session, workspace.id)] == ["mail_stopped"]


def test_it_opens_a_new_one_after_the_old_one_is_resolved(session, workspace):
    first = stopped(session, workspace)
    resolve_alerts(session, workspace_id=workspace.id, subject_key="outbound:1", resolution="Solved.")
    again = stopped(session, workspace)
    assert again.id != first.id
    assert again.count == 1


def test_it_leaves_other_workspaces_alone(session, workspace):
    other = make_workspace(session, name="Fabrikam")
    stopped(session, other)
    assert not resolve_alerts(session, workspace_id=workspace.id, subject_key="outbound:1", resolution="Solved.")
    assert len(open_alerts(session, other.id)) == 1


def test_it_writes_nothing_and_rings_nobody_when_the_caller_rolls_back(session, workspace):
    open_alert(session, **facts_of_stop(workspace))
    session.rollback()
    assert open_alerts(session, workspace.id) == []
    assert notices(session) == []
    assert queues.queue(queues.ALERTS).count == 0


def test_it_rings_once_the_caller_commits(session, workspace):
    open_alert(session, **facts_of_stop(workspace))
    assert queues.queue(queues.ALERTS).count == 0
    session.commit()
    assert queues.queue(queues.ALERTS).count == 1


def test_it_takes_only_so_many_further_addresses(session, workspace, monkeypatch):
    monkeypatch.setattr(routes, "ROUTE_LIMIT", 1)
    add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address="one@northwind.example"))
    with pytest.raises(InvalidInput, match="At most 1 further"):
        add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address="two@northwind.example"))
