"""Whether htmx asks for a fragment of a page."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def is_htmx() -> bool:
    """Whether this request was made by htmx, which swaps a fragment into the page it already shows."""
    return request.headers.get("HX-Request") == "true"


def page_path() -> str:
    """The path of the page that the person sees, also when htmx asks for a fragment of it."""
    return urlsplit(request.headers.get("HX-Current-URL", "")).path if is_htmx() else request.path
