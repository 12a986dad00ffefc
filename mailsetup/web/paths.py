"""Which addresses we send a browser to, and which we cannot read."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

from flask import Flask, abort, request

from mailsetup.web.csrf import is_api

_LOCAL = re.compile(r"/(?![/\\])[\w\-./~%]*(\?[\w\-./~%=&+:@,]*)?", re.ASCII)


def install_paths(app: Flask) -> None:
    """No page sees a query that no database could be asked for; the API names the field by itself."""
    app.before_request(_refuse_nul)


def _refuse_nul() -> None:
    if not is_api() and any("\x00" in text for pair in request.args.items(multi=True) for text in pair):
        abort(400)


def local_path(raw: str | None, *, otherwise: str = "/") -> str:
    """A `next=` value when it is a path of this site, else `otherwise`; no backslash or second slash gets through."""
    return raw if raw and _LOCAL.fullmatch(raw) else otherwise


def safe_url(raw: object) -> str:
    """The address when it is plain https and can be a link, else an empty text."""
    text = str(raw or "").strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    hostile = parts.scheme != "https" or not parts.hostname or parts.username is not None
    return "" if hostile or re.search(r"[\x00-\x20\"'<>\\`]", text) else text


def url_with(**changes: str | None) -> str:
    """This page's address with some query values changed; None takes a value out."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    pairs = kept + [(name, value) for name, value in changes.items() if value is not None]
    return f"{request.path}?{urlencode(pairs)}" if pairs else request.path
