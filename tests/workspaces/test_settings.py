"""Settings of a person and the name of a workspace."""

import pytest
from sqlalchemy import select

from mailsetup.workspaces import locales
from mailsetup.workspaces.models import AuditEvent, User, Workspace

PERSON = {"name": "Alice Liddell", "locale": "de_DE", "timezone": "Europe/Berlin"}


def test_it_saves_name_locale_and_time_zone(alice, session):
    assert alice.client.post("/settings/person", data=PERSON).status_code == 302
    user = session.get(User, alice.user.id)
    assert (user.name, user.locale, user.timezone) == ("Alice Liddell", "de_DE", "Europe/Berlin")
    page = alice.client.get("/audit").text
    assert "(Europe/Berlin)" in page


@pytest.mark.parametrize("wrong", [{"name": ""}, {"locale": "xx_YY"}, {"timezone": "../../etc/passwd"}])
def test_it_refuses_what_is_not_in_the_list(alice, session, wrong):
    assert alice.client.post("/settings/person", data={**PERSON, **wrong}).status_code == 422
    assert session.get(User, alice.user.id).name == "Alice"


def test_it_renames_the_workspace_and_writes_it_down(ada, session):
    assert ada.client.post("/settings/workspace", data={"workspace_name": "Southwind"}).status_code == 302
    assert session.get(Workspace, ada.workspace.id).name == "Southwind"
    event = session.scalars(select(AuditEvent).where(AuditEvent.action == "workspace:rename")).one()
    assert event.detail == {"was": "Northwind"}


def test_the_workspace_has_a_time_zone_of_its_own(ada, session):
    data = {"workspace_name": "Northwind", "workspace_timezone": "Europe/Berlin"}
    assert ada.client.post("/settings/workspace", data=data).status_code == 302
    assert session.get(Workspace, ada.workspace.id).timezone == "Europe/Berlin"
    refused = ada.client.post("/settings/workspace", data={**data, "workspace_timezone": "Mars/Base"})
    assert refused.status_code == 422
    assert "Choose one of the time zones" in refused.text


def test_it_lets_members_rename_themselves_only(bob, session):
    assert bob.client.post("/settings/person", data=PERSON).status_code == 302
    assert bob.client.post("/settings/workspace", data={"workspace_name": "Bobwind"}).status_code == 403
    assert session.get(Workspace, bob.workspace.id).name == "Northwind"


def test_it_shows_moments_as_each_locale_writes_them():
    shown = dict(locales.locale_choices())
    assert "11/21/2026, 3:05 PM" in shown["en_US"]
    assert "15:05" in shown["de_DE"]
    assert {"en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "nl_NL"} <= set(shown)


def test_it_offers_zones_by_their_difference_to_utc():
    choices = locales.zone_choices()
    assert ("UTC", "UTC+00:00 UTC") in choices
    assert choices[0][1].startswith("UTC-1")
    assert "Europe/Berlin" in dict(choices)
