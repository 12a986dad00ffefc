"""wapiti as the signed-in owner: it finds the pages itself, then tries its attacks on what it found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.security.scan.entries import ID
from tests.security.scan.target import Browser, Target
from tests.security.scan.tools import DidNotRun, Result, program, run, version

NAME = "wapiti"
SECONDS = 3600
MODULES = (
    "backup", "cookieflags", "crlf", "csp", "csrf", "exec", "file", "htaccess", "http_headers", "ldap", "methods",
    "permanentxss", "redirect", "shellshock", "sql", "ssrf", "timesql", "upload", "xss", "xxe",
)  # fmt: skip
# Left out: lists of other people's products (buster, cms, htp, nikto, network_device, wapp, wp_enum), faults of
# another language (log4shell, spring4shell), names in the DNS (takeover), and what has no TLS here (https_redirect,
# ssl); brute_login_form tries passwords, which the limits answer that are off here and have tests of their own.
LEAVE = ("/sign-out", "/members/leave", "/settings/data/erase", "/workspaces/switch", "/settings/security/sessions/*")
# A page that was seen with one id is the page with every other id.
BOUNDS = {"--max-links-per-page": "60", "--max-files-per-dir": "25", "-d": "6"}


def scan(target: Target, browser: Browser, *, modules: tuple[str, ...] = MODULES, prefix: list[str]) -> Result:
    """Crawls and attacks. Raises DidNotRun when it did not get past the door."""
    result = Result(NAME, version(NAME))
    folder = target.folder / NAME
    folder.mkdir(exist_ok=True)
    report = folder / "report.json"
    command = [*prefix, *_command(target, browser, folder, report, modules)]
    code = run(command, folder / "log", seconds=SECONDS)
    if not report.exists():
        raise DidNotRun(f"wapiti ended with {code} and no report: {(folder / 'log').read_text()[-1500:]}")
    found: dict[str, Any] = json.loads(report.read_text())
    pages = int(found["infos"]["crawled_pages_nbr"])
    if pages < len(list(target.app.url_map.iter_rules())) // 4:
        raise DidNotRun(f"wapiti saw {pages} pages only; it was not signed in.")
    result.did = {"pages": pages, "modules": len(modules)}
    result.findings = sorted(set(_findings(found)))
    return result


def _command(target: Target, browser: Browser, folder: Path, report: Path, modules: tuple[str, ...]) -> list[str]:
    options = {
        "--url": f"{target.url}/", "--header": f"Cookie: {browser.cookie}", "--module": ",".join(modules),
        "--format": "json",
        "--output": str(report), "--store-session": str(folder / "session"), "--store-config": str(folder / "config"),
        "--timeout": "20", "--scope": "folder", "--verbose": "1", **BOUNDS,
    }  # fmt: skip
    words = [word for pair in options.items() for word in pair]
    left = [word for path in LEAVE for word in ("--exclude", f"{target.url}{path}")]
    own = ["--endpoint", target.url]  # it must not ask for its makers' server in the outside world
    return [str(program(NAME, "wapiti")), *words, *left, *own, "--no-bugreport", "--flush-session"]


def _findings(report: dict[str, Any]) -> Iterator[str]:
    for kind in ("vulnerabilities", "anomalies"):
        for name, found in report[kind].items():
            for one in found:
                where = ID.sub("{id}", one["path"].split("?")[0])
                yield f"wapiti: {name}: {one['method']} {where} {one.get('parameter') or ''}: {one['info'][:120]}"
