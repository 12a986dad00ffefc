"""Notices are claimed by one job, tried again, held back, and never lost with a job that dies."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from mailsetup.alerts.claim import claim, due_ids, record_failed, record_sent, release_stale
from mailsetup.alerts.limits import HOURLY_LIMIT, gathered_with
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.routes import Wishes, add_route
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.workspaces.audit import SYSTEM
from tests.alerts.conftest import all_notices, outcomes, solved, stopped
from tests.alerts.simultaneous import all_at_once

IT = "it@northwind.example"
OPS = "ops@northwind.example"


def taken(session):
    """Claims the first due notice."""
    notice = claim(session, due_ids(session)[0])
    session.commit()
    assert notice is not None
    return notice


def make_due(session, **values):
    session.execute(update(AlertNotice).values({"next_attempt_at": utcnow() - timedelta(seconds=1), **values}))
    session.commit()


def tell(session):
    """Sends what is due, as the job does."""
    for notice_id in due_ids(session):
        notice = claim(session, notice_id)
        if notice is not None:
            record_sent(session, notice_id, notice.lease_token or "")
    session.commit()


def test_it_gives_a_notice_to_one_of_many_jobs(session, workspace):
    stopped(session, workspace)
    wanted, won = due_ids(session)[0], []
    session.rollback()

    def grab(_number):
        with session_scope() as own:
            if claim(own, wanted) is not None:
                won.append(1)

    all_at_once(8, grab)
    assert won == [1]


def test_it_records_nothing_for_a_job_that_lost_its_claim(session, workspace):
    stopped(session, workspace)
    notice = taken(session)
    assert not record_sent(session, notice.id, "somebody-else")
    assert outcomes(session) == [("opened", IT, "sending")]


def test_it_tries_again_after_1_5_15_and_60_minutes_and_then_fails(session, workspace):
    stopped(session, workspace)
    waits = []
    for _try in range(5):
        notice = taken(session)
        record_failed(session, notice.id, notice.lease_token, attempts=notice.attempts, error="451 later")
        session.commit()
        notice = all_notices(session)[0]
        waits.append((notice.state, round((notice.next_attempt_at - utcnow()).total_seconds() / 60)))
        make_due(session)
    assert waits[:4] == [("pending", 1), ("pending", 5), ("pending", 15), ("pending", 60)]
    assert waits[4][0] == "failed"
    assert all_notices(session)[0].error == "451 later"


def test_it_fails_at_once_when_trying_again_is_no_use(session, workspace):
    stopped(session, workspace)
    notice = taken(session)
    record_failed(session, notice.id, notice.lease_token, attempts=1, error="no such user", final=True)
    assert outcomes(session) == [("opened", IT, "failed")]


def test_it_takes_back_what_died_while_sending_and_says_that_it_may_come_twice(session, workspace):
    stopped(session, workspace)
    taken(session)
    assert release_stale(session) == 0
    make_due(session, lease_until=utcnow() - timedelta(seconds=1))
    assert release_stale(session) == 1
    session.commit()
    notice = all_notices(session)[0]
    assert (notice.state, notice.possible_duplicate, notice.lease_token) == ("pending", True, None)
    assert "twice" in notice.error


def test_it_gives_up_on_a_notice_that_kills_every_job(session, workspace):
    stopped(session, workspace)
    taken(session)
    make_due(session, lease_until=utcnow() - timedelta(seconds=1), attempts=5)
    release_stale(session)
    assert outcomes(session) == [("opened", IT, "failed")]


def add_notice(session, like, target):
    """The same told by another way too."""
    session.add(AlertNotice(workspace_id=like.workspace_id, alert_id=like.alert_id, event=like.event, target=target))
    session.commit()


def flap(session, workspace, times):
    for _ in range(times):
        stopped(session, workspace)
        tell(session)
        solved(session, workspace)
        tell(session)


def test_it_tells_of_one_cause_three_times_an_hour(session, workspace):
    flap(session, workspace, 4)
    states = [state for _event, _target, state in outcomes(session)]
    assert states.count("sent") == HOURLY_LIMIT
    held = next(notice for notice in all_notices(session) if notice.state == "pending")
    assert "within an hour" in held.error
    assert timedelta(minutes=58) < held.next_attempt_at - utcnow() <= timedelta(hours=1)


def test_it_sends_what_was_held_back_if_it_is_still_true_an_hour_later(session, workspace):
    flap(session, workspace, 1)
    stopped(session, workspace)
    tell(session)
    solved(session, workspace)
    stopped(session, workspace)
    tell(session)
    make_due(session, sent_at=utcnow() - timedelta(hours=2))
    tell(session)
    assert [state for *_rest, state in outcomes(session)] == ["sent"] * 5


def test_it_counts_what_goes_to_several_addresses_once(session, workspace):
    for number in range(4):
        stopped(session, workspace, subject_key=f"outbound:{number}", notify_address=f"it{number}@northwind.example")
    tell(session)
    assert [state for *_rest, state in outcomes(session)].count("sent") == HOURLY_LIMIT


def test_it_tells_by_every_way_what_is_being_told(session, workspace):
    for number in range(5):
        wishes = Wishes(address=f"way{number}@northwind.example")
        add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=wishes)
    stopped(session, workspace)
    tell(session)
    assert [state for *_rest, state in outcomes(session)] == ["sent"] * 6


def test_it_tells_no_way_more_often_because_another_was_told_already(session, workspace):
    """One way gathers all in one piece; at the other each is on its own again and again."""
    add_route(session, workspace_id=workspace.id, actor=SYSTEM, wishes=Wishes(address=OPS))
    for number in range(6):
        stopped(session, workspace, subject_key=f"outbound:{number}", notify_address="")
    session.execute(update(AlertNotice).values(telling="all:opened", state="sent", sent_at=utcnow()))
    for number in range(6):
        add_notice(session, all_notices(session)[number], IT)
    tell(session)
    assert [state for _event, target, state in outcomes(session) if target == IT].count("sent") == HOURLY_LIMIT


def test_it_tries_in_one_piece_what_failed_in_one_piece(session, workspace):
    for number in range(4):
        stopped(session, workspace, subject_key=f"outbound:{number}")
    make_due(session, attempts=1)
    stopped(session, workspace, subject_key="outbound:5")
    notice = taken(session)
    assert [one.attempts for one in map(partial(session.get, AlertNotice), gathered_with(session, notice))] == [1] * 3


def test_another_reason_is_told_however_often_the_first_was(session, workspace):
    flap(session, workspace, 2)
    stopped(session, workspace, subject_key="outbound:2", explanation={"cause": "host_unknown"})
    tell(session)
    assert outcomes(session)[-1] == ("opened", IT, "sent")


def test_it_gathers_by_each_way_what_is_due_about_one_cause(session, workspace):
    for number in range(4):
        stopped(session, workspace, subject_key=f"outbound:{number}")
    stopped(session, workspace, cause="expiring", subject_key="credential:1")
    notice = taken(session)
    together = [claim(session, other, with_=notice) for other in gathered_with(session, notice)]
    assert [one.telling for one in together if one] == [notice.telling] * 3
    assert outcomes(session)[-1] == ("opened", IT, "pending")


def test_it_counts_the_limit_for_each_cause_apart(session, workspace):
    flap(session, workspace, 3)
    stopped(session, workspace, cause="expiring", subject_key="credential:1")
    tell(session)
    assert outcomes(session)[-1] == ("opened", IT, "sent")


def test_it_sends_neither_alert_nor_all_clear_for_what_was_over_before_it_was_told(session, workspace):
    stopped(session, workspace)
    solved(session, workspace)
    tell(session)
    assert outcomes(session) == [("opened", IT, "skipped"), ("resolved", IT, "skipped")]


def test_it_tells_of_a_long_stop_even_when_it_could_not_be_told_in_time(session, workspace):
    alert = stopped(session, workspace)
    session.execute(update(Alert).where(Alert.id == alert.id).values(opened_at=utcnow() - timedelta(hours=3)))
    solved(session, workspace)
    tell(session)
    assert outcomes(session) == [("opened", IT, "skipped"), ("resolved", IT, "sent")]


def test_it_never_overtakes_the_alert_with_its_all_clear(session, workspace):
    stopped(session, workspace)
    notice = taken(session)
    solved(session, workspace)
    tell(session)
    assert outcomes(session)[1] == ("resolved", IT, "pending")
    record_sent(session, notice.id, notice.lease_token)
    make_due(session)
    tell(session)
    assert outcomes(session)[1] == ("resolved", IT, "sent")


@pytest.mark.parametrize("workers", [4])
def test_it_keeps_the_limit_when_jobs_run_side_by_side(session, workspace, workers):
    for number in range(8):
        stopped(session, workspace, subject_key=f"outbound:{number}")
    wanted = due_ids(session)
    session.rollback()

    def work(_number):
        for notice_id in wanted:
            with session_scope() as own:
                claim(own, notice_id)

    all_at_once(workers, work)
    assert [state for *_rest, state in outcomes(session)].count("sending") == HOURLY_LIMIT
