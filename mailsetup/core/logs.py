"""Structured logs: one JSON object a line, ids and facts, never a secret."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from mailsetup.core.redact import scrub


def _scrub_values(_logger: object, _name: str, entry: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: _scrubbed(value) for key, value in entry.items()}


def _scrubbed(value: Any) -> Any:
    """Texts wherever they are: a traceback is a list of dictionaries."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, Mapping):
        return {key: _scrubbed(inner) for key, inner in value.items()}
    return [_scrubbed(inner) for inner in value] if isinstance(value, list | tuple) else value


def configure(*, pretty: bool = False) -> None:
    """Sets up logging of this process, to standard error."""
    readable = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    renderer = readable if pretty else structlog.processors.JSONRenderer()
    # A traceback may show locals or a service's answer: only the place is kept.
    shown = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    traceback = structlog.processors.format_exc_info if pretty else structlog.processors.ExceptionRenderer(shown)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            traceback,
            _scrub_values,
            renderer,
        ],
        # Looked up at each line: whoever redirects standard error later is followed.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("msal").setLevel(logging.CRITICAL)
