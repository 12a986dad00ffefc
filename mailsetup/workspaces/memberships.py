"""A person's places in workspaces: one has two, another, who looks after customers, hundreds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, contains_eager

from mailsetup.core import walls
from mailsetup.workspaces.models import Member, Workspace

MENU = 12
PAGE = 50
_NAME = func.lower(Workspace.name)


@dataclass(frozen=True)
class Some:
    """Some of a person's places, and how many there are."""

    rows: list[Member]
    total: int


@dataclass(frozen=True)
class Page:
    """Some of a person's places, and the cursor of those after them; none on the last page."""

    rows: list[Member]
    next_cursor: str | None


def membership(session: Session, user_id: uuid.UUID, workspace_id: uuid.UUID) -> Member | None:
    """The person's place in this workspace, if they have one."""
    return _first(session, _of(user_id).where(Member.workspace_id == workspace_id))


def first_membership(session: Session, user_id: uuid.UUID) -> Member | None:
    """The place that the person has had for longest."""
    return _first(session, _of(user_id).order_by(Member.created_at, Member.id))


def memberships(session: Session, user_id: uuid.UUID) -> list[Member]:
    """The person's place in each of their workspaces, by the workspace's name."""
    return _all(session, _by_name(user_id))


def for_menu(session: Session, user_id: uuid.UUID) -> Some:
    """As many places as a menu can show, by the workspace's name."""
    rows = _all(session, _by_name(user_id).limit(MENU + 1))
    if len(rows) <= MENU:
        return Some(rows, len(rows))
    with walls.across(session):
        total = session.scalar(select(func.count()).where(Member.user_id == user_id))
    return Some(rows[:MENU], total or 0)


def find_memberships(session: Session, user_id: uuid.UUID, *, text: str = "", cursor: str = "") -> Page:
    """A page of the person's places, by the workspace's name; `text` is part of that name."""
    wanted = _by_name(user_id)
    if text:
        wanted = wanted.where(Workspace.name.icontains(text, autoescape=True))
    if cursor:
        wanted = wanted.where(_behind(session, user_id, cursor))
    rows = _all(session, wanted.limit(PAGE + 1))
    return Page(rows[:PAGE], str(rows[PAGE - 1].workspace_id) if len(rows) > PAGE else None)


def _behind(session: Session, user_id: uuid.UUID, cursor: str) -> ColumnElement[bool]:
    """Behind this workspace of theirs; behind none when the cursor names no such one."""
    try:
        last = uuid.UUID(cursor)
    except ValueError:
        return true()
    mine = select(_NAME).join(Member, Member.workspace_id == Workspace.id).where(Member.user_id == user_id)
    with walls.across(session):
        name = session.scalar(mine.where(Workspace.id == last))
    return or_(name < _NAME, and_(name == _NAME, Workspace.id > last)) if name else true()


def _of(user_id: uuid.UUID) -> Select[Member]:
    return select(Member).where(Member.user_id == user_id)


def _by_name(user_id: uuid.UUID) -> Select[Member]:
    rows = _of(user_id).join(Member.workspace).options(contains_eager(Member.workspace))
    return rows.order_by(_NAME, Workspace.id)


def _all(session: Session, query: Select[Member]) -> list[Member]:
    with walls.across(session):
        return list(session.scalars(query).unique())


def _first(session: Session, query: Select[Member]) -> Member | None:
    with walls.across(session):
        return session.scalars(query.limit(1)).unique().one_or_none()
