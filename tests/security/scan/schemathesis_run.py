"""schemathesis, stateful too, against the document the product serves; once with the key of each workspace."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

from tests.security.scan.content import fill, rows
from tests.security.scan.target import Side, Target
from tests.security.scan.tools import TOP, DidNotRun, Result, program, run, version, workplace

NAME = "schemathesis"
SECONDS = 1500
OPTIONS = "--phases examples,coverage,fuzzing,stateful --checks all --continue-on-failure --no-color --seed 7"


def scan(target: Target, examples: int, *, prefix: list[str]) -> Result:
    """Both sides look for what is the other's."""
    result = Result(NAME, version(NAME))
    sides = {side.word: (side, fill(target, side)) for side in (target.ours, target.theirs)}
    place = workplace(NAME)
    done: Counter[str] = Counter()
    for us, them in ((target.ours, target.theirs), (target.theirs, target.ours)):
        before = rows(them)
        folder = place / us.word
        folder.mkdir(parents=True)
        _run(target, us, sides[us.word][1], sides[them.word][1], them.word, folder, examples, prefix)
        result.findings += _read(folder, done)
        lost = {name: sorted(set(ids) - set(rows(them)[name])) for name, ids in before.items()}
        result.findings += [
            f"schemathesis: {name} of the other workspace are gone" for name, ids in lost.items() if ids
        ]
    result.did = dict(done)
    return result


def _run(
    target: Target,
    side: Side,
    ours: dict[str, list[str]],
    theirs: dict[str, list[str]],
    word: str,
    folder: Path,
    examples: int,
    prefix: list[str],
) -> None:
    facts = folder / "facts.json"
    facts.write_text(json.dumps({"ours": ours, "theirs": theirs, "word": word}))
    where = [f"{target.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {side.key}"]
    report = ["--report", "ndjson", "--report-ndjson-path", str(folder / "report.ndjson"), "-n", str(examples)]
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("MAILSETUP_")},
        "SCHEMATHESIS_HOOKS": "tests.security.scan.hooks",
        "PYTHONPATH": str(TOP),
        "SCAN_FACTS": str(facts),
    }
    command = [*prefix, str(program(NAME, "st")), "run", *where, *OPTIONS.split(), *report]
    code = run(command, folder / "log", seconds=SECONDS, environ=environ)
    if code not in {0, 1}:
        raise DidNotRun(f"schemathesis ended with {code}: {(folder / 'log').read_text()[-1500:]}")


def _read(folder: Path, done: Counter[str]) -> list[str]:
    """Every check that failed, by its name and the call it was about."""
    found: set[str] = set()
    for line in (folder / "report.ndjson").read_text().splitlines():
        event: dict[str, Any] = json.loads(line)
        recorder = event.get("ScenarioFinished", {}).get("recorder") or {}
        for case, checks in (recorder.get("checks") or {}).items():
            done["cases"] += 1
            done["checks"] += len(checks)
            label = _label(recorder, case)
            found |= {f"{NAME}: {one['name']}: {label}" for one in checks if one["status"] != "success"}
        done["phases"] += "PhaseFinished" in event
        found |= {f"{NAME}: error: {str(event)[:300]}"} if "NonFatalError" in event or "FatalError" in event else set()
    if not done["cases"]:
        raise DidNotRun("schemathesis reported no case.")
    return sorted(found)


def _label(recorder: dict[str, Any], case: str) -> str:
    value: dict[str, Any] = recorder["cases"][case]["value"]
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "{id}", str(value["path"]))
    return f"{value['method']} {path}"
