"""An answer as it was pasted, made readable: decoded, unescaped, without tags and typography."""

from __future__ import annotations

import html
import re
import urllib.parse
from functools import cached_property

HEAD, TAIL = 16_000, 8_000
_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
        **dict.fromkeys("\u00a0\u2007\u202f\u3000", " "),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", None),
        "\0": None,
    }
)
_TAG = re.compile(r"<[/!]?[A-Za-z][^<>]{0,2000}>")
_HIDDEN = re.compile(r"<(script|style)\b[^<]{0,20000}</\1\s*>|<!--.{0,4000}?-->", re.IGNORECASE | re.DOTALL)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([rnt])|([\"'/\\]))")
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body|title)\b", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\f\v]{2,}")
_LINES = re.compile(r"\r?\n(?: ?\r?\n)+")


class Pasted:
    """One pasted answer."""

    def __init__(self, raw: str | bytes) -> None:
        text = raw if isinstance(raw, str) else _decoded(raw)
        if len(text) > HEAD + TAIL:
            text = text[:HEAD] + "\n" + text[-TAIL:]
        self.original = text

    @cached_property
    def is_page(self) -> bool:
        """Whether it is a page made for people."""
        return _PAGE.search(self.original) is not None

    @cached_property
    def readable(self) -> str:
        """The words alone."""
        text = self.original.translate(_TYPOGRAPHY)
        if "<" in text and _TAG.search(text):
            text = _TAG.sub(" ", _HIDDEN.sub(" ", text))
        if "&" in text:
            text = html.unescape(text)
        return _LINES.sub("\n", _BLANKS.sub(" ", text.translate(_TYPOGRAPHY))).strip()

    @cached_property
    def text(self) -> str:
        """The words, and after them what they become when escapes are undone."""
        text = self.readable
        views = [text]
        if "%" in text and _PERCENT.search(text):
            views.append(urllib.parse.unquote_plus(text, errors="replace"))
        for view in list(views):
            views += _unescaped(view)
        return "\n".join(dict.fromkeys(views))

    @cached_property
    def lower(self) -> str:
        """The words in lower case, on one line."""
        return " ".join(self.text.lower().split())


def _decoded(raw: bytes) -> str:
    raw = raw[: 4 * (HEAD + TAIL)] + raw[-4 * TAIL :] if len(raw) > 4 * (HEAD + 2 * TAIL) else raw
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return raw.decode("utf-16", "replace")
    if len(raw) > 3 and raw[1:64:2].count(0) * 2 > len(raw[1:64:2]):
        return raw.decode("utf-16-le", "replace")
    return raw.decode("utf-8", "replace")


def _unescaped(text: str) -> list[str]:
    """JSON within JSON and reprs of Python take two rounds."""
    found = []
    for _ in range(2):
        if "\\" not in text:
            break
        text = _ESCAPE.sub(_character, text)
        found.append(text)
    return found


def _character(escape: re.Match[str]) -> str:
    code = escape[1] or escape[2]
    if code:
        return chr(int(code, 16)).translate(_TYPOGRAPHY) if code.lower() not in {"d800", "dfff"} else " "
    return {"r": "", "n": "\n", "t": " "}[escape[3]] if escape[3] else escape[4]
