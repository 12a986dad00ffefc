"""Bars stand where they belong and are as high as they say."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from mailsetup.overview.chart import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, chart_of
from mailsetup.overview.figures import Bar, last_days, last_hours

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
NUMBERS = st.integers(min_value=0, max_value=10_000_000)


@settings(deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=30))
def test_it_stays_inside_its_frame(pairs: list[tuple[int, int]]) -> None:
    chart = chart_of([Bar(NOW, *pair) for pair in pairs], label_every=6)
    for column in chart.columns:
        assert column.x >= LEFT
        assert column.x + column.width <= WIDTH
        assert column.bad_y >= TOP - 4
        assert column.good_y + column.good_height <= HEIGHT - BOTTOM + 0.2


def test_it_shows_a_single_failure_among_many() -> None:
    chart = chart_of([Bar(NOW, 100_000, 1)], label_every=1)
    assert chart.columns[0].bad_height >= 2


def test_it_knows_when_there_is_nothing_to_draw() -> None:
    assert chart_of([Bar(NOW, 0, 0)], label_every=1).empty


def test_it_puts_mail_into_the_persons_own_days() -> None:
    counts = Counter({(datetime(2026, 11, 21, 2, tzinfo=UTC), True): 3})
    by_day = {
        bar.begins.date().isoformat(): bar.accepted for bar in last_days(counts, NOW, ZoneInfo("America/New_York"))
    }
    assert (len(by_day), by_day["2026-11-20"], by_day["2026-11-21"]) == (30, 3, 0)


def test_it_ends_with_the_hour_that_runs_now() -> None:
    bars = last_hours(Counter({(NOW.replace(minute=0), False): 2}), NOW)
    assert (len(bars), bars[-1].failed, bars[-1].begins.hour) == (24, 2, 15)


def test_it_labels_large_figures_in_few_letters() -> None:
    for highest, labels in ((3, ["0", "2", "4"]), (900, ["0", "500", "1k"]), (1_900_000, ["0", "1M", "2M"])):
        drawn = chart_of([Bar(datetime.now(UTC), highest, 0)], label_every=1)
        assert [label for _, label in drawn.lines] == labels
