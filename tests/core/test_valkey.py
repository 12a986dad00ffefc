"""The embedded Redis: one per folder, survives a crash, gets over damaged files."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest
import redis

from mailsetup.core.processes import SOCKET_PATH_LIMIT
from mailsetup.core.valkey import EmbeddedValkey, ValkeyError
from tests.processes import alive, until


@pytest.fixture
def server(tmp_path) -> Iterator[EmbeddedValkey]:
    server = EmbeddedValkey(tmp_path / "valkey")
    yield server
    server.kill()


def test_it_answers_on_a_unix_socket_and_never_evicts(server):
    server.start()
    with redis.Redis.from_url(server.url) as connection:
        assert connection.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert connection.config_get("port") == {"port": "0"}
    assert server.socket.stat().st_mode & 0o077 == 0


def test_it_keeps_what_was_written_before_a_crash(server):
    server.start()
    with redis.Redis.from_url(server.url) as connection:
        connection.set("kept", "yes")
    server.kill()
    server.start()
    with redis.Redis.from_url(server.url) as connection:
        assert connection.get("kept") == b"yes"


def test_it_refuses_a_second_server_on_the_same_folder(server):
    server.start()
    with pytest.raises(ValkeyError, match="Another server already works"):
        EmbeddedValkey(server.folder).start()
    assert server.ready()


def test_it_moves_damaged_files_aside_and_starts_empty(server):
    server.start()
    with redis.Redis.from_url(server.url) as connection:
        for number in range(50):
            connection.set(f"key{number}", "x" * 50)
    server.stop()
    (file,) = (server.folder / "appendonlydir").glob("*.incr.aof")
    content = bytearray(file.read_bytes())
    content[200:240] = b"#" * 40
    file.write_bytes(content)
    server.start()
    with redis.Redis.from_url(server.url) as connection:
        assert connection.dbsize() == 0
    assert list(server.folder.glob("appendonlydir.broken-*"))


def test_it_uses_a_short_folder_when_the_path_is_too_long(tmp_path):
    server = EmbeddedValkey(tmp_path / ("long" * 30))
    server.start()
    try:
        assert len(str(server.socket)) <= SOCKET_PATH_LIMIT
        assert server.ready()
    finally:
        server.stop()
    assert not server.socket.parent.exists()


def test_it_says_where_it_cannot_start(server):
    server.log_file.mkdir(parents=True)
    with pytest.raises(ValkeyError, match="did not start in"):
        server.start()


def test_it_dies_with_the_process_that_started_it(tmp_path):
    script = (
        "import pathlib, sys, time; from mailsetup.core.valkey import EmbeddedValkey;"
        "server = EmbeddedValkey(pathlib.Path(sys.argv[1])); server.start();"
        "print(server.process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(lambda: not alive(child))
