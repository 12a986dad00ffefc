"""Pictures of pages at the widths people have, and what is wrong with what they show."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request

from tests.accessibility import objections

SHOTS = Path(__file__).parents[2] / "var" / "screenshots"
# Nobody looks at them on a build machine, where they only take time.
KEEPS_PICTURES = not os.environ.get("CI")
WIDTHS = (1280, 390)
WIDER = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return "";
  const out = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1);
  return `${wide} px: ` + out.slice(-3).map(e => `${e.tagName}.${e.className}`).join(" ");
}"""


@dataclass
class Album:
    """One walk through the product: every page taken, every fault found."""

    asks_axe: bool = True
    widths: tuple[int, ...] = WIDTHS
    taken: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """From now on what this browser's console says counts, and every address it opens."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._page_error(page, error))
        page.on("request", self._request)

    def _request(self, request: Request) -> None:
        if request.method == "GET" and request.is_navigation_request():
            self.visited.add(urlsplit(request.url).path)

    def _console(self, message: ConsoleMessage) -> None:
        # A refused form and a page that is not there are answers, which Chromium lists as errors too.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(f"{message.location.get('url', '')}: {message.text}")

    def _page_error(self, page: Page, error: Error) -> None:
        self.errors.append(f"{page.url}: {error}")

    def open(self, page: Page, address: str, name: str, *, status: int = 200, dark: bool = False) -> None:
        """Goes to an address and takes it."""
        answer = page.goto(address)
        found = answer.status if answer else 0
        if found != status:
            self.unexpected.append(f"{name}: {address} answered {found}, not {status}")
        self.take(page, name, dark=dark)

    def take(self, page: Page, name: str, *, dark: bool = False) -> None:
        """The page as it is now, at both widths; in the dark too where asked."""
        self.taken.append(name)
        for scheme in ("light", "dark") if dark else ("light",):
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
            for width in self.widths:
                page.set_viewport_size({"width": width, "height": 900})
                self._take_one(page, name if scheme == "light" else f"{name}-dark", width)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": WIDTHS[0], "height": 900})

    def _take_one(self, page: Page, name: str, width: int) -> None:
        shot = f"{name}-{width}"
        if KEEPS_PICTURES:
            # Hiding the caret would put a style into the page, which its policy refuses and the console reports.
            page.screenshot(path=SHOTS / f"{shot}.png", full_page=True, caret="initial")
        wider = page.evaluate(WIDER)
        if wider:
            self.too_wide.append(f"{shot}: {wider}")
        if self.asks_axe:
            self.violations += [f"{shot}: {found}" for found in objections(page, contrast=width == WIDTHS[0])]
