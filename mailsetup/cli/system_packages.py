"""Installs the programs the tests drive: `python3 mailsetup/cli/system_packages.py`.

A browser, a real mail server, PostgreSQL and a font, from Debian's packages. Without the right to install them the
tests that need them are skipped; under CI nothing may be missing. Only the standard library, as environment.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Program:
    """A program the tests drive, the Debian package it is in, and what goes untested without it."""

    package: str
    untested: str
    present: Callable[[], bool]


def _on_path(*names: str) -> Callable[[], bool]:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin"))
    return lambda: any(shutil.which(name, path=path) for name in names)


def _has_file(folder: str, pattern: str) -> Callable[[], bool]:
    return lambda: any(Path(folder).glob(pattern))


PROGRAMS = (
    Program("chromium", "the pages in a browser", _on_path(*BROWSERS)),
    Program("exim4-daemon-light", "sending through a real mail server", _on_path("exim4")),
    Program("postgresql", "everything on PostgreSQL", _has_file("/usr/lib/postgresql", "*/bin/postgres")),
    Program("fonts-dejavu-core", "the look of pages", _has_file("/usr/share/fonts", "**/*.ttf")),
)


def main() -> int:
    """Installs what is missing; 1 when something stays missing under CI."""
    missing = absent()
    command = apt_get()
    if missing and command:
        _install(command, missing)
        missing = absent()
    for program in missing:
        print(f"{program.package} is missing and cannot be installed here; not tested: {program.untested}.", flush=True)
    if missing and not command:
        print(f"To test it: sudo apt-get install {' '.join(program.package for program in missing)}", flush=True)
    return 1 if missing and os.environ.get("CI") else 0


def absent() -> list[Program]:
    """The programs this machine does not have."""
    return [program for program in PROGRAMS if not program.present()]


def apt_get() -> list[str] | None:
    """How apt-get is run here without asking anybody, or None."""
    if not shutil.which("apt-get"):
        return None
    if os.getuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    return None


def _install(apt: list[str], programs: list[Program]) -> None:
    packages = [program.package for program in programs]
    print(f"Installing {', '.join(packages)} ...", flush=True)
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"apt-get {arguments[0]} failed:\n{(done.stdout + done.stderr)[-2000:]}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
