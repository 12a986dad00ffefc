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
from mailsetup.sandbox import Sandbox
from tests.paths.customer import Customer
from tests.paths.failures import CASES, STAGES, Case, Place, Servers, scripted
from tests.paths.microsoft_failures import REFUSALS, Refusal
from tests.paths.world import app_values, new_mailbox

pytestmark = [
    pytest.mark.browser,
    pytest.mark.looks,
    pytest.mark.xdist_group("product"),
    pytest.mark.timeout(900),
]
# All of them take some minutes: `make test-hints`.
ALL = bool(os.environ.get("MAILSETUP_ALL_FAILURES"))
CHOSEN = tuple(case for case in CASES if ALL or case.quick)
REFUSED = tuple(refusal for refusal in REFUSALS if ALL or refusal.quick)
MOST_SECONDS = 60


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
        self.secret = "pass-word-1"

    def begin(self, place: Place) -> None:
        self.customer.sign_up()
        self.customer.begin("SMTP with user name and password")
        self.customer.new_login(username="user", password=self.secret)
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
        self.fails(case.seconds)
        self.read(case.stage, case.causes)

    def begin_at_microsoft(self, box: Sandbox) -> None:
        values = app_values(box)
        self.secret = values["secret"]
        self.customer.sign_up()
        self.customer.begin("Microsoft Office 365 Exchange (Graph) with OAuth 2.0")
        self.customer.new_app_credential(**values)
        self.customer.past_what_microsoft_says()
        self.customer.sender(from_address=new_mailbox(box, self.customer.tag).address)

    def is_refused(self, box: Sandbox, refusal: Refusal) -> None:
        box.switch(refusal.switch)
        try:
            self.fails(MOST_SECONDS)
        finally:
            box.switch(refusal.switch, on=False)
        self.read(refusal.stage, (refusal.cause,))

    def fails(self, seconds: float) -> None:
        began = time.monotonic()
        assert self.customer.test("me@fabrikam.example") == "failed"
        took = time.monotonic() - began
        assert took < seconds, f"it took {took:.0f} s"

    def read(self, stage: str, causes: tuple[str, ...]) -> None:
        """The stage that failed, the sentence, whose turn it is, what to do, and the cause in the bundle."""
        failed = self.page.locator("#test-run .stage-failed").inner_text()
        verdict = self.page.locator("#test-run .test-verdict")
        heading = verdict.get_by_role("heading").first.inner_text()
        assert failed.startswith(STAGES[stage]), f"{failed}: {heading}"
        assert "Who can do it" in verdict.inner_text()
        assert verdict.locator("ol > li").count() >= 1
        bundle = verdict.locator("details.bundle [data-copy]").last.get_attribute("data-copy") or ""
        facts = json.loads(bundle)
        cause = facts["result"].removeprefix("failed ")
        assert cause in causes, f"{cause}: {heading}"
        assert self.secret not in self.page.content()
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
    assert each_its_own(walk.told)


def test_it_tells_every_refusal_of_microsoft_apart(customer: Customer, box: Sandbox, product_database: str) -> None:
    walk = Walk(customer, product_database)
    walk.begin_at_microsoft(box)
    faults = []
    for refusal in REFUSED:
        walk.forget_earlier_tests()
        try:
            walk.is_refused(box, refusal)
        except AssertionError as fault:
            faults.append(f"{refusal.switch}: {fault}")
    assert not faults, "\n".join(faults)
    assert each_its_own(walk.told)


def each_its_own(told: dict[str, set[str]]) -> bool:
    """Whether no two causes have the same sentence."""
    headings = [heading for of_one in told.values() for heading in of_one]
    return len(headings) == len(set(headings)) >= len(told)
