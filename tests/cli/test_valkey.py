import signal
import subprocess
import sys

import redis

from mailsetup.core.valkey import redis_url
from tests.processes import until


def test_it_serves_until_asked_to_stop_and_leaves_no_socket(tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "mailsetup.cli.valkey", str(tmp_path)])
    until((tmp_path / "valkey.sock").exists)
    with redis.Redis.from_url(redis_url(tmp_path)) as connection:
        until(lambda: _answers(connection))
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not (tmp_path / "valkey.sock").exists()


def test_it_ends_with_its_server(tmp_path):
    process = subprocess.Popen([sys.executable, "-m", "mailsetup.cli.valkey", str(tmp_path)])
    until((tmp_path / "valkey.sock").exists)
    with redis.Redis.from_url(redis_url(tmp_path)) as connection:
        until(lambda: _answers(connection))
        connection.shutdown(nosave=True)
    assert process.wait(60) == 1


def test_it_says_why_it_cannot_start(tmp_path):
    (tmp_path / "valkey.log").mkdir()
    command = [sys.executable, "-m", "mailsetup.cli.valkey", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "did not start in" in done.stderr
    assert "Traceback" not in done.stderr


def _answers(connection):
    try:
        return connection.ping()
    except redis.RedisError:
        return False
