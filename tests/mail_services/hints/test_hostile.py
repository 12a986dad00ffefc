"""Whatever is pasted, there is an explanation, quickly, and no secret of the context in it.

MAILSETUP_EXPLAIN_EXAMPLES=100000 (make test-hints) tries as many as that.
"""

from __future__ import annotations

import base64
import html
import json
import os
import random
import statistics
import time
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailsetup.core.redact import Secret
from mailsetup.mail_services import hints
from mailsetup.mail_services.explainer import explain_answer
from tests.mail_services.hints.cases import CONTEXT, table

EXAMPLES = int(os.environ.get("MAILSETUP_EXPLAIN_EXAMPLES", "400"))
MEDIAN_SECONDS = 0.002
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
channels = st.sampled_from(["", *hints.CHANNELS, "raw", "no such channel"])
statuses = st.none() | st.integers(100, 599)
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=30)
bodies = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "innerError", "error_codes", "suberror", "error_description"])
            | st.text(max_size=12),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ROWS = table("reference") + table("network") + table("odd_answers")
words = st.sampled_from([row["raw"] for row in ROWS])
secrets = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cf", "Cn", "Zs", "Zl", "Zp")), min_size=8, max_size=60)
names = st.sampled_from(["password", "client_secret", "access_token", "refresh_token", "api_key", "something"])
ECHOES = (
    lambda text: text,
    lambda text: base64.b64encode(text.encode()).decode(),
    lambda text: base64.b64encode(f"\0somebody\0{text}".encode()).decode(),
    lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    lambda text: urllib.parse.quote(text, safe=""),
    urllib.parse.quote_plus,
    html.escape,
    json.dumps,
    lambda text: json.dumps(json.dumps(text)),
    repr,
    lambda text: repr(text.encode()),
    str.upper,
)
OTHER = uuid.uuid4().hex
# A secret may be a word that is ours, and may as a part of the answer decide which cause it is.
SAID = " ".join(
    [
        *(" ".join([slug, c.title, c.explanation, *c.steps]) for slug, c in hints.CAUSES.items()),
        str(explain_answer("").to_dict()),
    ]
).lower()


def is_whole(found: hints.Explanation) -> bool:
    return bool(found.cause and found.title and found.explanation and found.steps and found.who)


@many
@given(st.binary(max_size=400), channels, statuses)
def test_any_bytes_are_explained(raw, channel, status):
    assert is_whole(explain_answer(raw, channel=channel, http_status=status))


@many
@given(bodies, channels, statuses, words)
def test_any_json_is_explained(body, channel, status, before):
    text = json.dumps(body)
    assert is_whole(explain_answer(text, channel=channel, http_status=status))
    assert is_whole(explain_answer(before[: len(text)] + text, channel=channel, http_status=status))


@many
@given(words, st.integers(0, 300), st.integers(0, 300), channels)
def test_any_part_of_an_answer_is_explained(raw, first, last, channel):
    found = explain_answer(raw[min(first, last) : max(first, last)], channel=channel)
    assert is_whole(found)
    assert len(found.quote) <= 2000


def shows(secret: str, explained: Callable[[str], str]) -> bool:
    """Whether the secret is in the explanation, and not as a word that is ours."""
    return secret.lower() not in SAID and secret in explained(secret) and secret not in explained(OTHER)


@many
@given(words, secrets, names, st.sampled_from(ECHOES), channels, st.booleans())
def test_no_secret_of_the_context_is_shown(raw, secret, name, echo, channel, wrapped):
    place = len(raw) // 2

    def explained(value: str) -> str:
        echoed = f"{raw[:place]} {echo(value)} {raw[place:]}"
        context: dict[str, Any] = {**CONTEXT, name: Secret(value) if wrapped else value, "deep": [{"x": value}]}
        found = explain_answer(echoed, channel=channel, context=context).to_dict()
        return json.dumps(found, ensure_ascii=False) + str(found)

    assert not shows(secret, explained)
    assert base64.b64encode(secret.encode()).decode() not in explained(secret)


@many
@given(secrets, st.sampled_from(sorted(CONTEXT)))
def test_no_secret_is_shown_where_a_value_belongs(secret, place):
    def explained(value: str) -> str:
        context = {**CONTEXT, place: f"a{value}", "password": value}
        return "".join(
            str(explain_answer(raw, context=context).to_dict())
            for raw in ("AADSTS700016", "535 5.7.8 no", "550 5.7.60 no")
        )

    assert not shows(secret, explained)


@pytest.mark.parametrize("secret", ["[secret]", "rosoft_a"])
def test_a_secret_that_reads_like_our_own_words_is_no_finding(secret):
    assert not shows(secret, lambda value: str(explain_answer(f"AADSTS700016 {value}", context={"password": value})))


def test_a_secret_that_comes_through_is_a_finding():
    assert shows("hunter2-of-somebody", lambda value: f"They said {value}.")


def test_it_takes_less_than_two_milliseconds_at_the_median():
    chosen = random.Random(5)
    asked = [(row["raw"], row["channel"]) for row in ROWS]
    asked += [(chosen.randbytes(chosen.randint(0, 500)).decode("utf-8", "replace"), "tls") for _ in range(300)]
    context = {**CONTEXT, "password": "correct horse battery", "client_secret": "staple"}
    explain_answer("warm", context=context)
    took = []
    for raw, channel in asked:
        began = time.process_time()
        explain_answer(raw, channel=channel, context=context)
        took.append(time.process_time() - began)
    assert statistics.median(took) < MEDIAN_SECONDS


PIECES = (
    *("<", "%41", "\\u0041", "550 ", "550-", "code=a ", '{"error":', "AADSTS", "5.7.1 ", "<script", "a_b", "&amp;"),
    *("\n", " \n", "\n \n\r\n", " ", "(535, '", "> ", "\n> ", "a.", "\\", "error_codes", "AUTH PLAIN ", "status ", "0"),
    *("-----BEGIN PRIVATE KEY-----", "correlation id ", "HTTP/1.1 ", "password: ", "state=a", "f1e2d3c4-", "<a "),
)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("channel", ["entra_token", "graph_http", "smtp_reply", "http_other"])
def test_no_repetition_keeps_it_busy(piece, channel):
    began = time.process_time()
    explain_answer(piece * (200_000 // len(piece)), channel=channel, context={"password": "correct horse"})
    assert time.process_time() - began < 0.5
