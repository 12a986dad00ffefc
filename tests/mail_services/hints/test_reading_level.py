"""Whoever configures mail once a year understands every explanation, on one screen of a phone."""

from __future__ import annotations

import re
import statistics

import pytest

from mailsetup.mail_services import hints
from mailsetup.mail_services.hints.catalogue import Cause
from mailsetup.mail_services.hints.words import WHO, fillings
from tests.mail_services.hints.cases import CONTEXT

CAUSES = list(hints.CAUSES.values())
WORDS_IN_A_SENTENCE = 25
SCREEN = 650  # letters that a phone of 390 px shows beside the buttons
GRADE, MEAN_GRADE = 12, 7  # years of school (Flesch and Kincaid)
INTERNAL = re.compile(
    r"\b(payload|endpoint|principal|4xx|5xx|retry queue|backend|back-end|worker|lane|sweep|claim|null|json|boolean|"
    r"exception|stack|stderr|timeout|handshake|socket|daemon|redis|sql|http \d|errno|regex|parse|token cache|msal|"
    r"grant_type|tenants|your tenant|our tenant|workspace tenant|invalid_\w+|4\.\d\.\d|oops|sorry|please|"
    r"something went wrong|simply|just click|user error|illegal|abort|fatal|SSL)\b|!|\bAADSTS\d",
    re.IGNORECASE,
)
COMMAND = re.compile(r"[A-Z][a-z]+-[A-Z]\w+(?: -\w+ \S+)+(?: \$\w+)?")


def text_of(cause: Cause) -> str:
    texts = [f"{cause.title}.", cause.explanation, *cause.steps]
    return " ".join(texts).format_map(fillings(CONTEXT))


def plain(text: str) -> str:
    """The words that are read; a link, an address or a command is looked at as one thing."""
    text = re.sub(r"https://\S+", "link", COMMAND.sub("command", text))
    return re.sub(r"\S+@[\w.-]*\w|[0-9a-f]{8}-[0-9a-f-]{27}", "name", text)


def sentences(text: str) -> list[list[str]]:
    parts = re.split(r"(?<=[.:?])\s+|[;>]", plain(text))
    return [words for part in parts if (words := re.findall(r"[A-Za-z']+", part))]


def syllables(word: str) -> int:
    silent = word.endswith("e") and not word.endswith("le")
    return max(len(re.findall(r"[aeiouy]+", word.lower())) - silent, 1)


def grade(text: str) -> float:
    parts = sentences(text)
    words = [word for part in parts for word in part]
    return 0.39 * len(words) / len(parts) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.slug)
def test_it_speaks_plainly(cause):
    text = text_of(cause)
    assert grade(text) <= GRADE
    assert max(len(words) for words in sentences(text)) <= WORDS_IN_A_SENTENCE
    assert not INTERNAL.search(plain(text))


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.slug)
def test_it_fits_one_screen(cause):
    shown = re.sub(r"(https://[^/\s]+)/\S+", r"\1/…", text_of(cause))
    assert len(shown) <= SCREEN
    assert len(cause.title.format_map(fillings(CONTEXT))) <= 75
    assert 1 <= len(cause.steps) <= 4


def test_most_of_it_is_easy():
    assert statistics.mean(grade(text_of(cause)) for cause in CAUSES) <= MEAN_GRADE


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.slug)
def test_it_says_who_acts_and_what_that_person_does(cause):
    assert cause.who_acts in WHO
    waits = cause.who_acts == "nobody_wait"
    assert waits == any(
        step.startswith(("Nothing to do", "Wait", "Look into", "Ask the recipient before")) for step in cause.steps[:1]
    )


@pytest.mark.parametrize(
    "cause", [cause for cause in CAUSES if cause.confidence == "low"], ids=lambda cause: cause.slug
)
def test_what_it_does_not_know_it_does_not_claim(cause):
    assert cause.general
    assert re.search(r"do not know|cannot name|did not come about|may not use", text_of(cause))


def test_nothing_speaks_of_a_value_that_is_missing():
    for cause in CAUSES:
        text = " ".join([cause.title, cause.explanation, *cause.steps]).format_map(fillings({}))
        assert not re.search(r"None|\{|\}|  ", text)
