import os
import signal
import subprocess
import sys

import pytest

from mailsetup.cli.development.folder import CannotStart, Folder
from mailsetup.cli.development.programs import Program
from mailsetup.cli.development.supervision import Supervision
from tests.processes import alive, until

# Takes its time to end, and writes down that it has: the order can be read there.
SERVER = """
import pathlib, signal, sys, time
folder, name, seconds = pathlib.Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
def end(*_):
    time.sleep(seconds)
    with (folder / "ended").open("a") as file:
        file.write(name + " ")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
(folder / f"{name}.up").touch()
while True:
    signal.pause()
"""


class Stage:
    """Some servers under a Supervisor of their own."""

    def __init__(self, path):
        self.path = path
        self.folder = Folder(path / "var")
        self.lock = self.folder.prepare()
        (path / "server.py").write_text(SERVER)

    def program(self, name, priority, *, seconds=0.0, grace=15):
        command = f"python {self.path / 'server.py'} {self.path} {name} {seconds}"
        return Program(name, command, priority, grace=grace, at_once=True)

    def up(self, *programs):
        supervision = Supervision(self.folder, [*programs, self.program("job", 30, grace=70)])
        supervision.start(self.lock)
        until(lambda: all((self.path / f"{one.name}.up").exists() for one in supervision.programs))
        return supervision


@pytest.fixture
def stage(tmp_path):
    return Stage(tmp_path)


def processes(supervision):
    return [state.process for state in supervision.states()]


def test_it_stops_in_order_and_waits_for_each(stage):
    supervision = stage.up(stage.program("valkey", 10), stage.program("web", 40, seconds=0.5))
    supervision.stop()
    assert (stage.path / "ended").read_text() == "web job valkey "
    assert not supervision.socket.exists()


def test_it_starts_a_killed_process_again(stage):
    supervision = stage.up(stage.program("web", 40))
    (before,) = (state for state in supervision.states() if state.name == "web")
    os.kill(before.process, signal.SIGKILL)
    until(lambda: any(one.name == "web" and one.process not in {0, before.process} for one in supervision.states()))
    supervision.stop()


def test_it_leaves_nothing_behind_when_the_manager_is_killed(stage):
    supervision = stage.up(stage.program("web", 40))
    kept = processes(supervision)
    os.kill(supervision.process.pid, signal.SIGKILL)
    supervision.process.wait()
    until(lambda: not any(map(alive, kept)))


def test_it_ends_everything_at_once_when_told_to(stage):
    supervision = stage.up(stage.program("web", 40, seconds=60))
    kept = processes(supervision)
    supervision.kill()
    supervision.stop()
    until(lambda: not any(map(alive, kept)))


def test_it_kills_what_does_not_end_within_its_grace(stage):
    supervision = stage.up(stage.program("web", 40, seconds=60, grace=1))
    supervision.stop()
    assert (stage.path / "ended").read_text() == "job "


def test_it_says_where_to_look_when_something_does_not_start(stage):
    supervision = stage.up()
    with pytest.raises(CannotStart, match="The sandbox did not start within 0 s; the reason is in"):
        supervision.wait_for(lambda: False, "The sandbox", seconds=0.1)
    supervision.stop()


def test_it_stops_in_order_when_whoever_started_it_is_killed(stage):
    os.close(stage.lock)
    script = (
        "import pathlib, sys, time; from tests.cli.development.test_supervision import Stage;"
        "stage = Stage(pathlib.Path(sys.argv[1])); supervision = stage.up(stage.program('web', 40));"
        "print(*[state.process for state in supervision.states()], flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(stage.path)], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    kept = [int(word) for word in starter.stdout.readline().split()]
    starter.kill()
    starter.wait()
    until(lambda: not any(map(alive, kept)))
    assert (stage.path / "ended").read_text() == "web job "
