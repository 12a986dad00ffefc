"""Brings .venv up to a lock file: `python3 mailsetup/cli/environment.py requirements.txt`.

Runs before anything is installed, on whatever Python the machine has: only the standard library and nothing of ours.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
LOCKS = ("requirements.txt", "requirements-dev.txt")
OLDEST = (3, 11)
NEWER_PYTHONS = tuple(f"python3.{minor}" for minor in range(15, 10, -1))
KEPT = {"pip", "setuptools", "wheel"}


class CannotInstall(Exception):
    """The environment cannot be made here; the text says why and what to do."""


def main(lock: str) -> int:
    """Makes .venv hold exactly what the lock file names; does nothing when it already does."""
    try:
        _use_new_enough_python()
        with (ROOT / "Makefile").open() as guard:
            # Two makes started at once take turns.
            fcntl.flock(guard, fcntl.LOCK_EX)
            if not is_current(lock):
                install(lock)
    except CannotInstall as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def is_current(lock: str) -> bool:
    """Whether .venv was made by this Python from the lock file as it is now."""
    installed = _read_stamp()
    return PYTHON.exists() and installed.get("python") == _version() and installed.get(lock) == checksum(lock)


def install(lock: str) -> None:
    """Creates .venv where it is missing or broken, installs the lock with hashes, removes what no lock names."""
    if _read_stamp().get("python") != _version() or not _works():
        _create()
    print(f"Installing {len(names(lock))} packages from {lock} into .venv ...", flush=True)
    done = _pip("install", "-qq", "--require-hashes", "--requirement", str(ROOT / lock))
    if done.returncode:
        raise CannotInstall(
            f"The packages of {lock} could not be installed: pip says why above. "
            "If it could not connect, check the network or the proxy of this machine; then run the same command again."
        )
    _remove_strays()
    # The development lock holds every package of the production one.
    held = {name: checksum(name) for name in LOCKS[: LOCKS.index(lock) + 1]}
    STAMP.write_text(json.dumps({"python": _version(), **held}))


def checksum(lock: str) -> str:
    """The SHA-256 of a lock file."""
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


def names(lock: str) -> set[str]:
    """The packages a lock file names."""
    return set(re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / lock).read_text(), re.MULTILINE))


def _version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _read_stamp() -> dict[str, str]:
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def _works() -> bool:
    if not PYTHON.exists():
        return False
    return subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _pip(*arguments: str) -> subprocess.CompletedProcess[str]:
    options = ("--disable-pip-version-check", "--no-input")
    return subprocess.run([PYTHON, "-m", "pip", *options, *arguments], text=True, check=False)


def _remove_strays() -> None:
    listed = subprocess.run(
        [PYTHON, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = {_normal(name) for lock in LOCKS for name in names(lock)} | KEPT
    strays = [entry["name"] for entry in json.loads(listed.stdout) if _normal(entry["name"]) not in wanted]
    if strays:
        _pip("uninstall", "-qq", "--yes", *strays)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _create() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        _install_venv_package()
    print(f"Making .venv with Python {_version()} ...", flush=True)
    done = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"Python could not make .venv: {(done.stdout + done.stderr).strip()}\n{_venv_advice()}")


def _install_venv_package() -> None:
    # Debian keeps venv in a package of its own.
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise CannotInstall(_venv_advice())
    print(f"Installing Debian's {_venv_package()} ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False)
    done = subprocess.run(["apt-get", "install", "-y", "-qq", _venv_package()], env=environment, check=False)
    if done.returncode:
        raise CannotInstall(_venv_advice())


def _venv_package() -> str:
    return f"python{_version()}-venv"


def _venv_advice() -> str:
    return f"This Python has no working venv. On Debian or Ubuntu: sudo apt-get install {_venv_package()}"


def _use_new_enough_python() -> None:
    if sys.version_info[:2] >= OLDEST:
        return
    for name in NEWER_PYTHONS:
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])
    raise CannotInstall(
        f"mailsetup needs Python {OLDEST[0]}.{OLDEST[1]} or newer; {sys.executable} is {_version()}. "
        "Install a newer one, or name it: make run PYTHON=/path/to/python3"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
