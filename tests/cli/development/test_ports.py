import json
import socket

import pytest

from mailsetup.cli.development import ports
from mailsetup.cli.development.folder import CannotStart
from tests.ports import free_port


@pytest.fixture
def busy():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_it_takes_the_next_port_when_the_wished_one_is_taken_and_says_so(tmp_path, busy):
    said: list[str] = []
    picked = ports.pick(tmp_path / "ports.json", web=busy, say=said.append)
    assert picked["web"] > busy
    assert f"Port {busy} is taken; using {picked['web']} instead." in said


def test_it_gives_every_server_a_port_of_its_own(tmp_path):
    picked = ports.pick(tmp_path / "ports.json", web=ports.USUAL["smtp_plain"], say=lambda _: None)
    assert len(set(picked.values())) == len(ports.USUAL)


def test_it_remembers_the_sandboxs_ports_but_tries_the_usual_web_port_first(tmp_path):
    file, (old, plain, wished) = tmp_path / "ports.json", (free_port() for _ in range(3))
    file.write_text(json.dumps({"web": old, "smtp_plain": plain, "unknown": 1, "smtp_tls": "no number"}))
    picked = ports.pick(file, web=wished, say=lambda _: None)
    assert (picked["web"], picked["smtp_plain"]) == (wished, plain)
    assert set(picked) == set(ports.USUAL)


def test_it_says_what_to_do_when_nothing_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(CannotStart, match="make run PORT="):
        ports.pick(tmp_path / "ports.json", web=8000, say=lambda _: None)
