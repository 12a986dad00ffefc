"""The calendar of last days: exact lines, a secret address, and nothing secret inside."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from mailsetup.core.clock import utcnow
from mailsetup.credentials.calendar import calendar_file
from mailsetup.credentials.deadlines import IDLE, SECRET, Deadline
from mailsetup.credentials.models import CalendarFeed
from mailsetup.credentials.usage import Use
from tests import factories

NOW = datetime(2026, 11, 21, 15, 5, tzinfo=UTC)
ID = uuid.UUID("01a1fe1c-03c4-7989-b46d-85122e7bb8c5")


def deadline(**changes) -> Deadline:
    facts: dict[str, Any] = {
        "credential_type": "microsoft_app",
        "label": "Contoso app",
        "kind": SECRET,
        "what": "Client secret",
    }
    facts |= {"credential_id": ID, "workspace_id": ID, "day": date(2027, 1, 31), "uses": (Use("Invoices", "/x"),)}
    return Deadline(**{**facts, **changes})


def written(*found) -> bytes:
    return calendar_file(found, name="Northwind; mail, all", base_url="https://mail.example.com", now=NOW)


def unfolded(content: bytes) -> list[str]:
    return content.decode().replace("\r\n ", "").split("\r\n")


def test_it_writes_a_whole_day_with_its_reminders():
    lines = unfolded(written(deadline()))
    assert lines[:3] == ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//mailsetup//Last days//EN"]
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert {"DTSTAMP:20261121T150500Z", "DTSTART;VALUE=DATE:20270131", "DTEND;VALUE=DATE:20270201"} <= set(lines)
    assert f"UID:secret-{ID}@mail.example.com" in lines
    assert "SUMMARY:Last day of the client secret of “Contoso app”" in lines
    assert [line for line in lines if line.startswith("TRIGGER")] == ["TRIGGER:-P30D", "TRIGGER:-P7D", "TRIGGER:-P1D"]
    assert lines.count("BEGIN:VALARM") == lines.count("END:VALARM") == 3


@pytest.mark.parametrize("label", ["a,b;c\\d", "Ü" * 120, "x\r\nATTACH:http://evil.example", "日本語の資格情報" * 9])
def test_it_escapes_and_folds_whatever_a_name_holds(label):
    content = written(deadline(label=label))
    assert all(len(line) <= 75 for line in content.split(b"\r\n"))
    lines = unfolded(content)
    assert not [line for line in lines if line.startswith("ATTACH")]
    [summary] = {line for line in lines if line.startswith("SUMMARY:")}
    plain = re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], summary)
    assert label.replace("\r", "") in plain
    assert "NAME:Northwind\\; mail\\, all" in lines


def test_it_says_of_a_sign_in_that_the_day_moves():
    lines = unfolded(written(deadline(kind=IDLE, what="Sign-in")))
    assert "SUMMARY:Sign-in “Contoso app” ends unless it is used before" in lines
    assert any("We use it every week" in line for line in lines)


@pytest.fixture
def dated(session, alice):
    day = utcnow().date() + timedelta(days=20)
    return factories.make_credential(session, alice.workspace, name="Mail login", expires_on=day)


def test_it_is_downloaded_by_members(bob, dated):
    answer = bob.client.get("/credentials/calendar.ics")
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    assert f"DTSTART;VALUE=DATE:{dated.expires_on:%Y%m%d}" in answer.text


def address_of(answer) -> str:
    found = re.search(r"http://localhost(/calendar/[\w-]{43}\.ics)", answer.text)
    assert found, answer.text
    return found[1]


def test_it_is_followed_by_its_secret_address_without_signing_in(ada, client, dated, session):
    answer = ada.client.post("/credentials/calendar")
    address = address_of(answer)
    assert address not in ada.client.get("/credentials/calendar").text
    feed = client.get(address)
    assert (feed.status_code, "Mail login" in feed.text, feed.headers["Cache-Control"]) == (
        200,
        True,
        "no-store",
    )
    kept = session.query(CalendarFeed).one()
    assert address.split("/")[2].removesuffix(".ics") not in str(vars(kept))
    assert kept.read_at is not None


def test_it_ends_the_address_when_another_is_made_or_none_is_wanted(ada, client, dated):
    first = address_of(ada.client.post("/credentials/calendar"))
    second = address_of(ada.client.post("/credentials/calendar"))
    assert [client.get(address).status_code for address in (first, second)] == [404, 200]
    ada.client.post("/credentials/calendar/revoke")
    assert client.get(second).status_code == 404
    assert ada.client.post("/credentials/calendar/revoke").status_code == 404


def test_it_shows_each_workspace_its_own_days(alice, charlie, client, dated):
    assert "Mail login" not in client.get(address_of(charlie.client.post("/credentials/calendar"))).text
    assert "Mail login" not in charlie.client.get("/credentials/calendar").text


@pytest.mark.parametrize("secret", ["A" * 43, "", "x", "%00" * 14])
def test_it_gives_nothing_for_a_wrong_address(client, dated, secret):
    assert client.get(f"/calendar/{secret}.ics").status_code == 404


def test_it_names_the_secrets_whose_last_day_nobody_gave(alice, bob, dated, session):
    ids = {"tenant_id": str(ID), "client_id": str(ID), "client_secret": "a~value-of-the-app"}
    app = factories.make_credential(session, alice.workspace, name="Contoso app", type="microsoft_app", raw=ids)
    page = alice.client.get("/credentials/calendar").text
    assert re.search(rf'href="/credentials/{app.id}/edit">Give the last day of Contoso app<', page)
    assert "Without a last day: Contoso app" in bob.client.get("/credentials/calendar").text
    app.expires_on = utcnow().date() + timedelta(days=200)
    session.commit()
    assert "nobody gave the last day" not in alice.client.get("/credentials/calendar").text
