"""The page of the explainer in a browser: one screen of a phone, nothing that axe objects to, no script needed."""

from __future__ import annotations

from typing import Literal

import pytest
from flask import Flask, render_template_string
from playwright.sync_api import Browser, Page, ViewportSize

from mailsetup.mail_services import hints
from mailsetup.mail_services.hints.words import filled, fillings
from tests.accessibility import objections
from tests.browsers import sign_in
from tests.mail_services.hints.cases import CONTEXT
from tests.people import Person

pytestmark = pytest.mark.browser
Scheme = Literal["light", "dark"]
PHONE = ViewportSize(width=390, height=844)
HEADER = 64  # what stays above the card
LONGEST = CONTEXT | {"mailbox": "accounts.receivable@subsidiary.contoso.example", "from_address": "ar@contoso.example"}
CARD = '{% import "_macros.html" as ui %}{{ ui.explanation(e, bundle="x", heading="h2") }}'


def opened(browser: Browser, address: str, person: Person, scheme: Scheme = "light", scripts: bool = True) -> Page:
    context = browser.new_context(
        base_url=address, viewport=PHONE, color_scheme=scheme, java_script_enabled=scripts, locale="en-US"
    )
    sign_in(context, address, person)
    page = context.new_page()
    page.goto("/explain")
    return page


def ask(page: Page, said: str) -> None:
    page.get_by_label("The error, as you see it").fill(said)
    page.get_by_role("button", name="Explain").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_open_to_everybody(browser: Browser, address: str, bob: Person, scheme: Scheme) -> None:
    page = opened(browser, address, bob, scheme)
    for said in ("", "AADSTS7000222: expired"):
        if said:
            ask(page, said)
            page.get_by_role("heading", name="The client secret has expired").wait_for()
        assert objections(page) == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    page.context.close()


def test_it_needs_no_script(browser: Browser, address: str, bob: Person) -> None:
    page = opened(browser, address, bob, scripts=False)
    ask(page, "(535, b'5.7.139 SmtpClientAuthentication is disabled for the Tenant')")
    page.get_by_role("heading", name="Your organisation has switched off SMTP sign-in").wait_for()
    card = page.locator(".explanation").bounding_box()
    assert card is not None
    assert card["height"] <= PHONE["height"] - HEADER
    page.context.close()


def cards(app: Flask) -> str:
    words = fillings(LONGEST)
    with app.test_request_context():
        found = [
            hints.Explanation(
                cause.slug, filled(cause.title, words), filled(cause.explanation, words),
                tuple(filled(step, words) for step in cause.steps), cause.who_acts, cause.permanent, "high", "x",
            )
            for cause in hints.CAUSES.values()
        ]  # fmt: skip
        return "".join(render_template_string(CARD, e=each) for each in found)


def test_every_explanation_fits_one_screen(browser: Browser, address: str, bob: Person, app: Flask) -> None:
    page = opened(browser, address, bob)
    page.evaluate("html => { document.querySelector('main').innerHTML = html }", cards(app))
    heights = page.evaluate(
        "[...document.querySelectorAll('.explanation')].map(e => [e.getBoundingClientRect().height, e.ariaLabel])"
    )
    page.context.close()
    assert len(heights) == len(hints.CAUSES)
    assert [each for each in heights if each[0] > PHONE["height"] - HEADER] == []
