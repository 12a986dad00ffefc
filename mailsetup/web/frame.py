"""What surrounds every page: who is there, in which workspace, where they can go, what needs saying.

Features supply it without this package knowing them:

    def frame_of_request() -> FrameData:
        return {"person": Person("Alice", "alice@example.com"), "banners": [Banner("...", href="/outbound")]}

    register_frame(frame_of_request)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from flask import Flask, current_app, g, has_request_context, request, url_for
from werkzeug.local import LocalProxy
from werkzeug.routing import BuildError


@dataclass(frozen=True)
class Person:
    """Who is signed in."""

    name: str
    email: str


@dataclass(frozen=True)
class WorkspaceChoice:
    """One workspace in the switcher."""

    id: str
    name: str


@dataclass(frozen=True)
class Banner:
    """One sentence above every page, and one button that leads to the way out."""

    text: str
    href: str = ""
    button: str = ""
    level: Literal["bad", "warn", "info"] = "bad"


@dataclass(frozen=True)
class NavItem:
    """One link of the navigation; `count` is a number worth seeing, such as open alerts."""

    endpoint: str
    label: str
    icon: str
    href: str = ""
    current: bool = False
    count: int = 0


class FrameData(TypedDict, total=False):
    """What a provider may say; later providers add to earlier ones, banners and counts add up."""

    person: Person
    workspace: WorkspaceChoice
    workspaces: Iterable[WorkspaceChoice]  # as many as a menu can show
    workspace_total: int
    banners: Iterable[Banner]
    hidden: Iterable[str]  # endpoints of the navigation this person may not open
    counts: dict[str, int]  # by endpoint of the navigation, e.g. {"alerts.index": 2}
    operator: bool
    locale: str  # such as en_US or de-DE
    timezone: str  # an IANA name
    workspaces_url: str  # the page of all of them
    switch_url: str  # takes a POST with `workspace`
    sign_out_url: str  # takes a POST
    account_url: str


@dataclass
class Frame:
    """The frame of one page."""

    person: Person | None = None
    workspace: WorkspaceChoice | None = None
    workspaces: list[WorkspaceChoice] = field(default_factory=list)
    workspace_total: int = 0
    banners: list[Banner] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    operator: bool = False
    locale: str = ""
    timezone: str = ""
    workspaces_url: str = ""
    switch_url: str = ""
    sign_out_url: str = ""
    account_url: str = ""

    @property
    def nav(self) -> list[list[NavItem]]:
        """The navigation in groups, without links to pages that do not exist."""
        groups = NAVIGATION if self.operator else NAVIGATION[:-1]
        found = ([item for item in map(self._placed, group) if self._shown(item)] for group in groups)
        return [group for group in found if group]

    def _shown(self, item: NavItem) -> bool:
        return bool(item.href) and item.endpoint not in self.hidden

    def _placed(self, item: NavItem) -> NavItem:
        current = _home() == item.endpoint.partition(".")[0]
        count = self.counts.get(item.endpoint, 0)
        return NavItem(item.endpoint, item.label, item.icon, _href(item.endpoint), current=current, count=count)


LEVELS = ("bad", "warn", "info")
FrameProvider = Callable[[], FrameData]

NAVIGATION = (
    (
        NavItem("overview.index", "Overview", "layout-dashboard"),
        NavItem("outbound.index", "Outbound mail", "send"),
        NavItem("messages.index", "Messages", "mails"),
        NavItem("alerts.index", "Alerts", "bell"),
        NavItem("credentials.index", "Credentials", "key-round"),
    ),
    (
        NavItem("members.index", "Members", "users"),
        NavItem("api_keys.index", "API keys", "key-square"),
        NavItem("events.index", "Webhooks", "zap"),
        NavItem("audit.index", "Audit", "scroll-text"),
        NavItem("settings.index", "Settings", "settings"),
    ),
    (NavItem("operator.index", "Operator", "server-cog"),),
)
# Pages that belong to a place of the navigation without having one themselves.
HOMES = {
    "explain": "messages",
    "setup": "outbound",
    "tests": "outbound",
    "routes": "alerts",
    "security": "settings",
    "second_factor": "settings",
    "privacy": "settings",
    "exports": "settings",
    "erasing": "settings",
}

_providers: list[FrameProvider] = []


def register_frame(provider: FrameProvider) -> FrameProvider:
    """Adds a source of frame data; it is asked once a page, and registering it again changes nothing."""
    if provider not in _providers:
        _providers.append(provider)
    return provider


def current_frame() -> Frame:
    """The frame of this request, gathered when the page first needs it."""
    if not has_request_context():
        return Frame()
    if "frame" not in g:
        g.frame = _gathered()
    frame: Frame = g.frame
    return frame


def plain_frame() -> Frame:
    """From here on this request has an empty frame: for error pages, where asking could fail again."""
    g.frame = Frame()
    return Frame()


def _gathered() -> Frame:
    frame = Frame()
    for provider in _providers:
        _add(frame, provider())
    return frame


def _add(frame: Frame, data: FrameData) -> None:
    values: dict[str, Any] = dict(data)
    frame.banners.extend(values.pop("banners", ()))
    frame.banners.sort(key=lambda banner: LEVELS.index(banner.level))
    frame.counts.update(values.pop("counts", {}))
    frame.hidden.update(values.pop("hidden", ()))
    for name, value in values.items():
        setattr(frame, name, list(value) if name == "workspaces" else value)


def _home() -> str:
    blueprint = (request.blueprint or "").partition(".")[0]
    return HOMES.get(blueprint, blueprint)


def _href(endpoint: str) -> str:
    if endpoint not in current_app.view_functions:
        return ""
    try:
        return url_for(endpoint)
    except BuildError:
        return ""


def install_frame(app: Flask) -> None:
    """Gives every template `frame`, gathered only when it is used."""
    app.config.setdefault("PRODUCT_NAME", "mailsetup")
    app.context_processor(lambda: {"frame": LocalProxy(current_frame), "product": app.config["PRODUCT_NAME"]})
