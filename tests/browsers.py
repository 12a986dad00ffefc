"""One Chromium for each test process: Playwright's synchronous API can be open only once in a process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from werkzeug.serving import make_server

from tests.databases import missing
from tests.people import Person

CHROMIUM = Path("/usr/bin/chromium")
# What is expected comes within moments; how many of them a busy machine decides.
PATIENCE_MS = 45_000
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window; every test opens a context of its own."""
    if not CHROMIUM.exists():
        missing("Chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield launched
        launched.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The application behind a port; gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def address(app: Flask) -> Iterator[str]:
    """Where a browser finds the application."""
    with served(app) as url:
        yield url


def sign_in(context: BrowserContext, address: str, person: Person) -> None:
    """The browser has the person's cookie."""
    cookie = person.client.get_cookie("session")
    assert cookie is not None
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
