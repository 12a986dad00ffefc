"""Keeps what was measured in bench/results.json and tells it in bench/RESULTS.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sqlite3
import ssl
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
RESULTS, CHAOS, PAGE = FOLDER / "results.json", FOLDER / "chaos.json", FOLDER / "RESULTS.md"
PACKAGES = ("SQLAlchemy", "psycopg", "rq", "redis", "urllib3", "msal", "flask", "gunicorn", "cryptography")


@dataclass(frozen=True)
class Line:
    """One figure."""

    name: str
    what: str
    value: float
    yardstick: float
    ratio: float
    floor: float
    goal: float
    floor_met: bool
    goal_met: bool
    rounds: int

    def sentence(self) -> str:
        verdict = "goal met" if self.goal_met else "floor met" if self.floor_met else "FLOOR MISSED"
        return f"{self.name}: {self.ratio:.2f} (floor {self.floor:g}, goal {self.goal:g}): {verdict}"


def known() -> dict[str, Any]:
    """What was measured so far."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"figures": {}}
    return found


def keep(line: Line) -> None:
    """Adds one figure, or replaces it."""
    found = known()
    facts = {**asdict(line), "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "load": round(os.getloadavg()[0], 1)}
    found["figures"][facts.pop("name")] = facts
    RESULTS.write_text(json.dumps(found, indent=2) + "\n")


def write() -> None:
    """The page."""
    parts = [_head(), _table(known()["figures"])]
    if CHAOS.exists():
        parts.append(_chaos(json.loads(CHAOS.read_text())))
    PAGE.write_text("\n".join(parts))


def _head() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        "# Figures\n\nMade by `make bench` and `make test-chaos`; what they mean stands in design section 9, "
        "what bounds them in [docs/performance.md](../docs/performance.md).\n\n"
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}, {versions}; "
        f"kernel {platform.release()}, {os.cpu_count()} cores; client and server share them. "
        "PostgreSQL with fsync and synchronous_commit on. Ratios are medians of the rounds.\n"
    )


def _table(figures: dict[str, Any]) -> str:
    rows = [
        "| # | Figure | Ours | Yardstick | Ratio | Floor | Goal | Verdict | Rounds | Load | Measured (UTC) |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, one in sorted(figures.items()):
        verdict = "goal" if one["goal_met"] else "floor" if one["floor_met"] else "missed"
        rows.append(
            f"| {name} | {one['what']} | {one['value']:,.1f} | {one['yardstick']:,.1f} | {one['ratio']:.2f} "
            f"| {one['floor']:g} | {one['goal']:g} | {verdict} | {one['rounds']} | {one['load']} | {one['date']} |"
        )
    return "\n".join(rows) + "\n"


def _chaos(results: dict[str, Any]) -> str:
    text = "## Chaos campaigns\n"
    for name, one in sorted(results.items()):
        text += f"\n### {name}, seed {one['seed']}, {one['seconds']} s\n\n"
        text += "".join(f"- {key.replace('_', ' ')}: {value}\n" for key, value in one.items() if key != "database")
    return text
