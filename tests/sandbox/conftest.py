from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailsetup.sandbox import Sandbox, certificates
from tests.sandbox.customer import Customer


@pytest.fixture(autouse=True)
def _in_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILSETUP_ENV", "test")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys of a sandbox, which take longest to make."""
    folder = tmp_path_factory.mktemp("keys")
    certificates.prepare(folder)
    return folder


@pytest.fixture
def box(tmp_path: Path, keys: Path) -> Iterator[Sandbox]:
    with Sandbox(shutil.copytree(keys, tmp_path / "sandbox")) as running:
        yield running


@pytest.fixture
def customer(box: Sandbox) -> Customer:
    return Customer(box)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Customer]]:
    """One sandbox for a whole file, where a test leaves nothing behind that the next one minds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSETUP_ENV", "test")
        with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
            yield running, Customer(running)
