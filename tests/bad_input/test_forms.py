"""Forms take no line break, no NUL and nothing oversized, say so, and change nothing."""

import pytest

from tests.bad_input.spellings import LINE_BREAKS
from tests.walls import snapshot

LONG = "x" * 20_000
ADDRESS = "it@northwind.example"
LOGIN = {"type": "smtp_login", "name": "Mail login", "username": "user", "password": "a quiet harbour lamp"}
APP = {
    "type": "microsoft_app",
    "name": "App",
    "tenant_id": "contoso.com",
    "client_id": "11111111-2222-3333-4444-555555555555",
    "client_secret": "not-a-guid-but-a-value",
}
FORMS: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "credential": ("/credentials/new", LOGIN, ("name", "username", "password", "description", "expiry_note")),
    "app": ("/credentials/new", APP, ("name", "tenant_id", "client_id", "client_secret", "cloud")),
    "invitation": ("/members/invite", {"email": ADDRESS, "role": "member"}, ("email", "role")),
    "alerts": (
        "/alerts/ways/new?channel=email",
        {"address": ADDRESS, "severity": "warning"},
        ("address", "name", "quiet_from"),
    ),
    "api key": ("/api-keys/new", {"name": "Shop", "scopes": "send"}, ("name", "scopes", "expires_on")),
    "workspace": ("/settings/workspace", {"name": "Northwind"}, ("name",)),
    "person": ("/settings/person", {"name": "Alice"}, ("name", "locale", "timezone")),
    "setup": ("/setup/new", {"kind": "smtp_basic"}, ("kind", "address")),
}
CASES = [(form, field) for form, (_, _, fields) in FORMS.items() for field in fields]
# A password may hold anything that fits into one line.
ANY_CHARACTER = {"password"}


@pytest.mark.parametrize(("form", "field"), CASES, ids=[f"{form}-{field}" for form, field in CASES])
def test_it_refuses_what_is_too_long(alice, session, form, field):
    path, good, _ = FORMS[form]
    before = snapshot(session)
    answer = alice.client.post(path, data={**good, field: LONG})
    assert answer.status_code in {404, 422}, answer.text
    assert LONG not in answer.headers.get("Location", "")
    assert snapshot(session) == before


@pytest.mark.parametrize(("form", "field"), CASES, ids=[f"{form}-{field}" for form, field in CASES])
def test_it_refuses_characters_that_cannot_be_shown(alice, session, form, field):
    path, good, _ = FORMS[form]
    before = snapshot(session)
    for spelling in ("nul",) if field in ANY_CHARACTER else ("nul", "escape"):
        answer = alice.client.post(path, data={**good, field: LINE_BREAKS[spelling]})
        assert answer.status_code in {404, 422}, spelling
    assert snapshot(session) == before
