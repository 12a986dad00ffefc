"""From an answer as somebody pasted it, out of a log or off a screen, to errors that the rules understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mailsetup.mail_services.hints.reading import graph, network, sign_in, smtp, web
from mailsetup.mail_services.hints.reading.pasted import Pasted
from mailsetup.mail_services.hints.reading.readings import Reading, reading

__all__ = ["CHANNELS", "Pasted", "Reading", "channel_of", "readings"]

Reader = Callable[[Pasted, str], Iterator[Reading]]
# What a caller may call a channel, and what we call it.
CHANNELS = {
    "entra_token": "entra_token",
    "entra_authorize_redirect": "entra_authorize",
    "graph_http": "graph",
    "smtp_reply": "smtp_reply",
    "smtp_exception": "smtp_exception",
    "tls": "tls",
    "dns": "dns",
    "tcp": "tcp",
    "http_other": "http",
}
_SIGN_IN, _MAIL = (sign_in.read, graph.read), (smtp.read,)
_WAY: tuple[Reader, ...] = (network.read, web.read)
# Where to look first; what an answer is about shows in its words more than in where it was found.
_ORDER: Mapping[str, tuple[Reader, ...]] = {
    "entra_token": (sign_in.read, web.read, network.read, graph.read, smtp.read),
    "entra_authorize": (sign_in.read, web.read, network.read, graph.read, smtp.read),
    "graph": (graph.read, sign_in.read, web.read, network.read, smtp.read),
    "smtp_reply": (smtp.read, *_WAY, *_SIGN_IN),
    "smtp_exception": (smtp.read, *_WAY, *_SIGN_IN),
    "tls": (*_WAY, *_MAIL, *_SIGN_IN),
    "dns": (*_WAY, *_MAIL, *_SIGN_IN),
    "tcp": (*_WAY, *_MAIL, *_SIGN_IN),
    "http": (web.read, *_SIGN_IN, network.read, *_MAIL),
    "": (*_SIGN_IN, *_MAIL, *_WAY),
}


def channel_of(name: str) -> str:
    """Our name of a channel; empty for one that we do not know."""
    return CHANNELS.get(name, name if name in _ORDER else "")


def readings(
    pasted: Pasted, channel: str, http_status: int | None = None, context: Mapping[str, Any] | None = None
) -> Iterator[Reading]:
    """All that the answer may be, the likeliest first; the last says no more than channel and status."""
    status = http_status or web.status_in(pasted)
    stage = str((context or {}).get("stage") or "")
    order = _ORDER[channel]
    if "aadsts" in pasted.lower:  # the sign-in service's own number says more than whoever passes it on
        order = (sign_in.read, *(read for read in order if read is not sign_in.read))
    for read in order:
        for found in read(pasted, channel):
            yield _completed(found, status, stage)
    yield _completed(reading(channel or "raw", "", pasted.text), status, stage)


def _completed(found: Reading, status: int | None, stage: str) -> Reading:
    error = found.error
    error.stage = stage or error.stage
    if error.channel in {"graph", "http", "entra_token", "entra_authorize", "raw"}:
        error.http_status = status
    return found
