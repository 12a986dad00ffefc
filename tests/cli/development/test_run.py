"""The whole of `make run`, on a folder and a port of its own."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from mailsetup.cli.development.folder import ROOT, read_json
from tests.ports import free_port
from tests.processes import alive, until

COMMAND = [sys.executable, "-m", "mailsetup.cli.development"]


class Started:
    """One `make run` and what it said."""

    def __init__(self, folder, output):
        self.folder = folder
        self.output = output
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("MAILSETUP_")}
        self.environment["PORT"] = str(free_port())
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [*COMMAND, str(folder)], cwd=ROOT, env=self.environment, stdout=file, stderr=subprocess.STDOUT
            )

    def said(self):
        return self.output.read_text()

    def is_up(self):
        assert self.process.poll() is None, self.said()
        return "Ctrl-C stops everything." in self.said()

    def address(self):
        return read_json(self.folder / "running.json")["address"]


@pytest.fixture
def started(tmp_path):
    started = Started(tmp_path / "var", tmp_path / "output")
    until(started.is_up, seconds=120)
    yield started
    started.process.kill()
    started.process.wait()


@pytest.mark.timeout(300)
def test_it_starts_everything_refuses_a_second_start_and_leaves_nothing_behind(started):
    with urllib.request.urlopen(f"{started.address()}/sign-in") as page:
        assert page.status == 200
    second = subprocess.run(
        [*COMMAND, str(started.folder)], cwd=ROOT, env=started.environment, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"mailsetup is already running at {started.address()}" in second.stderr
    kept = children(started.process.pid)
    assert len(kept) >= 8
    started.process.send_signal(signal.SIGINT)
    assert started.process.wait(60) == 0
    until(lambda: not any(map(alive, kept)))
    assert started.said().endswith("Stopped.\n")


def children(process):
    """Every process below this one."""
    listed = subprocess.check_output(["ps", "-eo", "pid=,ppid="], text=True).split()
    parents = {int(pid): int(parent) for pid, parent in zip(listed[::2], listed[1::2], strict=True)}
    found = {process}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {process}
