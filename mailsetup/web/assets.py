"""Our own static files: addresses that change with their content, and icons set into the page."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from flask import current_app, url_for
from markupsafe import Markup

ICONS = "vendor/lucide"
DRAWN = {
    "viewBox": "0 0 24 24",
    "width": 20,
    "height": 20,
    "fill": "none",
    "stroke": "currentColor",
    "stroke-width": 2,
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
    "aria-hidden": "true",
    "focusable": "false",
}
_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_NAME = re.compile(r"[a-z0-9-]+")


def asset(path: str) -> str:
    """The address of a static file, with a digest so that browsers may keep it for ever."""
    file = Path(current_app.static_folder or "", path)
    return url_for("static", filename=path, v=_digest(file, file.stat().st_mtime_ns))


def icon_svg(name: str) -> Markup:
    """A lucide icon to stand beside text; hidden from screen readers. Raises ValueError for a name without a file."""
    return _icon(current_app.static_folder or "", name)


@lru_cache(maxsize=256)
def _digest(file: Path, _changed: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=256)
def _icon(static: str, name: str) -> Markup:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of an icon")
    path = Path(static, ICONS, f"{name}.svg")
    shapes = _SHAPES.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    if shapes is None:
        raise ValueError(f"there is no icon named {name}")
    attributes = " ".join(f'{key}="{value}"' for key, value in DRAWN.items())
    shape = " ".join(shapes[1].split())
    return Markup(f'<svg class="icon icon-{name}" {attributes}>{shape}</svg>')  # noqa: S704 - our own vendored file
