"""Bars as shapes of an SVG: where each stands and how high it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailsetup.overview.figures import Bar

WIDTH, HEIGHT = 480.0, 200.0
LEFT, BOTTOM, TOP = 52.0, 28.0, 8.0
GAP = 0.25
RADIUS = 2.0


@dataclass(frozen=True)
class Column:
    """One bar: accepted below, failed on top of it."""

    bar: Bar
    x: float
    width: float
    good_y: float
    good_height: float
    bad_y: float
    bad_height: float
    labelled: bool

    @property
    def middle(self) -> float:
        """Where its label stands."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Chart:
    """All columns, and the lines behind them as (y, label)."""

    columns: list[Column]
    lines: list[tuple[float, str]]
    accepted: int
    failed: int

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not self.accepted and not self.failed


def chart_of(bars: Sequence[Bar], *, label_every: int) -> Chart:
    """The chart of these bars; every so many of them, counted from the last, gets a label."""
    top = _round_up(max((bar.accepted + bar.failed for bar in bars), default=0))
    scale = (HEIGHT - TOP - BOTTOM) / top
    step = (WIDTH - LEFT) / max(len(bars), 1)
    columns = [
        _column(bar, LEFT + at * step, step, scale, labelled=(len(bars) - 1 - at) % label_every == 0)
        for at, bar in enumerate(bars)
    ]
    values = sorted({0, top // 2, top}) if top > 1 else [0, top]
    lines = [(round(HEIGHT - BOTTOM - value * scale, 1), _short(value)) for value in values]
    return Chart(columns, lines, sum(bar.accepted for bar in bars), sum(bar.failed for bar in bars))


def _short(value: int) -> str:
    """A round number that fits beside the chart on a phone."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return str(value)


def _column(bar: Bar, x: float, step: float, scale: float, *, labelled: bool) -> Column:
    floor = HEIGHT - BOTTOM
    good, bad = _height(bar.accepted, scale), _height(bar.failed, scale)
    return Column(
        bar=bar,
        x=round(x + step * GAP / 2, 1),
        width=round(step * (1 - GAP), 1),
        good_y=round(floor - good, 1),
        good_height=good,
        bad_y=round(floor - good - bad, 1),
        bad_height=bad,
        labelled=labelled,
    )


def _height(count: int, scale: float) -> float:
    # One failed mail among ten thousand must still be seen.
    return round(max(count * scale, 2.0), 1) if count else 0.0


def _round_up(value: int) -> int:
    """The next round number, so that the lines carry round numbers too."""
    if value <= 4:
        return max(value, 1) if value != 3 else 4
    size: int = 10 ** (len(str(value)) - 1)
    return next(step * size for step in (1, 2, 4, 6, 8, 10) if step * size >= value)
