"""The page of all workspaces in a browser: reached from the menu, nothing that axe objects to, fits a telephone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.orm import Session

from tests import factories
from tests.accessibility import objections
from tests.browsers import sign_in
from tests.people import Person

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_reached_from_the_menu(
    browser: Browser, address: str, alice: Person, session: Session, width: int
) -> None:
    for number in range(60):
        workspace = factories.make_workspace(session, name=f"Customer {number:02}, its shops and whoever sells for it")
        factories.make_member(session, workspace, alice.user, role=("owner", "admin", "member")[number % 3])
    context = browser.new_context(base_url=address, viewport={"width": width, "height": 900}, locale="en-US")
    sign_in(context, address, alice)
    page = context.new_page()
    page.goto("/members")
    if width < 800:
        page.get_by_role("button", name="Menu").click()
    page.get_by_text("Northwind").first.click()
    assert objections(page) == []
    page.get_by_role("link", name="All 61 workspaces").click()
    expect(page.get_by_role("heading", name="Workspaces")).to_be_visible()
    assert objections(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.get_by_role("link", name="Next 50").click()
    page.get_by_role("button", name="Open Customer 55").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("Customer 55, its shops").first).to_be_attached()
    context.close()
