"""`python -m tests.security.scan`: starts the product, lets every scanner at it, and fails on what nobody explained.

A scanner that is missing, or that left something out, fails the run as loudly as a finding. Several scanners run side
by side, each in a process and at a product of its own, as what one leaves behind would be in the way of the next. What
they did is written to var/security/scans.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.security.scan import schemathesis_run, sqlmap, wapiti
from tests.security.scan.content import fill
from tests.security.scan.entries import Ways
from tests.security.scan.explained import never_seen, unexplained
from tests.security.scan.target import Target, standing
from tests.security.scan.tools import TOP, DidNotRun, Result

REPORTS = TOP / "var" / "security" / "scans"
Scan = Callable[[Target, argparse.Namespace], Result]


def _schemathesis(target: Target, options: argparse.Namespace) -> Result:
    return schemathesis_run.scan(target, options.examples, prefix=options.through.split())


def _wapiti(target: Target, options: argparse.Namespace) -> Result:
    fill(target, target.ours)
    attacks = wapiti.SLOW_ATTACKS if options.only == "wapiti-slow" else wapiti.ATTACKS
    browser, prefix = target.browser(target.ours), options.through.split()
    return wapiti.scan(target, browser, attacks=attacks, place=options.only, prefix=prefix)


def _sqlmap(target: Target, options: argparse.Namespace) -> Result:
    fill(target, target.ours)
    browser = target.browser(target.ours)
    ways = Ways(target, browser)
    ways.look_around()
    entries = [one for one in ways.entries() if re.search(options.matching, str(one))]
    return sqlmap.scan(target, browser, entries, options.database, options.techniques, prefix=options.through.split())


SCANS: dict[str, Scan] = {
    "schemathesis": _schemathesis,
    "wapiti": _wapiti,
    "wapiti-slow": _wapiti,
    "sqlmap": _sqlmap,
}


def scanned(name: str, options: argparse.Namespace) -> Result:
    """One scanner at a product of its own."""
    with tempfile.TemporaryDirectory(prefix="mailsetup-scan-") as folder:
        with standing(Path(folder), options.database) as target:
            target.asked()
            began = time.monotonic()
            try:
                result = SCANS[name](target, options)
            except DidNotRun as error:
                result = Result(name, "", left_out=[str(error)])
            result.did["seconds"] = round(time.monotonic() - began)
            result.answers = target.asked()
            result.findings += [f"{name}: answered with a failure: {one}" for one in target.failed()]
        return result


def told(result: Result) -> bool:
    """Says what one scanner did; whether all is well."""
    wrong = unexplained(result.findings)
    asked = sum(result.answers.values())
    print(f"\n{result.scanner} {result.version}: {asked} requests, {result.did}, answers {dict(result.answers)}")
    for one in result.findings:
        print(f"  {'NOT EXPLAINED' if one in wrong else 'explained'}: {one}")
    for one in result.left_out:
        print(f"  DID NOT RUN: {one}")
    for one in never_seen(result.findings, [result.scanner]):
        print(f"  explained, but not found this time: {one}")
    return not wrong and not result.left_out


def main() -> None:
    """Runs the scanner that is named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=SCANS)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--examples", type=int, default=100, help="cases of schemathesis for each call and phase")
    parser.add_argument("--techniques", default=sqlmap.TECHNIQUES, help="of sqlmap; BEUSTQ are all, and hours")
    parser.add_argument("--matching", default="", help="of sqlmap: only requests like 'POST api.*'")
    parser.add_argument("--through", default="", help="a command that starts each scanner, such as nice")
    options = parser.parse_args()
    os.environ["MAILSETUP_ENV"] = "development"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(run_one(options) if options.only else run_every())


def run_one(options: argparse.Namespace) -> int:
    """Runs one scanner, writes down what it did, and says it."""
    result = scanned(options.only, options)
    REPORTS.mkdir(parents=True, exist_ok=True)
    (REPORTS / f"{options.only}.json").write_text(json.dumps(vars(result), indent=2) + "\n")
    return int(not told(result))


def run_every() -> int:
    """Runs every scanner in a process of its own, with the same options."""
    command = [sys.executable, "-m", "tests.security.scan", *sys.argv[1:]]
    running = {name: subprocess.Popen([*command, "--only", name]) for name in SCANS}
    try:
        wrong = [name for name, process in running.items() if process.wait()]
    finally:
        for process in running.values():
            process.terminate()
    print(f"\nFAILED: {', '.join(wrong)}" if wrong else "\nEvery scanner ran, and nothing is unexplained.")
    return int(bool(wrong))


if __name__ == "__main__":
    main()
