"""Browser tests: the product as processes, the sandbox as the world, Chromium as the customer."""

from __future__ import annotations

import random
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from mailsetup.sandbox import Sandbox
from tests import databases
from tests.paths.product import Product
from tests.valkey_server import ValkeyServer

FAILED = Path(__file__).parents[2] / "var" / "screenshots" / "failed"
CHROMIUM = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def product_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database of the product's own, which no other test empties."""
    if databases.chosen() == "postgresql":
        url = str(request.getfixturevalue("cluster").create_database("product"))
    else:
        url = f"sqlite:///{tmp_path_factory.mktemp('product') / 'product.db'}"
    databases.create_tables(url)
    return url


@pytest.fixture(scope="session")
def product_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSETUP_ENV", "test")
        with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
            yield running


@pytest.fixture(scope="session")
def product(
    product_database: str, product_valkey: ValkeyServer, box: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("processes")
    running = Product(folder, database_url=product_database, redis_url=product_valkey.url, box=box)
    box.world.add_redirect_uri(f"{running.url}/setup/microsoft/callback")
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        databases.missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM))
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, product: Product, tmp_path: Path) -> Iterator[Page]:
    """A fresh browser of one customer, from an address of its own so that throttles stay apart."""
    address = ".".join(str(random.randint(1, 254)) for _ in range(4))
    context = browser.new_context(
        base_url=product.url,
        viewport={"width": 1280, "height": 900},
        extra_http_headers={"X-Forwarded-For": address},
        locale="en-US",
    )
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed browser test leaves a picture of the page in var/screenshots/failed."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page is not None:
        page.screenshot(path=FAILED / f"{item.name}.png", full_page=True)
    return report
