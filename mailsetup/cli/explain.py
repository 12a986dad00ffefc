"""`flask --app app explain`: a raw error in, plain words out, as JSON. Needs neither database nor Redis."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import click

from mailsetup.mail_services.explainer import explain_answer
from mailsetup.mail_services.hints import CHANNELS

INPUT_LIMIT = 1_000_000


class BadLine(ValueError):
    """A line that is no question; the text says what is wrong with it."""


@click.command("explain")
@click.option(
    "--channel", type=click.Choice(list(CHANNELS)), help="Where the error was seen; told by its words if not."
)
@click.option("--http-status", type=click.IntRange(100, 599), help="The status of the HTTP answer.")
@click.option("--kind", default="", help="The kind of mail service, such as smtp_basic.")
@click.option("--stage", default="", help="The stage of the test, such as authenticate.")
@click.option("--host", default="", help="The server's name.")
@click.option("--port", type=click.IntRange(1, 65535), help="The server's port.")
@click.option("--jsonl", is_flag=True, help="Explain one JSON object a line: channel, raw, http_status, context.")
def explain(channel: str | None, http_status: int | None, jsonl: bool, **context: Any) -> None:
    """Say in plain words what a raw error means; it is read from standard input."""
    given, shown = sys.stdin.buffer, sys.stdout.buffer
    if jsonl:
        for answer in explained_lines(given):
            _print(shown, json.dumps(answer, ensure_ascii=False))
    else:
        known = {name: value for name, value in context.items() if value}
        found = explain_answer(given.read(INPUT_LIMIT), channel=channel or "", http_status=http_status, context=known)
        _print(shown, json.dumps(found.to_dict(), ensure_ascii=False, indent=2))


def explained_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """One explanation for each line, or an object with `error` for a line that is no question."""
    for line in lines:
        try:
            yield explain_answer(**_question(line)).to_dict()
        except BadLine as wrong:
            yield {"error": str(wrong)}


def _question(line: bytes) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        raise BadLine("The line is not JSON.") from None
    if not isinstance(given, dict):
        raise BadLine("The line is not a JSON object.")
    return {
        "raw": _raw(given.get("raw")),
        "channel": _channel(given.get("channel")),
        "http_status": _status(given.get("http_status")),
        "context": _context(given.get("context")),
    }


def _raw(raw: object) -> str:
    if raw is None:
        raise BadLine("The object has no `raw`.")
    return raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False)


def _channel(channel: object) -> str:
    if not isinstance(channel, str) or channel not in CHANNELS:
        raise BadLine(f"`channel` must be one of {', '.join(CHANNELS)}.")
    return channel


def _status(status: object) -> int | None:
    if status is None or status == "":
        return None
    text = str(status)
    if isinstance(status, bool) or not text.isascii() or not text.isdigit() or not 100 <= int(text[:9]) <= 599:
        raise BadLine("`http_status` must be a number from 100 to 599.")
    return int(text)


def _context(context: object) -> Mapping[str, Any]:
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise BadLine("`context` must be an object.")
    return context


def _print(shown: BinaryIO, text: str) -> None:
    shown.write(text.encode("utf-8", "replace") + b"\n")
    shown.flush()


commands: tuple[click.Command, ...] = (explain,)
