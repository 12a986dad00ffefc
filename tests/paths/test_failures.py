"""Every stage failing in every way that a server can, in the browser, each told in a sentence of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import trustme

from mailsetup.core import raw_sql
from mailsetup.core.db import make_engine
from mailsetup.diagnosis.models import TestRun
from tests.paths.customer import Customer
from tests.paths.failures import CASES, STAGES, Case, Place, Servers, scripted

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("product"), pytest.mark.timeout(900)]
# All of them take some minutes: `make test-hints`.
CHOSEN = CASES if os.environ.get("MAILSETUP_ALL_FAILURES") else tuple(case for case in CASES if case.quick)


@pytest.fixture
def servers(exim_ca: trustme.CA, tmp_path: Path) -> Iterator[Servers]:
    with Servers(exim_ca, tmp_path) as running:
        yield running


class Walk:
    """A customer who tests one server after the other, and reads what is said."""

    def __init__(self, customer: Customer, database_url: str) -> None:
        self.customer, self.page = customer, customer.page
        self.engine = make_engine(database_url)
        self.entered = Place()
        self.told: dict[str, set[str]] = {}

    def begin(self, place: Place) -> None:
        self.customer.sign_up()
        self.customer.begin("SMTP with user name and password")
        self.customer.new_login(username="user", password="pass-word-1")
        self.customer.sender(from_address="ar@northwind.example", server=place.fields)
        self.entered = place

    def forget_earlier_tests(self) -> None:
        """So that the limit of tests a minute does not end the walk."""
        with self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                raw_sql.set_scope(connection, raw_sql.EVERYWHERE)
            connection.execute(sa.delete(TestRun))

    def try_out(self, case: Case, place: Place) -> None:
        if place != self.entered:
            self.customer.change_sender(server=place.fields)
            self.entered = place
        began = time.monotonic()
        assert self.customer.test("me@fabrikam.example") == "failed", case.name
        took = time.monotonic() - began
        assert took < case.seconds, f"{case.name} took {took:.0f} s"
        self.read(case)

    def read(self, case: Case) -> None:
        """The stage that failed, the sentence, whose turn it is, what to do, and the cause in the bundle."""
        failed = self.page.locator("#test-run .stage-failed")
        assert failed.inner_text().startswith(STAGES[case.stage]), f"{case.name}: {failed.inner_text()}"
        verdict = self.page.locator("#test-run .test-verdict")
        heading = verdict.get_by_role("heading").first.inner_text()
        assert "Who can do it" in verdict.inner_text(), case.name
        assert verdict.locator("ol > li").count() >= 1, case.name
        bundle = verdict.locator("details.bundle [data-copy]").last.get_attribute("data-copy") or ""
        facts = json.loads(bundle)
        cause = facts["result"].removeprefix("failed ")
        assert cause in case.causes, f"{case.name}: {cause}: {heading}"
        assert "pass-word-1" not in self.page.content()
        self.told.setdefault(cause, set()).add(heading)


def test_it_tells_every_failure_apart(customer: Customer, servers: Servers, product_database: str) -> None:
    walk = Walk(customer, product_database)
    walk.begin(servers.good())
    faults = []
    for case in CHOSEN:
        walk.forget_earlier_tests()
        with scripted(servers, case) as place:
            try:
                walk.try_out(case, place)
            except AssertionError as fault:
                faults.append(f"{case.name}: {fault}")
    assert not faults, "\n".join(faults)
    headings = [heading for told in walk.told.values() for heading in told]
    assert len(headings) == len(set(headings)) >= len(walk.told)
