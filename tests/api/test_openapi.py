"""The document says what the routes do, no more and no less."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mailsetup.api.calls import CALLS
from mailsetup.api.openapi import document
from mailsetup.outbound.models import OutboundConfig
from tests.api.conftest import Call
from tests.people import Person


def test_it_names_exactly_the_routes_there_are(app: Flask) -> None:
    routes = {
        (method, re.sub(r"<uuid:(\w+)>", r"{\1}", rule.rule), rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.openapi"
    }
    assert routes == {(call.method, call.path, f"api.{call.name}") for call in CALLS}


def test_it_names_the_scope_each_route_asks_for(app: Flask) -> None:
    for call in CALLS:
        assert vars(app.view_functions[f"api.{call.name}"])["api_scope"] == call.scope


def test_it_refers_only_to_schemas_it_has() -> None:
    found = document("https://mail.example")
    named = set(re.findall(r"#/components/schemas/(\w+)", str(found)))
    assert named <= set(found["components"]["schemas"])


def test_it_is_served_to_everybody(client: FlaskClient) -> None:
    answer = client.get("/api/v1/openapi.json")
    assert (answer.status_code, answer.get_json()["openapi"]) == (200, "3.1.0")


def test_it_describes_what_is_really_answered(call: Call, config: OutboundConfig) -> None:
    schemas = document("")["components"]["schemas"]
    mail = {"to": "me@fabrikam.example", "subject": "x", "text": "y"}
    queued = call("POST", "/messages", json=mail).json
    shown = call("GET", f"/messages/{queued['id']}").json
    listed = call("GET", "/messages").json
    setups = call("GET", "/outbound").json
    for found, name in ((queued, "Accepted"), (shown, "Message"), (listed, "MessageList"), (setups, "SetupList")):
        assert set(found) == set(schemas[name]["properties"])
    assert set(setups["outbound"][0]) == set(schemas["SetupList"]["properties"]["outbound"]["items"]["properties"])


@pytest.mark.parametrize("signed_in", [True, False])
def test_it_explains_itself_on_a_page(client: FlaskClient, alice: Person, signed_in: bool) -> None:
    answer = (alice.client if signed_in else client).get("/api/docs")
    text: Any = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert all(call.summary in text for call in CALLS)
