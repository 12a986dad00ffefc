"""The pages of API keys."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.api.models import ApiKey
from mailsetup.workspaces.models import AuditEvent
from tests.api.conftest import key_of
from tests.people import Person

FORM = {"name": "Shop", "scopes": ["send", "read"], "expires_on": "2099-12-31"}


def test_it_shows_a_new_key_once(alice: Person, session: Session) -> None:
    page = alice.client.post("/api-keys/new", data=FORM)
    found = re.search(r"oms_live_\w{49}", page.get_data(as_text=True))
    assert page.status_code == 201
    assert found
    listed = alice.client.get("/api-keys").get_data(as_text=True)
    assert "Shop" in listed
    assert found[0] not in listed
    assert session.scalar(select(AuditEvent.action).where(AuditEvent.action == "api_key:create"))


def test_it_says_what_is_wrong_beside_the_field(alice: Person, session: Session) -> None:
    page = alice.client.post("/api-keys/new", data={"name": "", "expires_on": "2020-01-01"})
    assert page.status_code == 422
    assert "Choose what the key may do." in page.get_data(as_text=True)
    assert session.scalar(select(ApiKey)) is None


def test_it_revokes_a_key(alice: Person, session: Session) -> None:
    key_of(session, alice)
    row = session.scalars(select(ApiKey)).one()
    page = alice.client.post(f"/api-keys/{row.id}/revoke", follow_redirects=True)
    assert "Revoked" in page.get_data(as_text=True)
    assert row.revoked_at


def test_it_lets_members_see_and_not_change(bob: Person, session: Session, alice: Person) -> None:
    key_of(session, alice)
    row = session.scalars(select(ApiKey)).one()
    assert bob.client.get("/api-keys").status_code == 200
    assert bob.client.get("/api-keys/new").status_code == 403
    assert bob.client.post("/api-keys/new", data=FORM).status_code == 403
    assert bob.client.post(f"/api-keys/{row.id}/revoke").status_code == 403


def test_it_hides_keys_of_other_workspaces(charlie: Person, session: Session, alice: Person) -> None:
    key_of(session, alice)
    row = session.scalars(select(ApiKey)).one()
    assert charlie.client.post(f"/api-keys/{row.id}/revoke").status_code == 404
    assert row.revoked_at is None
