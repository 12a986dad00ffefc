"""The pages of webhooks."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.events.catalogue import MESSAGE_SENT
from mailsetup.events.models import FAILED, EventDelivery, EventEndpoint
from tests.people import Person

FORM = {"name": "Shop", "url": "https://shop.example.com/hooks", "types": [MESSAGE_SENT]}


@pytest.fixture
def endpoint(alice: Person, session: Session) -> EventEndpoint:
    alice.client.post("/events/new", data=FORM)
    return session.scalars(select(EventEndpoint)).one()


def test_it_shows_the_secret_once(alice: Person, session: Session) -> None:
    shown = alice.client.post("/events/new", data=FORM).get_data(as_text=True)
    secret = re.search(r"whsec_[\w+/=]+", shown)
    assert secret
    endpoint = session.scalars(select(EventEndpoint)).one()
    page = alice.client.get(f"/events/{endpoint.id}").get_data(as_text=True)
    assert "Nothing has happened" in page
    assert secret[0] not in page


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "ftp://shop.example.com"}, "begins with https://"),
        ({"url": ""}, "begins with https://"),
        ({"name": " "}, "Give it a name"),
        ({"types": []}, "Choose at least one event"),
    ],
)
def test_it_says_beside_the_field_what_is_wrong(alice: Person, change: dict[str, object], said: str) -> None:
    answer = alice.client.post("/events/new", data={**FORM, **change})
    assert answer.status_code == 422
    assert said in answer.get_data(as_text=True)


def test_it_changes_pauses_and_deletes(alice: Person, session: Session, endpoint: EventEndpoint) -> None:
    path = f"/events/{endpoint.id}"
    alice.client.post(f"{path}/edit", data={**FORM, "name": "Till"})
    alice.client.post(f"{path}/active", data={"active": ""})
    session.refresh(endpoint)
    assert (endpoint.name, endpoint.active) == ("Till", False)
    alice.client.post(f"{path}/delete")
    assert alice.client.get(path).status_code == 404
    assert "No webhooks yet" in alice.client.get("/events").get_data(as_text=True)


def test_it_lists_tests_and_sends_failed_ones_again(alice: Person, session: Session, endpoint: EventEndpoint) -> None:
    path = f"/events/{endpoint.id}"
    alice.client.post(f"{path}/test")
    delivery = session.scalars(select(EventDelivery)).one()
    assert delivery.webhook_id in alice.client.get(path).get_data(as_text=True)
    delivery.state = FAILED
    assert "Send the failed one again" in alice.client.get(path).get_data(as_text=True)
    alice.client.post(f"{path}/again")
    session.refresh(delivery)
    assert delivery.state == "pending"


def test_it_gives_htmx_the_list_alone(alice: Person, endpoint: EventEndpoint) -> None:
    fragment = alice.client.get(f"/events/{endpoint.id}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in fragment
    assert 'id="deliveries"' in fragment
