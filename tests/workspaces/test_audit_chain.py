"""The chain of the audit trail: whatever is done to it in the database is refused, or found."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DatabaseError

from mailsetup.cli import audit as audit_commands
from mailsetup.core import raw_sql
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id
from mailsetup.workspaces import audit, audit_chain
from mailsetup.workspaces.audit_export import safe
from mailsetup.workspaces.models import AuditEvent, AuditHead


@pytest.fixture
def trail(session, alice):
    """Five events behind those of the workspace's making."""
    for number in range(5):
        audit.record(
            session, alice.workspace.id, actor=alice.actor, action="a:b", subject=f"Event {number}", n=[1, "é"]
        )
    session.commit()
    return alice.workspace.id


@pytest.fixture
def unguarded(session):
    """As somebody who can change the tables, and not only the rows."""
    raw_sql.allow_changes(session.connection(), "audit_events")
    session.commit()
    yield session
    session.rollback()
    raw_sql.forbid_changes(session.connection(), "audit_events")
    session.commit()


def fault(session, workspace_id):
    session.commit()
    session.expire_all()
    return audit_chain.verify(session, workspace_id).fault


def numbered(workspace_id, number):
    return AuditEvent.workspace_id == workspace_id, AuditEvent.number == number


def test_it_chains_every_event(session, trail, charlie):
    assert fault(session, trail) == ""
    numbers = session.scalars(select(AuditEvent.number).where(AuditEvent.workspace_id == trail).order_by(AuditEvent.id))
    assert sorted(numbers) == list(range(1, audit_chain.verify(session, trail).number + 1))
    assert CliRunner().invoke(audit_commands.verify).exit_code == 0


@pytest.mark.parametrize("statement", [update(AuditEvent).values(subject="x"), delete(AuditEvent)])
def test_it_is_neither_changed_nor_deleted(session, trail, statement):
    with pytest.raises(DatabaseError):
        session.execute(statement.where(*numbered(trail, 3)))
    session.rollback()


CHANGES: dict[str, Callable[[uuid.UUID], list[Any]]] = {
    "altered": lambda trail: [update(AuditEvent).where(*numbered(trail, 3)).values(subject="Nothing")],
    "deleted": lambda trail: [delete(AuditEvent).where(*numbered(trail, 3))],
    "truncated": lambda trail: [delete(AuditEvent).where(AuditEvent.workspace_id == trail, AuditEvent.number > 3)],
    "reordered": lambda trail: [
        update(AuditEvent).where(*numbered(trail, old)).values(number=new) for old, new in ((3, 99), (4, 3), (99, 4))
    ],
    "inserted": lambda trail: [
        insert(AuditEvent).values(
            id=new_id(), workspace_id=trail, actor_label="x", action="a:b", subject="x", subject_id="", detail={},
            created_at=utcnow(), number=99, mark="0" * 64,
        )
    ],
    "cut with its head": lambda trail: [
        delete(AuditEvent).where(AuditEvent.workspace_id == trail, AuditEvent.number > 3),
        update(AuditHead).where(AuditHead.workspace_id == trail).values(
            number=3, mark=select(AuditEvent.mark).where(*numbered(trail, 3)).scalar_subquery()
        ),
    ],
    "without its head": lambda trail: [delete(AuditHead).where(AuditHead.workspace_id == trail)],
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_it_finds_what_was_done_to_it(unguarded, trail, change):
    for statement in CHANGES[change](trail):
        unguarded.execute(statement)
    assert fault(unguarded, trail)
    result = CliRunner().invoke(audit_commands.verify)
    assert (result.exit_code, "BROKEN" in result.output) == (1, True)


def test_it_finds_heads_swapped_between_workspaces(session, trail, charlie):
    mine, other = (session.get_one(AuditHead, one) for one in (trail, charlie.workspace.id))
    mine.wrapped, other.wrapped = other.wrapped, mine.wrapped
    assert "belongs to another workspace" in fault(session, trail)


def test_it_counts_events_from_before_the_chain(unguarded, trail):
    unguarded.execute(update(AuditEvent).where(AuditEvent.workspace_id == trail).values(number=None, mark=""))
    unguarded.execute(delete(AuditHead).where(AuditHead.workspace_id == trail))
    assert fault(unguarded, trail) == ""


def test_it_goes_on_in_a_transaction_that_was_partly_rolled_back(session, trail, alice):
    with pytest.raises(ZeroDivisionError), session.begin_nested():
        audit.record(session, trail, actor=alice.actor, action="a:b", subject="Never")
        session.flush()
        raise ZeroDivisionError
    audit.record(session, trail, actor=alice.actor, action="a:b", subject="Kept")
    assert fault(session, trail) == ""


def test_it_is_exported_for_spreadsheets_and_notes_that(ada, session, trail):
    audit.record(session, trail, actor=ada.actor, action="thing:do", subject='=HYPERLINK("x")')
    answer = ada.client.get("/audit/export.csv?action=thing:do")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert (answer.mimetype, rows[0][:2], len(rows)) == ("text/csv", ["When (UTC)", "Who"], 2)
    assert rows[1][3] == '\'=HYPERLINK("x")'
    assert session.scalar(select(AuditEvent.actor_label).where(AuditEvent.action == "audit:export")) == ada.user.email


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_it_lets_no_spreadsheet_calculate(cell):
    assert safe(cell) == f"'{cell}"


def test_it_is_exported_by_admins_only(bob):
    assert bob.client.get("/audit/export.csv").status_code == 403


def test_it_refuses_raw_statements_too(session, trail):
    with pytest.raises(DatabaseError, match="neither changed nor deleted"):
        session.execute(text("DELETE FROM audit_events"))
    session.rollback()
