"""What a sign-in at Microsoft leaves: a credential of its own kind, renewed by signing in."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mailsetup.core.errors import NotFound
from mailsetup.core.redact import Secret
from mailsetup.credentials import token_cache, usage, vault
from mailsetup.credentials.models import CredentialToken
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests.factories import make_workspace

PUBLIC = {"app": "platform", "cloud": "global", "account_username": "ar@contoso.com", "account_tid": "t-1"}
CACHE = '{"RefreshToken": {"secret": "refresh-canary"}}'


@pytest.fixture
def workspace(settings, session) -> Workspace:
    return make_workspace(session)


def grant(session, workspace, **changes):
    values = {"name": "Accounts mailbox", "public": PUBLIC, "secrets": {}, "token_cache": CACHE}
    made = vault.store_grant(session, workspace_id=workspace.id, actor=SYSTEM, user_id=None, **{**values, **changes})
    session.commit()
    return made


def test_it_keeps_account_and_tokens(session, workspace):
    credential = grant(session, workspace)
    assert credential.type == "microsoft_grant"
    assert vault.public_facts(session, credential) == PUBLIC
    stored = token_cache.load(session, credential.id, 1)
    assert stored is not None
    assert stored.blob == CACHE
    assert "refresh-canary" not in session.scalar(select(CredentialToken.sealed))


def test_it_loses_no_sign_in_to_a_name_that_is_taken(session, workspace):
    names = [grant(session, workspace).name for _ in range(3)]
    assert names == ["Accounts mailbox", "Accounts mailbox 2", "Accounts mailbox 3"]


def test_it_renews_in_a_new_version_and_tells_who_follows(session, workspace, monkeypatch):
    heard = []
    monkeypatch.setattr(usage, "changed", [lambda _session, changed: heard.append(changed.version)])
    credential = grant(session, workspace)
    again = grant(session, workspace, name="Other", credential_id=credential.id, token_cache="{}")
    assert (again.id, again.name, again.version, heard) == (credential.id, "Accounts mailbox", 2, [2])
    renewed = token_cache.load(session, credential.id, 2)
    assert renewed is not None
    assert renewed.blob == "{}"


def test_it_does_not_renew_another_workspaces(session, workspace):
    credential = grant(session, workspace)
    with pytest.raises(NotFound):
        grant(session, make_workspace(session, name="Fabrikam"), credential_id=credential.id)


def test_it_is_renamed_and_noted_without_touching_what_it_holds(session, workspace):
    credential = grant(session, workspace, secrets={"client_secret": Secret("own-app-secret")})
    vault.update_credential(
        session, credential, actor=SYSTEM, user_id=None, name="Accounts", raw={"app": "own"}, expiry_note="Ask Dana"
    )
    assert (credential.name, credential.expiry_note, credential.version) == ("Accounts", "Ask Dana", 1)
    assert vault.credential_value(session, credential).secrets["client_secret"].reveal() == "own-app-secret"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ar@contoso.com", "eva@contoso.com"),
        ("ar@contoso.com 2", "eva@contoso.com"),
        ("Accounts mailbox", "Accounts mailbox"),
        ("ar@contoso.com for invoices", "ar@contoso.com for invoices"),
    ],
)
def test_its_name_follows_the_account_unless_a_person_named_it(session, workspace, name, expected):
    credential = grant(session, workspace, name=name)
    other = {**PUBLIC, "account_username": "eva@contoso.com"}
    grant(session, workspace, name="eva@contoso.com", public=other, credential_id=credential.id)
    assert credential.name == expected


def test_a_number_beside_the_name_stays_when_the_account_does(session, workspace):
    grant(session, workspace, name="ar@contoso.com")
    second = grant(session, workspace, name="ar@contoso.com")
    grant(session, workspace, name="ar@contoso.com", credential_id=second.id)
    assert second.name == "ar@contoso.com 2"
