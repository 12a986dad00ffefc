"""Workers and scheduler are killed: the operator is told by mail in time, and the alert ends when they are back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core import db
from mailsetup.sandbox import Sandbox
from mailsetup.settings import Settings
from tests.paths.product import WORKERS, Product, wait_for
from tests.valkey_server import ValkeyServer

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
OPERATOR = "operator@northwind.example"
# The second is the product's own figure: whoever is missing for 60 seconds is told within 90.
MISSING_AFTER = (12, 60)
AFTER_THAT = 30


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.setenv("MAILSETUP_ENV", "test")
    with Sandbox(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture(params=MISSING_AFTER)
def missing_after(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def product(
    database_url: str, valkey: ValkeyServer, box: Sandbox, tmp_path: Path, missing_after: int
) -> Iterator[Product]:
    folder = tmp_path / "processes"
    folder.mkdir()
    found = Product(folder, database_url=database_url, redis_url=valkey.url, box=box, ca_bundle=box.ca_file)
    if missing_after != Settings.missing_after:
        found.environ["MAILSETUP_MISSING_AFTER"] = str(missing_after)
    try:
        found.start()
        yield found
    finally:
        found.stop()


def open_labels() -> set[str]:
    with db.session_scope() as session:
        return set(session.scalars(select(Alert.subject_label).where(Alert.resolved_at.is_(None))))


@pytest.mark.parametrize("gone", [WORKERS, ("scheduler",)], ids=["every-worker", "scheduler"])
def test_it_tells_the_operator_in_time_and_ends_by_itself(
    session: Session,
    product: Product,
    box: Sandbox,
    missing_after: int,
    gone: tuple[str, ...],
    record_property: Callable[[str, object], None],
) -> None:
    names = {name if name == "scheduler" else f"worker_{name}" for name in gone}
    wait_for(lambda: not open_labels(), what="a quiet start")
    product.stop(*gone, kill=True)
    killed, in_time = time.monotonic(), missing_after + AFTER_THAT
    # Of many at once not each is mailed by itself: three an hour about one cause.
    wait_for(lambda: box.inbox(OPERATOR), seconds=in_time, what="the operator's mail")
    record_property("told_after", time.monotonic() - killed)
    wait_for(lambda: open_labels() == names, seconds=in_time, what="an alert for each")
    assert time.monotonic() - killed < in_time
    began = time.monotonic()
    product.start(*gone)
    wait_for(lambda: not open_labels(), seconds=30, what="the end of the alerts")
    record_property("over_after", time.monotonic() - began)
