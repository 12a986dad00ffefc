"""Workers and scheduler are killed: the operator is told by mail in time, and the alert ends when they are back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core import db
from mailsetup.sandbox import Sandbox
from tests.paths.product import WORKERS, Product, wait_for
from tests.valkey_server import ValkeyServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]
OPERATOR = "operator@northwind.example"
# The product's own figures are 60 and 90 seconds; both are counted from MAILSETUP_MISSING_AFTER.
MISSING_AFTER = 12
IN_TIME = MISSING_AFTER + 30


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("MAILSETUP_ENV", "test")
    with Sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def product(database_url: str, valkey: ValkeyServer, box: Sandbox, tmp_path: Path) -> Iterator[Product]:
    folder = tmp_path / "processes"
    folder.mkdir()
    found = Product(folder, database_url=database_url, redis_url=valkey.url, box=box, ca_bundle=box.ca_file)
    found.environ["MAILSETUP_MISSING_AFTER"] = str(MISSING_AFTER)
    try:
        found.start()
        yield found
    finally:
        found.stop()


def open_labels() -> set[str]:
    with db.session_scope() as session:
        return set(session.scalars(select(Alert.subject_label).where(Alert.resolved_at.is_(None))))


@pytest.mark.parametrize("gone", [WORKERS, ("scheduler",)])
def test_it_tells_the_operator_in_time_and_ends_by_itself(
    session: Session, product: Product, box: Sandbox, gone: tuple[str, ...]
) -> None:
    names = {name if name == "scheduler" else f"worker_{name}" for name in gone}
    wait_for(lambda: not open_labels(), what="a quiet start")
    product.stop(*gone, kill=True)
    killed = time.monotonic()
    # Of many at once not each is mailed by itself: three an hour about one cause.
    wait_for(lambda: box.inbox(OPERATOR), seconds=IN_TIME, what="the operator's mail")
    wait_for(lambda: open_labels() == names, seconds=IN_TIME, what="an alert for each")
    assert time.monotonic() - killed < IN_TIME
    product.start(*gone)
    wait_for(lambda: not open_labels(), seconds=30, what="the end of the alerts")
