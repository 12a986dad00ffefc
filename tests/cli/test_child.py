import os
import signal
import subprocess
import sys
from pathlib import Path

from mailsetup.cli.child import read_environment
from mailsetup.cli.development.folder import write_environment
from tests.processes import alive, until

CHILD = [sys.executable, "-m", "mailsetup.cli.child"]


def test_it_becomes_the_command_with_the_environment_of_the_file(tmp_path):
    write_environment(tmp_path / "environment", {"GREETING": "it's a 'fine' day $HOME"})
    show = "import os; print(os.environ['GREETING'])"
    command = [*CHILD, "--environment", str(tmp_path / "environment"), sys.executable, "-c", show]
    assert subprocess.check_output(command, text=True) == "it's a 'fine' day $HOME\n"


def test_it_writes_the_environment_for_its_owner_alone_and_reads_it_back(tmp_path):
    path = tmp_path / "environment"
    write_environment(path, {"B": "two words", "A": 'quote " and \\ and #'})
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_environment(path) == {"A": 'quote " and \\ and #', "B": "two words"}


def test_it_ends_when_its_parent_is_killed():
    script = (
        "import subprocess, sys, time;"
        f"child = subprocess.Popen({[*CHILD, 'sleep', '60']!r});"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    until(lambda: _command(child).startswith(b"sleep"))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(lambda: not alive(child))


def _command(process):
    return Path(f"/proc/{process}/cmdline").read_bytes()
