"""Dates, times, sizes and links."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from mailsetup.web import filters
from mailsetup.web.frame import FrameData, register_frame

MOMENT = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_app(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "fr-FR,fr;q=0.9,en;q=0.5"}):
        yield


def person(locale: str = "", timezone: str = "") -> None:
    def settings() -> FrameData:
        return {"locale": locale, "timezone": timezone}

    register_frame(settings)


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("en_US", "11/21/2026, 3:05 PM"),
        ("en-US", "11/21/2026, 3:05 PM"),
        ("en", "11/21/2026, 3:05 PM"),
        ("de_DE", "21.11.2026, 15:05"),
        ("en_GB", "21/11/2026, 15:05"),
        ("ja_JP", "2026/11/21, 15:05"),
    ],
)
def test_it_writes_a_moment_as_the_person_does(locale: str, shown: str) -> None:
    person(locale)
    assert filters.show_time(MOMENT) == shown


def test_it_writes_american_dates_with_two_digits() -> None:
    person("en_US")
    assert filters.show_date(date(2026, 3, 5)) == "03/05/2026"


def test_it_moves_into_the_persons_time_zone() -> None:
    person("de_DE", "Asia/Tokyo")
    assert filters.show_time(MOMENT) == "22.11.2026, 00:05"
    assert filters.show_date(MOMENT) == "22.11.2026"
    assert filters.show_zoned(MOMENT) == "22.11.2026, 00:05 (Asia/Tokyo)"


def test_it_keeps_a_day_in_every_time_zone() -> None:
    person("de_DE", "Pacific/Honolulu")
    assert filters.show_date(date(2026, 11, 21)) == "21.11.2026"


def test_it_asks_the_browser_when_the_person_has_not_said() -> None:
    assert filters.show_time(MOMENT) == "21/11/2026, 15:05"
    assert filters.show_zoned(MOMENT).endswith("(UTC)")


@pytest.mark.parametrize(
    ("locale", "zone"), [("../../etc", "../../etc/passwd"), ("xx_YY", "Mars/Olympus"), ("*", "\0")]
)
def test_it_falls_back_when_locale_or_zone_is_nonsense(app: Flask, locale: str, zone: str) -> None:
    with app.test_request_context(headers={"Accept-Language": locale.replace("\0", "")}):
        person(locale, zone)
        assert filters.show_zoned(MOMENT) == "11/21/2026, 3:05 PM (UTC)"


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=-40), "40 seconds ago"),
        (timedelta(minutes=-2), "2 minutes ago"),
        (timedelta(hours=3), "in 3 hours"),
        (timedelta(days=-6), "6 days ago"),
        (timedelta(days=-30), "22/10/2026"),
    ],
)
def test_it_says_how_long_ago(ahead: timedelta, words: str) -> None:
    with time_machine.travel(MOMENT, tick=False):
        assert filters.show_relative(MOMENT + ahead) == words


def test_it_takes_a_moment_without_zone_as_utc() -> None:
    assert filters.machine_time(datetime(2026, 11, 21, 15, 5)) == "2026-11-21T15:05:00+00:00"  # noqa: DTZ001


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (1, "1 byte"), (812, "812 bytes"), (14_200, "14 KB"), (999_600, "1 MB"), (2_480_000, "2.5 MB")],
)
def test_it_shows_sizes(count: int, shown: str) -> None:
    assert filters.show_size(count) == shown


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(2, "2 ms"), (1240, "1.2 s"), (125_000, "2 min 5 s"), (119_700, "2 min 0 s")]
)
def test_it_shows_durations(milliseconds: int, shown: str) -> None:
    assert filters.show_duration(milliseconds) == shown


def test_it_links_https_addresses_and_escapes_the_rest() -> None:
    html = filters.linked("<b> Open https://entra.microsoft.com/a?b=1&c=2. javascript:alert(1) http://plain.example")
    assert '<a href="https://entra.microsoft.com/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">' in html
    assert html.count("<a ") == 1
    assert html.startswith("&lt;b&gt;")


def test_it_shows_nothing_for_nothing() -> None:
    shown = [show(None) for show in (filters.show_date, filters.show_time, filters.show_relative, filters.show_size)]
    assert shown == ["", "", "", ""]


def test_it_shows_of_a_long_address_only_where_it_leads() -> None:
    html = filters.linked(f"Open https://entra.microsoft.com/#view/{'x' * 60}.")
    assert ">entra.microsoft.com/…<" in html
    assert "x" * 60 in html
