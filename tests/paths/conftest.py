"""Browser tests: the product as processes, the sandbox as the world, Chromium as the customer."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.sync_api import Browser, Page

from mailsetup.sandbox import Sandbox
from tests import databases
from tests.browsers import PATIENCE_MS
from tests.fakes.dns_server import NameServer
from tests.paths.customer import Customer
from tests.paths.product import Product
from tests.valkey_server import ValkeyServer

FAILED = Path(__file__).parents[2] / "var" / "screenshots" / "failed"


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
def ca_bundle(box: Sandbox, exim_ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whom the product trusts beside the public authorities: the sandbox and the real mail server."""
    bundle = tmp_path_factory.mktemp("trusted") / "ca.pem"
    bundle.write_bytes(box.ca_file.read_bytes() + exim_ca.cert_pem.bytes())
    return bundle


@pytest.fixture(scope="session")
def product_names() -> Iterator[NameServer]:
    """The DNS as the product sees it, which no other test empties."""
    with NameServer() as running:
        yield running


@pytest.fixture(scope="session")
def product(
    product_database: str,
    product_valkey: ValkeyServer,
    box: Sandbox,
    ca_bundle: Path,
    product_names: NameServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Product]:
    folder = tmp_path_factory.mktemp("processes")
    running = Product(folder, database_url=product_database, redis_url=product_valkey.url, box=box, ca_bundle=ca_bundle)
    running.environ["MAILSETUP_DNS_SERVERS"] = f"127.0.0.1:{product_names.port}"
    box.world.add_redirect_uri(f"{running.url}/setup/microsoft/callback")
    box.world.add_redirect_uri(f"{running.url}/sign-in/with/microsoft/back")
    try:
        running.start()
        yield running
    finally:
        running.stop("web", kill=True)  # kindly it waits for Chromium to let go of its connections
        running.stop()


OpenBrowser = Callable[..., Page]


@pytest.fixture
def open_browser(browser: Browser, product: Product) -> Iterator[OpenBrowser]:
    """Opens a fresh browser of one person; options as for Playwright's `new_context`."""
    opened = []

    def open_one(**options: Any) -> Page:
        context = browser.new_context(
            base_url=product.url,
            viewport={"width": 1280, "height": 900},
            # An address of its own for each person, so that throttles stay apart.
            extra_http_headers={"X-Forwarded-For": ".".join(str(random.randint(1, 254)) for _ in range(4))},
            locale="en-US",
            **options,
        )
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context.new_page()

    yield open_one
    for context in opened:
        context.close()


@pytest.fixture
def page(open_browser: OpenBrowser) -> Page:
    """The browser of one customer."""
    return open_browser()


@pytest.fixture
def customer(page: Page, product: Product) -> Customer:
    """Who has never been here before."""
    return Customer(page, product)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed browser test leaves pictures of its pages in var/screenshots/failed."""
    report = yield
    browser = getattr(item, "funcargs", {}).get("browser")
    if report.when == "call" and report.failed and isinstance(browser, Browser):
        pages = [page for context in browser.contexts for page in context.pages]
        for number, page in enumerate(pages):
            page.screenshot(path=FAILED / f"{item.name}-{number}.png", full_page=True)
    return report
