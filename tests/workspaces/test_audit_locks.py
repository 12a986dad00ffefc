"""The chain of a trail is locked last of all: two people who each change something never wait in a circle."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from mailsetup.core import db
from mailsetup.workspaces import audit, audit_chain
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import AuditEvent, Member
from tests import databases
from tests.people import Person


def note(session, person: Person, subject: str) -> None:
    audit.record(session, person.workspace.id, actor=SYSTEM, action="thing:change", subject=subject)


@pytest.mark.skipif(databases.chosen() != "postgresql", reason="SQLite has one writer at a time")
def test_two_admins_do_not_wait_for_each_other_in_a_circle(session, alice, bob):
    locked, errors = threading.Barrier(2), []

    def change(record_first: bool) -> None:
        touch = update(Member).where(Member.id == bob.member.id).values(role="member")
        try:
            with db.session_scope() as own:
                note(own, alice, "first") if record_first else own.execute(touch)
                locked.wait(60)
                own.execute(touch) if record_first else note(own, alice, "second")
        except OperationalError as error:
            errors.append(error)

    both = [threading.Thread(target=change, args=(first,)) for first in (True, False)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert errors == []
    assert audit_chain.verify(session, alice.workspace.id).fault == ""


def subjects(session, person: Person) -> list[str]:
    query = select(AuditEvent.subject).where(AuditEvent.workspace_id == person.workspace.id)
    return list(session.scalars(query.where(AuditEvent.action == "thing:change").order_by(AuditEvent.number)))


def test_a_savepoint_that_is_rolled_back_takes_its_events_along(session, alice):
    note(session, alice, "outside")
    inner = session.begin_nested()
    note(session, alice, "inside")
    inner.rollback()
    with session.begin_nested():
        note(session, alice, "kept")
    session.commit()
    assert subjects(session, alice) == ["outside", "kept"]


def test_a_rolled_back_transaction_leaves_no_event_for_the_next(session, alice):
    for undo in (session.rollback, session.close):
        note(session, alice, "undone")
        undo()
    note(session, alice, "done")
    session.commit()
    assert subjects(session, alice) == ["done"]
    assert audit_chain.verify(session, alice.workspace.id).fault == ""


def test_it_writes_into_several_chains_at_once(session, alice, charlie):
    for person in (charlie, alice, charlie):
        note(session, person, "both")
    session.commit()
    assert (len(subjects(session, alice)), len(subjects(session, charlie))) == (1, 2)
    assert audit_chain.verify(session, charlie.workspace.id).fault == ""
