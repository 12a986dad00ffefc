from pathlib import Path

import pytest

from mailsetup.cli.development.folder import Folder
from mailsetup.cli.development.ports import USUAL
from mailsetup.cli.development.programs import configuration, procfile, programs

URL = "http://localhost:8000/setup/microsoft/callback"


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "with space")


def named(folder, *, embedded_redis=True):
    return {one.name: one for one in programs(folder, USUAL, redirect_uri=URL, embedded_redis=embedded_redis)}


def test_it_runs_the_very_lines_of_the_procfile(folder):
    kept = named(folder)
    wanted = {name: command for name, command in procfile().items() if name != "release"}
    assert {name: kept[name].command for name in wanted} == wanted


def test_it_starts_what_others_need_first_and_stops_it_last(folder):
    order = [one.name for one in sorted(named(folder).values(), key=lambda one: one.priority)]
    assert order[:2] == ["valkey", "sandbox"]
    assert order[-1] == "web"


def test_it_leaves_the_embedded_redis_out_when_another_one_is_named(folder):
    assert "valkey" not in named(folder, embedded_redis=False)


def test_it_hands_the_sandbox_every_port(folder):
    command = named(folder)["sandbox"].command
    for option in ("--http-port 8100", "--https-port 8143", "--outlook-smtp-port 8587", "--operator-smtp-port 2526"):
        assert option in command
    assert "--web-port" not in command


def test_it_writes_no_secret_into_the_configuration(folder):
    folder.path.mkdir()
    secret = folder.secret_key()
    text = configuration(folder, Path("s.sock"), list(named(folder).values()))
    assert secret not in text
    assert "[group:jobs]\nprograms=worker_mail,worker_tests,worker_alerts,worker_events,scheduler" in text
