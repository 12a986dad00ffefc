"""Why a test has not begun."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from rq import Worker

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.diagnosis import waiting


@pytest.fixture
def run(start, session):
    """A test that was asked for four seconds ago."""
    found = start()
    found.created_at = utcnow() - timedelta(seconds=4)
    session.commit()
    return found


@pytest.fixture
def listening():
    """A worker of the tests' queue that gave a sign of life; the age of the sign can be changed."""

    def listen(seconds_ago: float = 0) -> None:
        worker = Worker([queues.queue(queues.TESTS)], connection=queues.connection())
        worker.register_birth()
        moment = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        queues.connection().hset(worker.key, "last_heartbeat", moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    return listen


def test_it_says_nothing_for_three_seconds(start, session):
    assert waiting.reason(session, start()) == ""


def test_it_says_that_nobody_listens(run, session, listening):
    assert "nothing runs tests at this moment" in waiting.reason(session, run)
    listening(seconds_ago=200)
    assert "nothing runs tests at this moment" in waiting.reason(session, run)


def test_it_says_how_many_are_ahead(run, start, session, listening):
    listening()
    assert waiting.reason(session, run) == "The test is about to begin."
    earlier = start()
    earlier.created_at = run.created_at - timedelta(seconds=1)
    session.commit()
    assert waiting.reason(session, run) == "The test waits: 1 test is ahead of it."


def test_it_says_that_the_queue_is_away(run, session, monkeypatch):
    def away(*_args, **_more):
        raise redis.ConnectionError("away")

    monkeypatch.setattr(Worker, "all", away)
    assert "our queue does not answer" in waiting.reason(session, run)
