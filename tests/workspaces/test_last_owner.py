"""Two owners go at the same moment, each in a transaction of their own: one of them stays."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.core.errors import Conflict, NotAllowed, NotFound
from mailsetup.workspaces import invitations, members
from mailsetup.workspaces.models import OWNER, Invitation, Member
from tests import databases

Deed = Callable[[Session, Member, Member], None]


def leave(session: Session, me: Member, _other: Member) -> None:
    members.remove(session, me, by=me)


def remove(session: Session, me: Member, other: Member) -> None:
    members.remove(session, other, by=me)


def lower(session: Session, me: Member, other: Member) -> None:
    members.change_role(session, other, "admin", by=me)


def step_down(session: Session, me: Member, _other: Member) -> None:
    members.change_role(session, me, "member", by=me)


class Turns:
    """Holds the first who was told that another owner is left, until the second was told too, or had to wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._real, self._count = members._keep_one_owner, 0
        self.first, self.second, self.go = threading.Event(), threading.Event(), threading.Event()
        monkeypatch.setattr(members, "_keep_one_owner", self.check)

    def check(self, session: Session, member: Member) -> None:
        self._real(session, member)
        self._count += 1
        (self.first if self._count == 1 else self.second).set()
        assert self.go.wait(60)


def acting(deed: Deed, me: Member, other: Member, errors: list[Exception]) -> threading.Thread:
    at = me.workspace_id

    def act() -> None:
        try:
            with db.session_scope() as session:
                deed(session, *(db.fetch_owned(session, Member, at, row) for row in (me.id, other.id)))
        except Exception as error:  # noqa: BLE001 - the test says which ones are right
            errors.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("mine", "theirs"), [(leave, leave), (leave, remove), (lower, lower), (remove, remove), (step_down, leave)]
)
def test_a_workspace_keeps_an_owner_when_both_go_at_once(mine, theirs, alice, ada, session, monkeypatch):
    members.change_role(session, ada.member, OWNER, by=alice.member)
    session.commit()
    turns, errors = Turns(monkeypatch), list[Exception]()
    one = acting(mine, alice.member, ada.member, errors)
    assert turns.first.wait(60)
    two = acting(theirs, ada.member, alice.member, errors)
    turns.second.wait(0.2)
    turns.go.set()
    for thread in (one, two):
        thread.join(60)
    session.rollback()
    owners = select(func.count()).where(Member.workspace_id == alice.workspace.id, Member.role == OWNER)
    assert session.scalar(owners) == 1
    assert [type(error) for error in errors] in ([Conflict], [NotAllowed], [NotFound])


@pytest.mark.skipif(databases.chosen() != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("path", ["{ada}/remove", "{ada}/role", "leave"])
def test_it_says_so_when_somebody_is_gone_meanwhile(path, alice, ada, session, monkeypatch):
    gone, real = ada.member if "ada" in path else alice.member, members.take_turns

    def too_late(own: Session, *people: Member) -> None:
        with db.session_scope() as another:
            another.execute(delete(Member).where(Member.id == gone_id))
        real(own, *people)

    gone_id, address = gone.id, f"/members/{path.format(ada=ada.member.id)}"
    monkeypatch.setattr(members, "take_turns", too_late)
    answer = alice.client.post(address, data={"role": "owner"})
    assert (answer.status_code, "There is nothing at this address" in answer.text) == (404, True)


@pytest.mark.skipif(databases.chosen() != "postgresql", reason="SQLite has one writer at a time")
def test_who_was_removed_a_moment_ago_invites_nobody(alice, ada, session, monkeypatch):
    gone_id, real = ada.member.id, members.take_turns

    def too_late(own: Session, *people: Member) -> None:
        with db.session_scope() as another:
            another.execute(delete(Member).where(Member.id == gone_id))
        real(own, *people)

    monkeypatch.setattr(invitations, "take_turns", too_late)
    answer = ada.client.post("/members/invite", data={"email": "ada.again@home.example", "role": "admin"})
    assert (answer.status_code, session.scalars(select(Invitation)).all()) == (404, [])
