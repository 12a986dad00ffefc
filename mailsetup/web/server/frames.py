"""Where the body of a request ends (RFC 9112 section 6), found while it arrives piece by piece.

What is not understood is not decided here: gunicorn's own parser gets it as it is and refuses it.
"""

from __future__ import annotations

import re
from typing import Protocol

LINE_LIMIT = 8192
_LENGTH = re.compile(rb"\r\ncontent-length([ \t]*):[ \t]*([^\r]*)", re.IGNORECASE)
_CODING = re.compile(rb"\r\ntransfer-encoding[ \t]*:", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
_NUMBER = re.compile(rb"[0-9]{1,15}[ \t]*")


class Unclear(Exception):
    """Where this request ends cannot be said; the parser has to look at it."""


class Frame(Protocol):
    """Counts what belongs to one body."""

    done: bool
    missing: int

    def feed(self, data: bytes) -> int:
        """How many of these bytes belong to the body. Raises Unclear."""


class Length:
    """A body of so many bytes; none at all when the head says nothing."""

    def __init__(self, size: int) -> None:
        self.missing = size
        self.done = not size

    def feed(self, data: bytes) -> int:
        """As many as are missing."""
        taken = min(len(data), self.missing)
        self.missing -= taken
        self.done = not self.missing
        return taken


class Chunks:
    """A body in chunks (RFC 9112 section 7.1), with its trailers."""

    def __init__(self) -> None:
        self.done = False
        self.missing = 0
        self._line = bytearray()
        self._trailers = False

    def feed(self, data: bytes) -> int:
        """Everything up to the empty line after the last chunk."""
        at = 0
        while at < len(data) and not self.done:
            step = min(self.missing, len(data) - at)
            self.missing -= step
            at += step
            if not self.missing and at < len(data):
                at = self._read_line(data, at)
        return at

    def _read_line(self, data: bytes, at: int) -> int:
        end = data.find(b"\n", at) + 1
        self._line += data[at : end or len(data)]
        if len(self._line) > LINE_LIMIT:
            raise Unclear
        if not end:
            return len(data)
        self._end_line()
        return end

    def _end_line(self) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._trailers:
            self.done = line == b"\r\n"
            return
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError as error:
            raise Unclear from error
        if size < 0:
            raise Unclear
        self._trailers = size == 0
        self.missing = size + 2 if size else 0


def frame(head: bytes) -> Frame:
    """What follows this head, which ends with its empty line. Raises Unclear."""
    lengths = _LENGTH.findall(head)
    if _CODING.search(head):
        if lengths or not _CHUNKED.search(head):
            raise Unclear
        return Chunks()
    if len(lengths) > 1 or any(space or not _NUMBER.fullmatch(value) for space, value in lengths):
        raise Unclear
    return Length(int(lengths[0][1]) if lengths else 0)
