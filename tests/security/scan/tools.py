"""Where the scanners are installed, which versions they have, and what one of them found."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

TOP = Path(__file__).parents[3]
ENVIRONMENTS = {"schemathesis": "security", "sqlmap": "security", "wapiti": "wapiti"}
PACKAGES = {"schemathesis": "schemathesis", "sqlmap": "sqlmap", "wapiti": "wapiti3"}


class DidNotRun(Exception):
    """A scanner is missing or ended without having done its work; the text says which and how."""


@dataclass
class Result:
    """What one scanner did. `findings` are sentences; each is explained in `explained.py` or it fails the run."""

    scanner: str
    version: str
    did: dict[str, object] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


def program(scanner: str, name: str) -> Path:
    """The scanner's own command. Raises DidNotRun when it is not installed."""
    path = TOP / "var" / ENVIRONMENTS[scanner] / "bin" / name
    if not path.exists():
        raise DidNotRun(f"{scanner} is not installed ({path.relative_to(TOP)} is missing): make test-security does it.")
    return path


def workplace(scanner: str) -> Path:
    """An empty folder for its words and reports, which are still there when somebody asks why."""
    folder = TOP / "var" / "security" / "scans" / scanner
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def version(scanner: str) -> str:
    """As pip has it."""
    pip = program(scanner, "pip")
    shown = subprocess.run([str(pip), "show", PACKAGES[scanner]], capture_output=True, text=True, check=False).stdout
    found = [line.split(": ")[1] for line in shown.splitlines() if line.startswith("Version: ")]
    if not found:
        raise DidNotRun(f"{scanner} is not installed in var/{ENVIRONMENTS[scanner]}.")
    return found[0]


def run(command: list[str], log: Path, *, seconds: float, environ: dict[str, str] | None = None) -> int:
    """Runs it with its words in the log. Raises DidNotRun when the time is over."""
    with log.open("ab") as said:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=seconds, env=environ, check=False
            )
        except subprocess.TimeoutExpired:
            raise DidNotRun(f"{Path(command[0]).name} was not done within {seconds:.0f} s; see {log.name}.") from None
    return done.returncode
