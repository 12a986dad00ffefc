"""Every part on one page, in a browser: accessible in light and dark, wide and narrow, and alive."""

from collections.abc import Iterator
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page

from mailsetup.web.frame import register_frame
from tests.accessibility import objections
from tests.browsers import served
from tests.web.gallery import add_gallery, frame_of_gallery

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
pytestmark = [pytest.mark.browser, pytest.mark.looks]


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    add_gallery(app)
    register_frame(frame_of_gallery)
    with served(app) as url:
        yield url


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(base_url=address, viewport={"width": 390, "height": 844})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", ["/outbound", "/outbound?wide=1", "/plain", "/nowhere"])
def test_it_has_no_accessibility_violation(browser: Browser, address: str, path: str) -> None:
    page = browser.new_page()
    page.goto(address + path)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert objections(page, contrast=width == 1280) == []
            assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.close()


def test_it_runs_without_a_word_on_the_console(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/outbound")
    page.wait_for_load_state("networkidle")
    assert said == []


def test_it_copies_and_says_so(page: Page) -> None:
    page.goto("/outbound")
    page.get_by_role("button", name="Copy support bundle").click()
    page.get_by_role("button", name="Copied").wait_for()
    page.locator("#spoken", has_text="Copied").wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()") == "stage: authenticate"


def test_it_opens_and_closes_the_menu(page: Page) -> None:
    page.goto("/outbound")
    button, alerts = page.get_by_role("button", name="Menu"), page.get_by_role("link", name="Alerts")
    assert not alerts.is_visible()
    button.click()
    assert (button.get_attribute("aria-expanded"), alerts.is_visible()) == ("true", True)
    page.keyboard.press("Escape")
    assert (button.get_attribute("aria-expanded"), alerts.is_visible()) == ("false", False)


def test_it_asks_before_something_stops(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.goto("/outbound")
    page.get_by_role("button", name="Remove credential").click()
    dialog = page.get_by_role("dialog")
    assert "3 setups use this credential." in dialog.inner_text()
    dialog.get_by_role("button", name="Cancel").click()
    assert "POST" not in sent
    page.get_by_role("button", name="Remove credential").click()
    with page.expect_request(lambda request: request.method == "POST"):
        dialog.get_by_role("button", name="Remove credential").click()


def test_it_focuses_the_error_summary_and_leads_to_the_field(page: Page) -> None:
    page.goto("/outbound")
    page.wait_for_function("document.activeElement.matches('[data-error-summary]')")
    page.get_by_role("link", name="Enter the name of the server").click()
    page.wait_for_function("document.activeElement.id === 'f-host'")


def test_it_shows_the_navigation_without_scripts(browser: Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{address}/outbound")
    visible = page.get_by_role("link", name="Alerts").is_visible()
    buttons = page.get_by_role("button", name="Copy support bundle").count()
    context.close()
    assert (visible, buttons) == (True, 0)
