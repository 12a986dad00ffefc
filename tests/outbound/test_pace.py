"""Counting mail in small buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mailsetup.outbound.pace import DAY, MINUTE, Window

NOW = datetime(2027, 3, 1, 12, 0, 3, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(("window", "kept", "gone"), [(MINUTE, 60, 66), (DAY, 24 * 3600, 25 * 3600 + 1)])
def test_it_forgets_late_and_never_early(window: Window, kept: float, gone: float) -> None:
    spent = window.added([], NOW, 7)
    assert (window.used(spent, after(kept)), window.used(spent, after(gone))) == (7, 0)


def test_it_says_when_there_is_room_again() -> None:
    spent = MINUTE.added(MINUTE.added([], NOW, 3), after(20), 2)
    room = MINUTE.room_at(spent, after(20), 5)
    assert after(60) <= room <= after(66)
    assert MINUTE.used(spent, room) == 2
    assert MINUTE.room_at(spent, after(20), 1) >= after(80)


def test_it_takes_back_what_never_went_newest_first() -> None:
    spent = MINUTE.added(MINUTE.added([], NOW, 3), after(20), 2)
    assert MINUTE.taken_back(spent, after(21), 4) == [[spent[0][0], 1]]
    assert MINUTE.taken_back(spent, after(21), 99) == []


def test_it_never_counts_more_than_the_limit_in_any_window() -> None:
    spent: list[list[int]] = []
    sent: list[datetime] = []
    for second in range(0, 600, 2):
        room = 5 - MINUTE.used(spent, after(second))
        spent = MINUTE.added(spent, after(second), max(room, 0))
        sent += [after(second)] * max(room, 0)
    assert len(sent) >= 40
    for first, sixth in zip(sent, sent[5:], strict=False):
        assert sixth - first >= timedelta(seconds=60)
