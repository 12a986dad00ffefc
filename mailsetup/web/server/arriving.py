"""One request while it arrives; small ones in memory, the rest in a file without a name."""

from __future__ import annotations

import re
import threading
from tempfile import SpooledTemporaryFile

from mailsetup.web.server.frames import Frame, Unclear, frame

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 40 * 1024 * 1024
IN_MEMORY = 64 * 1024
_END = b"\r\n\r\n"
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)


class Budget:
    """Bytes that all callers of this process may take together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> None:
        """So many more; fewer when negative."""
        with self._lock:
            self.taken += count

    @property
    def empty(self) -> bool:
        """Whether more is taken than there is."""
        return self.taken > self.limit


BODIES = Budget(512 * 1024 * 1024)


class Arriving:
    """Collects one request until it is whole, and gives it to the parser then."""

    def __init__(self) -> None:
        self.whole = False
        self.unclear = False
        self.expects = False
        self.size = 0
        self.beyond = b""
        self._head = bytearray()
        self._frame: Frame | None = None
        self._kept = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed when the request is done

    @property
    def headed(self) -> bool:
        """Whether the head is whole."""
        return self._frame is not None

    def take(self, data: bytes) -> None:
        """What has come; bytes after the end wait in `beyond`."""
        self.size += len(data)
        BODIES.take(len(data))
        try:
            if self._frame is None:
                data = self._take_head(data)
            if self._frame is not None:
                self._take_body(self._frame, data)
        except Unclear:
            self._hand_over()

    def _take_head(self, data: bytes) -> bytes:
        searched = max(0, len(self._head) - len(_END))
        self._head += data
        at = self._head.find(_END, searched)
        if at < 0:
            if len(self._head) > HEAD_LIMIT:
                raise Unclear
            return b""
        head, rest = bytes(self._head[: at + len(_END)]), bytes(self._head[at + len(_END) :])
        self._frame = frame(head)
        self._head.clear()
        self._kept.write(head)
        self.expects = bool(_EXPECTS.search(head))
        return rest

    def _take_body(self, body: Frame, data: bytes) -> None:
        try:
            used = body.feed(data)
        except Unclear:
            self._kept.write(data)
            raise
        self._kept.write(data[:used])
        if body.done:
            self.beyond = data[used:]
            self._seal()
        elif self.size > HEAD_LIMIT + BODY_LIMIT or body.missing > BODY_LIMIT:
            raise Unclear  # the application is the one to refuse it

    def _hand_over(self) -> None:
        self.unclear = True
        self._kept.write(self._head)
        self._seal()

    def _seal(self) -> None:
        self.whole = True
        self._kept.seek(0)

    def read(self, size: int) -> bytes:
        """The next bytes of a whole request; nothing at its end."""
        return self._kept.read(size)

    def close(self) -> None:
        """Forgets it."""
        BODIES.take(-self.size)
        self.size = 0
        self._kept.close()
