"""sqlmap, level 3, on every parameter of every route; what is meant for other databases is left out."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests.security.scan.calls import MARK
from tests.security.scan.entries import Entry
from tests.security.scan.forms import CSRF
from tests.security.scan.target import Browser, Target
from tests.security.scan.tools import Result, program, run, version, workplace

NAME = "sqlmap"
TOGETHER = 12
SECONDS = 1800
# What every request carries has entries of its own.
CARRIED = f"session,{CSRF},user-agent,referer,cookie"
# What it says before each request, always with this method.
BEGINS = re.compile(r"^\[\d+/\d+\] URL:\nGET http://[^/\n]+(\S+)$", re.MULTILINE)
TESTED = re.compile(r"(\S+(?: \S+)?) parameter '(.+?)' does not seem to be injectable")
ASKED = re.compile(r"testing '")
DBMS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
# Left out are boolean and UNION, which need a visible difference between two pages: where either would work, the same
# place also delays the statement or breaks it with an error, which is tried, and a broken statement is an answer 5xx,
# which fails the run by itself. All of them: --techniques BEUSTQ.
TECHNIQUES = "ESTQ"
# A slow answer of a busy machine looks like a delayed statement at first; sqlmap asks again, and then says so.
WITHDRAWN = "false positive or unexploitable"


def scan(
    target: Target, browser: Browser, entries: list[Entry], database: str, techniques: str, *, prefix: list[str]
) -> Result:
    """Every parameter; what sqlmap does not say it is done with is left out. Raises DidNotRun."""
    result = Result(NAME, version(NAME))
    place = workplace(NAME)
    tests, left, withdrawn = 0, list[str](), list[str]()
    parts = _parts(entries)
    for number, part in enumerate(parts):
        folder = place / str(number)
        folder.mkdir(parents=True)
        command = [
            *prefix,
            *_command(target, browser, part, folder, {"--dbms": DBMS[database], "--technique": techniques}),
        ]
        run(command, folder / "log", seconds=SECONDS)
        found = list(_findings(folder / "results.csv"))
        result.findings += [one for one in found if WITHDRAWN not in one]
        withdrawn += [one for one in found if WITHDRAWN in one]
        said = (folder / "log").read_text(errors="replace")
        tests += len(ASKED.findall(said))
        left += _left_out(part, said)
        print(f"  sqlmap: {number + 1} of {len(parts)}, {len(result.findings)} findings", flush=True)
    result.did = {"routes": len({one.endpoint for one in entries}), "tests": tests}
    result.did["parameters"] = sum(len(one.tested) for one in entries) - len(left)
    result.did["withdrawn by sqlmap itself"] = withdrawn
    result.left_out = left
    return result


def _parts(entries: list[Entry]) -> list[list[Entry]]:
    """A few requests for each start of sqlmap, which tests a parameter of an address only once."""
    parts: list[list[Entry]] = []
    for entry in entries:
        free = (one for one in parts if len(one) < TOGETHER and entry.page not in {other.page for other in one})
        part = next(free, None)
        if part is None:
            parts.append([entry])
        else:
            part.append(entry)
    return parts


def _command(target: Target, browser: Browser, part: list[Entry], folder: Path, chosen: dict[str, str]) -> list[str]:
    requests = folder / "requests"
    requests.write_text("\n".join(request(one, target.url, browser) for one in part))
    options = {
        "-l": str(requests), "--level": "3", "--risk": "1", "--ignore-code": "*", "--time-sec": "3", "-v": "1",
        "--output-dir": str(folder / "out"), "--results-file": str(folder / "results.csv"),
        **chosen,
    }  # fmt: skip
    flags = [
        "--batch",
        "--ignore-redirects",
        "--drop-set-cookie",
        "--flush-session",
        "--disable-coloring",
        "--skip-waf",
    ]
    words = [word for pair in options.items() for word in pair]
    return [str(program(NAME, "sqlmap")), *words, *flags, f"--skip={CARRIED}"]


def request(entry: Entry, url: str, browser: Browser) -> str:
    """One request as Burp writes it down, which is what sqlmap reads many of."""
    base = urlsplit(url)
    headers = {"Host": base.netloc, **entry.headers}
    cookie, token = browser.stranger if entry.stranger else (browser.cookie, browser.csrf)
    if "Authorization" not in headers:
        headers["Cookie"] = cookie + MARK * ("Cookie" in headers)
    body, kind = _body(entry, token)
    headers = {**({"Content-Type": kind} if kind else {}), **headers}
    lines = [
        f"{entry.method} {entry.target} HTTP/1.1",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        body,
    ]
    rule = "=" * 54
    return "\n".join([rule, f"12:00:00  {url}", rule, *lines, rule, ""])


def _body(entry: Entry, token: str) -> tuple[str, str]:
    """The body and what it is."""
    if entry.method != "POST":
        return "", ""
    if isinstance(entry.fields, str):
        return entry.fields, "message/rfc822"
    if entry.path.startswith("/api/"):
        return json.dumps(entry.fields), "application/json"
    return urlencode({CSRF: token, **entry.fields}), "application/x-www-form-urlencoded"


def _findings(results: Path) -> Iterator[str]:
    if not results.exists():
        return
    with results.open(newline="") as file:
        for row in csv.DictReader(file):
            if row.get("Parameter"):
                path = urlsplit(row["Target URL"]).path
                how = f"{row['Technique(s)']} {row['Note(s)']}".rstrip()
                yield f"sqlmap: {row['Place']} {row['Parameter']} of {path}: {how}"


def _left_out(part: Iterable[Entry], said: str) -> list[str]:
    """Parameters of which sqlmap does not say how it ended with them."""
    words = BEGINS.split(said)
    done = {address: TESTED.findall(text) for address, text in zip(words[1::2], words[2::2], strict=True)}
    return [
        f"{entry} {name}"
        for entry in part
        for name in entry.tested
        if not _is_among(entry, name, done.get(entry.target, []))
    ]


def _is_among(entry: Entry, name: str, done: list[tuple[str, str]]) -> bool:
    if entry.place == "path":
        return any(found.startswith("#") and "URI" in place for place, found in done)
    known = {found.removeprefix("JSON ").removesuffix(" #1*") for _, found in done}
    return name in known or (MARK in name and any("#" in found for found in known))
