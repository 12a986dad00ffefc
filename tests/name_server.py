"""One DNS server for all tests of a process; each test begins with an empty world."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.dns_server import NameServer


@pytest.fixture(scope="session")
def name_server() -> Iterator[NameServer]:
    """The server, which knows nothing."""
    with NameServer() as running:
        yield running


@pytest.fixture
def names(name_server: NameServer) -> NameServer:
    """The server, for one test."""
    name_server.clear()
    return name_server
