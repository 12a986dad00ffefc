"""The machinery itself: clocks that differ, master keys that are gone."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.alerts import operator_watch
from mailsetup.alerts.models import Alert
from mailsetup.core import clock, crypto
from mailsetup.core.crypto import KeyRing
from mailsetup.workspaces.models import WorkspaceKey


def looked(session) -> list[tuple[str, bool]]:
    operator_watch.watch(session)
    session.commit()
    alerts = session.scalars(select(Alert), execution_options={"populate_existing": True})
    return [(alert.cause, alert.resolved_at is not None) for alert in alerts]


def test_all_is_well(session, workspace):
    assert looked(session) == []


@pytest.mark.parametrize("seconds", [90, -90])
def test_a_clock_that_is_off_is_told_until_it_agrees(session, workspace, monkeypatch, seconds):
    right = clock.utcnow
    monkeypatch.setattr(operator_watch, "utcnow", lambda: right() + timedelta(seconds=seconds))
    assert looked(session) == [("clock_off", False)]
    assert re.search(r"off by (89|9\d) seconds", session.scalars(select(Alert)).one().title)
    monkeypatch.setattr(operator_watch, "utcnow", right)
    assert looked(session) == [("clock_off", True)]


def test_a_master_key_that_is_gone_is_told_by_its_name(session, workspace):
    row = session.scalars(select(WorkspaceKey)).one()
    kept = row.wrapped
    row.wrapped = KeyRing({"old-key": crypto.new_key()}).wrap(crypto.new_key(), workspace_id=str(workspace.id))
    assert looked(session) == [("key_missing", False)]
    assert "old-key" in session.scalars(select(Alert)).one().title
    row.wrapped = kept
    assert looked(session) == [("key_missing", True)]
