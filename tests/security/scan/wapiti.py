"""wapiti as the signed-in owner: it finds the pages itself, then tries one kind of attack after the other on them."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.security.scan.entries import ID
from tests.security.scan.target import Browser, Target
from tests.security.scan.tools import DidNotRun, Result, program, run, version, workplace

NAME = "wapiti"
SECONDS = 3600
# These look at what the crawl itself was answered.
FIRST = "cookieflags,csp,http_headers"
# Each is a start of its own: one that is broken off takes nothing of the others with it.
ATTACKS = (
    "csrf", "htaccess", "methods", "redirect", "upload", "ssrf", "shellshock", "backup", "crlf", "xxe", "ldap",
    "xss,permanentxss", "sql",
)  # fmt: skip
# As long as all the others, so at a product of their own beside them.
SLOW_ATTACKS = ("exec", "file")
# Left out: lists of other people's products (buster, cms, htp, nikto, network_device, wapp, wp_enum), faults of
# another language (log4shell, spring4shell), names in the DNS (takeover), and what has no TLS here (https_redirect,
# ssl); brute_login_form tries passwords, which the limits answer that are off here and have tests of their own;
# timesql, which wapiti itself leaves out by default, waits for hours for what sqlmap tries at each parameter.
LEAVE = (
    "/static/*",
    "/api/docs",
    "/sign-out",
    "/members/leave",
    "/settings/data/erase",
    "/workspaces/switch",
    "/settings/security/sessions/*",
)
# The API's document is the same for everybody, and so long that reading it again and again would take all the time.
# A page that was seen with one id is the page with every other id.
BOUNDS = {"--max-links-per-page": "60", "--max-files-per-dir": "25", "-d": "6"}


def scan(target: Target, browser: Browser, *, attacks: tuple[str, ...], place: str, prefix: list[str]) -> Result:
    """Crawls, then attacks, with its reports in this place. Raises DidNotRun when it did not get past the door."""
    result = Result(NAME, version(NAME))
    folder = workplace(place)
    _run(target, browser, folder, FIRST, prefix)
    first = _report(folder, FIRST)
    pages = int(first["infos"]["crawled_pages_nbr"])
    different = _one_of_each(next((folder / "session").glob("*.db")))
    if pages < len(list(target.app.url_map.iter_rules())) // 4:
        raise DidNotRun(f"wapiti saw {pages} pages only; it was not signed in.")
    done, result.findings = FIRST.split(","), sorted(set(_findings(first)))
    for attack in attacks:
        began = time.monotonic()
        try:
            _run(target, browser, folder, attack, prefix)
            result.findings = sorted({*result.findings, *_findings(_report(folder, attack))})
            done += attack.split(",")
        except DidNotRun as error:
            result.left_out.append(f"wapiti {attack}: {error}")
        print(f"  {place}: {attack}, {time.monotonic() - began:.0f} s, {len(result.findings)} findings", flush=True)
    result.did = {"pages and forms": pages, "different ones, attacked": different, "modules": done}
    return result


def _one_of_each(session: Path) -> int:
    """Of pages and forms that differ by an id alone, leaves the first to be attacked; how many are left."""
    with closing(sqlite3.connect(session)) as base, base:
        fields: dict[int, list[str]] = defaultdict(list)
        for page, place, name, value in base.execute(
            "SELECT path_id, type, name, value1 FROM params ORDER BY param_id"
        ):
            fields[page].append(ID.sub("", f"{place} {name} {value if place == 'GET' else ''}"))
        kept: dict[tuple[str, ...], int] = {}
        for page, method, path in base.execute(
            "SELECT path_id, method, path FROM paths WHERE NOT evil ORDER BY path_id"
        ).fetchall():
            if kept.setdefault((method, ID.sub("", path), *fields[page]), page) != page:
                base.execute("DELETE FROM params WHERE path_id = ?", (page,))
                base.execute("DELETE FROM paths WHERE path_id = ?", (page,))
    return len(kept)


def _run(target: Target, browser: Browser, folder: Path, attack: str, prefix: list[str]) -> None:
    command = [*prefix, *_command(target, browser, folder, attack)]
    code = run(command, folder / f"{attack}.log", seconds=SECONDS)
    if not (folder / f"{attack}.json").exists():
        said = (folder / f"{attack}.log").read_text(errors="replace")
        raise DidNotRun(f"ended with {code} and no report: {said[-1500:]}")


def _report(folder: Path, attack: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{attack}.json").read_text())
    return found


def _command(target: Target, browser: Browser, folder: Path, attack: str) -> list[str]:
    options = {
        "--url": f"{target.url}/", "--header": f"Cookie: {browser.cookie}", "--module": attack, "--format": "json",
        "--output": str(folder / f"{attack}.json"), "--store-session": str(folder / "session"),
        "--store-config": str(folder / "config"), "--timeout": "20", "--scope": "folder", "--verbose": "1", **BOUNDS,
    }  # fmt: skip
    words = [word for pair in options.items() for word in pair]
    left = [word for path in LEAVE for word in ("--exclude", f"{target.url}{path}")]
    own = ["--endpoint", target.url]  # it must not ask for its makers' server in the outside world
    crawl = "--flush-session" if attack == FIRST else "--skip-crawl"
    return [str(program(NAME, "wapiti")), *words, *left, *own, "--no-bugreport", crawl]


def _findings(report: dict[str, Any]) -> Iterator[str]:
    for kind in ("vulnerabilities", "anomalies"):
        for name, found in report[kind].items():
            for one in found:
                where = ID.sub("{id}", one["path"].split("?")[0])
                yield f"wapiti: {name}: {one['method']} {where} {one.get('parameter') or ''}: {one['info'][:120]}"
