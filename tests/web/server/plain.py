"""A small application and impatient limits, to try how requests come in and answers leave."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from typing import Any, cast

from mailsetup.web.server.worker import PatientWorker

PIECE = b"x" * 65536


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Says back what came in; /pieces/N is N pieces of 64 KB, /file the middle of a file, /unread says ok."""
    if environ["PATH_INFO"] == "/file":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "70000")])
        file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
        file.write(b"y" * 10 + PIECE * 2)
        file.seek(10)
        return cast("Iterable[bytes]", environ["wsgi.file_wrapper"](file))
    body = b"" if environ["PATH_INFO"] == "/unread" else environ["wsgi.input"].read()
    pieces = environ["PATH_INFO"].removeprefix("/pieces/")
    content = [PIECE] * int(pieces) if pieces.isdigit() else [body or b"ok"]
    length = sum(len(piece) for piece in content)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(length))])
    return content


class Impatient(PatientWorker):
    """Nobody gets longer than the blink of an eye; to begin a request, a little more than a busy machine needs."""

    HEAD_SECONDS = 1.5
    BODY_SECONDS = ANSWER_SECONDS = LINGER_SECONDS = 0.2
    SWEEP_SECONDS = 0.05


class Narrow(PatientWorker):
    """Room for few callers at once."""

    PLACES = 5
