"""Whether htmx asks for a fragment of a page."""

from __future__ import annotations

from flask import request


def is_htmx() -> bool:
    """Whether this request was made by htmx, which swaps a fragment into the page it already shows."""
    return request.headers.get("HX-Request") == "true"
