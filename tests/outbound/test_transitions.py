"""The table of health."""

import itertools
from pathlib import Path

import pytest

from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, SENDING_STATES, UNVERIFIED
from mailsetup.outbound.transitions import STATES, TABLE, Event, diagram, next_state, rows

RESUMES = (Event.RESUMED, Event.RESUMED_DOUBTFUL, Event.RESUMED_UNTESTED)


def test_it_knows_every_event_in_every_state():
    assert set(TABLE) == set(itertools.product(STATES, Event))
    assert set(TABLE.values()) == set(STATES)


@pytest.mark.parametrize("event", [event for event in Event if event not in {Event.TEST_PASSED, Event.PAUSED}])
def test_it_lets_untested_values_send_only_after_a_test(event):
    assert next_state(UNVERIFIED, event) == UNVERIFIED


@pytest.mark.parametrize("event", [event for event in Event if event not in RESUMES])
def test_it_stays_paused_until_a_person_resumes_it(event):
    assert next_state(PAUSED, event) == PAUSED


@pytest.mark.parametrize("state", [HEALTHY, DEGRADED, BROKEN])
def test_it_stops_mail_when_the_service_fails_for_good(state):
    assert next_state(state, Event.STOPPED) not in SENDING_STATES


def test_it_lets_a_stopped_setup_send_again_after_a_test_a_probe_or_an_accepted_mail():
    ways = {event for event in Event if next_state(BROKEN, event) in SENDING_STATES}
    assert ways == {Event.ACCEPTED, Event.TEST_PASSED, Event.PROBE_PASSED}


@pytest.mark.parametrize("event", RESUMES)
@pytest.mark.parametrize("state", [state for state in STATES if state != PAUSED])
def test_it_changes_nothing_by_resuming_what_was_not_paused(state, event):
    assert next_state(state, event) == state


def test_it_is_drawn_as_it_is():
    drawn = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")
    assert diagram() in drawn
    assert rows() in drawn
