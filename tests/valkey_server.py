"""One embedded Valkey for each test process, flushed before every test that uses it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from mailsetup.core.valkey import EmbeddedValkey


class ValkeyServer:
    """The server as a test handles it: kill it, bring it back, empty it."""

    def __init__(self, folder: Path) -> None:
        self.server = EmbeddedValkey(folder)
        self.url = self.server.url
        self.connection = redis.Redis.from_url(self.url)

    def start(self) -> None:
        if self.server.process is None:
            self.server.start()

    def kill(self) -> None:
        """Ends it as a crash would; whoever is connected notices."""
        self.server.kill()

    def restart(self) -> None:
        """Starts it again on the same files."""
        self.server.kill()
        self.server.start()

    def flush(self) -> None:
        """Forgets everything, as a Redis that lost its memory."""
        self.connection.flushall()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[ValkeyServer]:
    with tempfile.TemporaryDirectory(prefix="mailsetup-valkey-") as folder:
        server = ValkeyServer(Path(folder))
        server.start()
        yield server
        server.kill()


@pytest.fixture
def valkey(valkey_server: ValkeyServer) -> ValkeyServer:
    """The server, running and empty."""
    valkey_server.start()
    valkey_server.flush()
    return valkey_server


@pytest.fixture
def redis_url(valkey: ValkeyServer) -> str:
    return valkey.url
