"""One Chromium for each test process: Playwright's synchronous API can be open only once in a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.databases import missing

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
