"""`python -m bench [--only P1,P3] [--rounds 5]`: measures, then writes bench/results.json and bench/RESULTS.md."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass

from bench import click_figures, django_figures, other_figures, page_figures, report, smtp_figures
from bench.world import World

Measure = Callable[[World], tuple[float, float]]


@dataclass(frozen=True)
class Figure:
    """One line of design section 9. `least` means that the ratio is to stay below floor and goal."""

    name: str
    what: str
    measure: Measure
    floor: float
    goal: float
    least: bool = False
    rounds: int = 5


FIGURES = (
    Figure("P1", "Drain, SMTP, 10 KB, over smtp-source -s 1 -d (messages/s)", smtp_figures.p1, 0.35, 0.7),
    Figure("P2 simple", "The same over the naive design on SimpleWorker", smtp_figures.p2_simple, 10, 20),
    Figure("P2 fork", "The same over the naive design on a preloaded fork worker", smtp_figures.p2_fork, 150, 400),
    Figure(
        "P2b post_office", "Text and HTML, call to receipt, over django-post_office", django_figures.post_office, 2, 4
    ),
    Figure("P2b mailer", "The same over django-mailer", django_figures.mailer, 5, 12),
    Figure("P3", "Drain, STARTTLS and AUTH, over smtplib reused", smtp_figures.p3, 0.4, 0.7),
    Figure("P4", "Drain, Graph stand-in, over bare urllib3", other_figures.p4, 0.3, 0.6),
    Figure("P5", "200 ms latency, 1,000 workspaces: share of lanes / latency", other_figures.p5, 0.6, 0.85, rounds=1),
    Figure("P6 queue_mail", "queue_mail over bare inserts, a commit each", other_figures.p6_queue, 0.35, 0.6),
    Figure("P6 messages", "POST /api/v1/messages, 4 clients, over the same", other_figures.p6_messages, 0.15, 0.3),
    Figure("P6 batch", "Batch of 100 over bare inserts, 50 a commit", other_figures.p6_batch, 0.25, 0.5),
    Figure(
        "P7",
        "Click on Test to the verdict, less the service, p95 (ms)",
        click_figures.p7,
        700,
        300,
        least=True,
        rounds=3,
    ),
    Figure("P8", "Claim+done of 50: 1,000,000 rows over 1,000 (ms)", other_figures.p8, 2.0, 1.3, least=True, rounds=1),
    Figure("P9", "Noisy neighbour: p95 queued to sent (s)", other_figures.p9, 5, 1, least=True, rounds=1),
    Figure("P10 worker", "Memory of a worker, 32 lanes busy (MB)", other_figures.p10_worker, 160, 110, least=True),
    Figure("P10 web", "Memory of a web process (MB)", other_figures.p10_web, 130, 95, least=True),
    Figure(
        "P11 overview",
        "Overview, 1,000,000 messages, 200 setups, PostgreSQL: p95 (ms)",
        page_figures.overview_postgresql,
        150,
        50,
        least=True,
        rounds=1,
    ),
    Figure("P11 overview SQLite", "The same on SQLite", page_figures.overview_sqlite, 150, 50, least=True, rounds=1),
    Figure(
        "P11 messages",
        "Messages page of the same, PostgreSQL: p95 (ms)",
        page_figures.messages_postgresql,
        150,
        50,
        least=True,
        rounds=1,
    ),
    Figure("P11 messages SQLite", "The same on SQLite", page_figures.messages_sqlite, 150, 50, least=True, rounds=1),
    Figure("P13", "10 ms round trip, one lane, over smtplib reused", smtp_figures.p13, 2.5, 3.5),
    Figure("P14", "5,000 workspaces, one message each, over naive", smtp_figures.p14, 2, 5, rounds=3),
)


def measured(figure: Figure, rounds: int) -> report.Line:
    """The median of a few rounds, each in its own database; ours and the yardstick take turns."""
    pairs = []
    for number in range(min(rounds, figure.rounds)):
        world = World()
        try:
            pairs.append(figure.measure(world))
        finally:
            world.stop()
        print(f"{figure.name} round {number + 1}: {pairs[-1][0]:.1f} against {pairs[-1][1]:.1f}", flush=True)
    value, yardstick = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    floor, goal = (ratio <= bound if figure.least else ratio >= bound for bound in (figure.floor, figure.goal))
    return report.Line(
        figure.name, figure.what, value, yardstick, ratio, figure.floor, figure.goal, floor, goal, len(pairs)
    )


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    wanted = {name.strip().upper() for name in options.only.split(",") if name.strip()}
    chosen = [
        one for one in FIGURES if not wanted or one.name.split()[0].upper() in wanted or one.name.upper() in wanted
    ]
    if not chosen:
        print(f"There is no such figure; choose from {', '.join(one.name for one in FIGURES)}.")
        return 2
    for figure in chosen:
        line = measured(figure, options.rounds)
        report.keep(line)
        print(line.sentence(), flush=True)
    report.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
