"""What axe objects to on a page as it is now."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE = Axe().axe_script
RUN = "options => axe.run(document, options).then(results => results.violations)"


def objections(page: Page, *, contrast: bool = True) -> list[str]:
    """One line for each rule that is broken. Contrast, the slowest, need not be asked twice for the same colours."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], "rules": {"color-contrast": {"enabled": contrast}}}
    return [_line(found) for found in page.evaluate(RUN, options)]


def _line(found: dict[str, Any]) -> str:
    where = ", ".join(node["target"][0] for node in found["nodes"][:3])
    return f"{found['id']} ({found['impact']}): {found['help']}: {where}"
