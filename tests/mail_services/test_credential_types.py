from __future__ import annotations

import uuid

import pytest

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.core.redact import Secret
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import CredentialValue
from mailsetup.mail_services.credential_types import MICROSOFT_APP, MICROSOFT_GRANT, SMTP_LOGIN, CredentialInput
from tests.fakes import certificates

TENANT, CLIENT = str(uuid.uuid4()), str(uuid.uuid4())
APP = {"tenant_id": TENANT, "client_id": CLIENT, "client_secret": "a~value-of-a-secret"}


def kept(type_name: str, cleaned: CredentialInput) -> CredentialValue:
    return CredentialValue(type_name, cleaned.public, cleaned.secrets, "1")


def refused(type_, raw, files=None, previous=None) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        type_.clean(raw, files or {}, previous)
    return caught.value.fields


def test_every_type_describes_itself():
    assert {one.name for one in credential_types.all_types()} == {"smtp_login", "microsoft_app", "microsoft_grant"}
    for one in credential_types.all_types():
        assert one.label
        assert one.summary
        assert all(field.label for field in one.fields)
        assert all(field.secret for field in one.fields if field.input in {"password", "file"})
    with pytest.raises(NotFound):
        credential_types.get("ssh")


def test_a_login_is_trimmed_and_its_password_hidden():
    cleaned = SMTP_LOGIN.clean({"username": " user ", "password": " hush-hush "}, {}, None)
    assert cleaned.public == {"username": "user"}
    assert cleaned.secrets["password"].reveal() == "hush-hush"
    assert "hush" not in repr(cleaned)


def test_a_blank_password_keeps_the_old_one_for_the_same_user_only():
    old = kept("smtp_login", SMTP_LOGIN.clean({"username": "user", "password": "hush"}, {}, None))
    assert SMTP_LOGIN.clean({"username": "user"}, {}, old).secrets == old.secrets
    assert "type the password again" in refused(SMTP_LOGIN, {"username": "other"}, previous=old)["password"]
    assert refused(SMTP_LOGIN, {"username": "user"})["password"] == "Type the password."


@pytest.mark.parametrize("changed", ["tenant_id", "client_id"])
def test_a_blank_client_secret_is_not_sent_to_another_place(changed):
    old = kept("microsoft_app", MICROSOFT_APP.clean(APP, {}, None))
    same = {"tenant_id": TENANT, "client_id": CLIENT}
    assert MICROSOFT_APP.clean(same, {}, old).secrets == old.secrets
    fields = refused(MICROSOFT_APP, {**same, changed: str(uuid.uuid4())}, previous=old)
    assert "type the client secret again" in fields["client_secret"]
    fields = refused(MICROSOFT_APP, {**same, "cloud": "china"}, previous=old)
    assert "type the client secret again" in fields["client_secret"]


def test_the_secret_id_is_recognised():
    fields = refused(MICROSOFT_APP, {**APP, "client_secret": str(uuid.uuid4()).upper()})
    assert "Value" in fields["client_secret"]
    assert "Secret ID" in fields["client_secret"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tenant_id", "contoso"),
        ("tenant_id", "common"),
        ("tenant_id", "10.0.0.1"),
        ("tenant_id", ""),
        ("tenant_id", "a/b.com"),
        ("client_id", "contoso.com"),
        ("client_id", ""),
        ("client_secret", ""),
        ("client_secret", "with blank"),
        ("client_secret", "x" * 8193),
        ("cloud", "mars"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(name, value):
    assert set(refused(MICROSOFT_APP, {**APP, name: value})) == {name}


def test_a_tenant_may_be_a_domain():
    cleaned = MICROSOFT_APP.clean({**APP, "tenant_id": " Contoso.com "}, {}, None)
    assert cleaned.public["tenant_id"] == "contoso.com"


def test_a_certificate_replaces_the_secret_and_stays():
    key, certificate = certificates.pair()
    same = {"tenant_id": TENANT, "client_id": CLIENT}
    upload = {"certificate": certificates.pfx_of(key, certificate, b"open")}
    cleaned = MICROSOFT_APP.clean({**same, "passphrase": "open"}, upload, None)
    assert set(cleaned.secrets) == {"private_key", "certificate"}
    assert cleaned.public["certificate_expires"] == certificate.not_valid_after_utc.date().isoformat()
    again = MICROSOFT_APP.clean(same, {}, kept("microsoft_app", cleaned))
    assert again == cleaned
    back = MICROSOFT_APP.clean(APP, {}, kept("microsoft_app", cleaned))
    assert set(back.secrets) == {"client_secret"}
    assert "thumbprint" not in back.public


def test_a_bad_certificate_is_refused_at_its_field():
    same = {"tenant_id": TENANT, "client_id": CLIENT}
    assert "certificate" in refused(MICROSOFT_APP, same, {"certificate": b"junk"})
    expired = certificates.pem_of(*certificates.pair(days=-1, start=-9))
    assert "expired" in refused(MICROSOFT_APP, same, {"certificate": expired})["certificate"]
    assert "Choose one" in refused(MICROSOFT_APP, APP, {"certificate": expired})["certificate"]
    assert "too large" in refused(MICROSOFT_APP, same, {"certificate": b"x" * 70_000})["certificate"]


def test_a_grant_through_our_app_needs_nothing_typed():
    cleaned = MICROSOFT_GRANT.clean({}, {}, None)
    assert cleaned == CredentialInput({"app": "platform", "cloud": "global"}, {})


def test_a_grant_through_an_own_app_needs_its_facts():
    assert set(refused(MICROSOFT_GRANT, {"app": "own"})) == {"tenant_id", "client_id", "client_secret"}
    assert MICROSOFT_GRANT.clean({**APP, "app": "own"}, {}, None).secrets == {
        "client_secret": Secret(APP["client_secret"])
    }


def test_a_grant_keeps_its_account_until_the_app_changes():
    account = {"account_username": "ar@contoso.com", "account_tid": TENANT, "account_oid": "o"}
    old = CredentialValue("microsoft_grant", {"app": "platform", "cloud": "global", **account}, {}, "1")
    assert MICROSOFT_GRANT.clean({"app": "platform"}, {}, old).public.items() >= account.items()
    changed = MICROSOFT_GRANT.clean({**APP, "app": "own"}, {}, old)
    assert not changed.public.keys() & account.keys()


def test_a_credential_of_another_type_lends_nothing():
    old = CredentialValue("smtp_login", {"username": "user"}, {"client_secret": Secret("x")}, "1")
    assert "client_secret" in refused(MICROSOFT_APP, {"tenant_id": TENANT, "client_id": CLIENT}, previous=old)
