"""One web process for all who try how requests come in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.server.serving import served


@pytest.fixture(scope="package")
def port() -> Iterator[int]:
    with served() as number:
        yield number
