"""Every page that a person can see, in every state, at 1280 and 390 px: taken, and nothing wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.exceptions import HTTPException

from mailsetup.sandbox import Sandbox
from tests import databases
from tests.browsers import PATIENCE_MS
from tests.paths.album import Album
from tests.paths.product import Product
from tests.paths.tours import Tour

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("product"), pytest.mark.timeout(900)]
# Answers to machines, not pages.
NOT_PAGES = {
    "static": "files",
    "audit.export": "a file",
    "exports.file": "a file",
    "api.index": "API",
    "api.show": "API",
    "api.list_setups": "API",
    "api.show_test": "API",
    "api.openapi": "the API's description, for programs",
    "operations.live": "for a load balancer",
    "operations.ready": "for a load balancer",
    "operations.metrics": "for Prometheus",
    "alerts.addresses": "a part of alerts.index, which asks for it while a notice is on its way",
    "tests.stages": "a part of tests.show, which asks for it while a test runs",
    "calendar.download": "a file",
    "calendar.feed": "a file for calendar programs",
    "credentials.certificate": "a file",
    "setup.new_certificate": "a file",
    "tests.domain": "a part of outbound.show, which asks for it until the DNS has answered",
    "handover.certificate": "a file",
    "setup.test_outcome": "a part of setup.test, which asks for it once a test ended",
}


@pytest.fixture(scope="module")
def album(browser: Browser, product: Product, box: Sandbox) -> Iterator[Album]:
    """One walk through everything, which all the tests below look at."""
    contexts: list[BrowserContext] = []

    def new_page(**options: Any) -> Page:
        context = browser.new_context(base_url=product.url, locale="en-US", **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context.new_page()

    # How a page looks does not depend on the database: on the second one every page is opened once, and that is all.
    album = Album() if databases.chosen() == "sqlite" else Album(asks_axe=False, widths=(1280,))
    tour = Tour(album, product, box, new_page)
    tour.walk()
    yield tour.album
    for context in contexts:
        context.close()


def test_it_answers_as_expected(album: Album) -> None:
    assert not album.unexpected, "\n".join(album.unexpected)


def test_it_has_nothing_that_axe_objects_to(album: Album) -> None:
    assert not album.violations, "\n".join(album.violations)


def test_it_fits_a_telephone(album: Album) -> None:
    assert not album.too_wide, "\n".join(album.too_wide)


def test_it_leaves_the_console_empty(album: Album) -> None:
    assert not album.errors, "\n".join(album.errors)


def test_it_leaves_no_page_out(album: Album, app: Flask) -> None:
    pages = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    unknown = set(NOT_PAGES) - pages
    assert not unknown, f"listed without a route: {unknown}"
    seen = {endpoint(app, path) for path in album.visited}
    assert pages - seen - set(NOT_PAGES) == set()


def endpoint(app: Flask, path: str) -> str:
    """The name of the view that answers this path; blank where none does."""
    try:
        return str(app.url_map.bind("localhost").match(path)[0])
    except HTTPException:
        return ""
