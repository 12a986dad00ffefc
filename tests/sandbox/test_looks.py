from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.accessibility import objections
from tests.sandbox.customer import REDIRECT

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended")]
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


def look(page: Page) -> None:
    """No accessibility violation, and nothing wider than the window."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert (page.url, width, objections(page, contrast=width == WIDTHS[0])) == (page.url, width, [])
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_its_sign_in_pages_can_be_read_by_everybody(box: Any, customer: Any, page: Page) -> None:
    box.world.add_redirect_uri(REDIRECT)
    person = box.world.mailbox("mfa@contoso.com")
    page.goto(customer.platform().initiate_auth_code_flow(["Mail.Send"], REDIRECT)["auth_uri"])
    page.get_by_label("Email address").fill(person.address)
    for password in ("wrong", person.password):
        look(page)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in").click()
    look(page)
    page.get_by_label("Code").fill(page.locator("#hint").inner_text())
    page.get_by_role("button", name="Verify").click()
    look(page)
    page.goto(page.url.replace("/consent", "?other=1"))
    look(page)


def test_the_answer_posts_itself(box: Any, customer: Any, page: Page) -> None:
    box.world.add_redirect_uri(REDIRECT)
    person = box.world.mailbox("ar@contoso.com")
    posted: list[str] = []

    def receive(route: Route) -> None:
        posted.append(route.request.post_data or "")
        route.fulfill(body="done")

    page.route(f"{REDIRECT}*", receive)
    flow = customer.platform().initiate_auth_code_flow(["Mail.Send"], REDIRECT, response_mode="form_post")
    page.goto(flow["auth_uri"])
    page.get_by_label("Email address").fill(person.address)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("done").wait_for()
    assert "code=1." in posted[0]
