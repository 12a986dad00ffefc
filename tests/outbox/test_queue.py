"""The public door: in the caller's transaction, once for each key, or not at all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mailsetup.core import db
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.waiting import count_waiting
from mailsetup.outbox import bodies, queue_mail
from mailsetup.outbox.models import Message, MessageBody
from mailsetup.outbox.queue import together
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbox.conftest import Queue, mail


def test_it_commits_and_rolls_back_with_the_caller(
    session: Session, workspace: Workspace, config: OutboundConfig
) -> None:
    queue_mail(session, workspace, mail())
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_it_seals_the_content(queue: Queue, session: Session, workspace: Workspace, config: OutboundConfig) -> None:
    row = queue(mail(Subject="canary-7261"))
    sealed = session.scalars(select(MessageBody.sealed)).one()
    assert b"Here it is" not in sealed
    assert b"canary-7261" not in sealed
    assert b"canary-7261" in bodies.read(session, workspace.id, row.id)


def test_it_returns_the_first_mail_for_a_repeated_key(queue: Queue, config: OutboundConfig) -> None:
    assert queue(idempotency_key="order-42").id == queue(idempotency_key="order-42").id


def test_it_refuses_a_key_that_was_used_for_something_else(queue: Queue, config: OutboundConfig) -> None:
    queue(idempotency_key="order-42", request_hash="a")
    with pytest.raises(Conflict):
        queue(idempotency_key="order-42", request_hash="b")


def test_it_forgets_keys_after_a_week(queue: Queue, config: OutboundConfig, session: Session) -> None:
    first = queue(idempotency_key="order-42")
    session.execute(update(Message).values(created_at=utcnow() - timedelta(days=8)))
    session.commit()
    session.expire_all()
    assert queue(idempotency_key="order-42").id != first.id


def test_it_keeps_the_keys_of_workspaces_apart(queue: Queue, config: OutboundConfig, session: Session) -> None:
    first = queue(idempotency_key="order-42")
    other = factories.make_workspace(session, name="Fabrikam")
    assert queue_mail(session, other, mail(), idempotency_key="order-42").id != first.id


def test_it_makes_one_row_when_twenty_callers_use_one_key(config: OutboundConfig, workspace: Workspace) -> None:
    ids: list[Any] = []
    barrier = threading.Barrier(20)

    def call() -> None:
        barrier.wait()
        with db.session_scope() as session:
            ids.append(queue_mail(session, workspace, mail(), idempotency_key="order-42", request_hash="h").id)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 20
    assert len(set(ids)) == 1


def test_it_counts_as_waiting_mail_of_its_setup(queue: Queue, config: OutboundConfig, session: Session) -> None:
    queue()
    queue()
    assert count_waiting(session, [config.id]) == {config.id: 2}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"priority": "urgent"}, "priority"),
        ({"idempotency_key": "x" * 256}, "idempotency_key"),
        ({"idempotency_key": "a\nb"}, "idempotency_key"),
        ({"send_at": datetime(2030, 1, 1)}, "send_at"),  # noqa: DTZ001 - what is refused
        ({"send_at": datetime(2999, 1, 1, tzinfo=UTC)}, "send_at"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at"),
        ({"metadata": {"a": "x" * 501}}, "metadata"),
        ({"metadata": {"a": "\ud800"}}, "metadata"),
        ({"metadata": {str(number): "x" for number in range(21)}}, "metadata"),
        ({"recipients": ["nobody"]}, "to"),
        ({"recipients": []}, "to"),
    ],
)
def test_it_names_the_option_that_is_wrong(
    queue: Queue, config: OutboundConfig, session: Session, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        queue(**options)
    assert field in refused.value.fields
    session.rollback()
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_it_refuses_a_setup_of_another_workspace(queue: Queue, session: Session, config: OutboundConfig) -> None:
    other = factories.make_config(session, factories.make_workspace(session, name="Fabrikam"))
    with pytest.raises(InvalidInput):
        queue(config=other)


def test_it_gives_each_of_many_its_own_content(session: Session, workspace: Workspace, config: OutboundConfig) -> None:
    subjects = ["short", "a little longer than that", "x"]
    with together(session):
        rows = [queue_mail(session, workspace, mail(Subject=subject)) for subject in subjects]
    session.commit()
    for row, subject in zip(rows, subjects, strict=True):
        content = bodies.read(session, workspace.id, row.id)
        assert f"Subject: {subject}\r\n".encode() in content
        assert len(content) == row.size
