from __future__ import annotations

from urllib.parse import urlencode

import pytest

from tests.sandbox.customer import GRAPH, REDIRECT
from tests.sandbox.person import Person


@pytest.fixture
def address(box) -> str:
    """The link that an admin of Contoso is sent."""
    box.world.add_redirect_uri(REDIRECT)
    box.world.revoke_consent()
    values = {"client_id": box.world.app.client_id, "redirect_uri": REDIRECT, "state": "s1", "scope": GRAPH}
    return f"{box.pages_url}/{box.world.contoso.tenant_id}/v2.0/adminconsent?{urlencode(values)}"


def test_an_admin_grants_the_permissions_of_one_service(box, customer, address: str) -> None:
    person = Person()
    person.open(address)
    assert "Send mail as any user" in person.sign_in(box.world.mailbox("admin@contoso.com"))
    person.submit(decision="accept")
    told = {"admin_consent": "True", "tenant": box.world.contoso.tenant_id, "state": "s1", "scope": GRAPH}
    assert person.brought == told
    assert box.world.consent(box.world.app.client_id, box.world.contoso.tenant_id).roles == ["graph/Mail.Send"]
    assert customer.send().status == 202


def test_the_old_address_grants_everything(box, address: str) -> None:
    person = Person()
    person.open(address.replace("/v2.0/adminconsent", "/adminconsent"))
    person.sign_in(box.world.mailbox("admin@contoso.com"))
    person.submit(decision="accept")
    consent = box.world.consent(box.world.app.client_id, box.world.contoso.tenant_id)
    assert consent.roles == ["graph/Mail.Send", "outlook/SMTP.SendAsApp"]


def test_a_cancelled_consent_says_admin_consent_too(box, address: str) -> None:
    person = Person()
    person.open(address)
    person.sign_in(box.world.mailbox("admin@contoso.com"))
    person.submit(decision="cancel")
    assert (person.brought["error"], person.brought["admin_consent"]) == ("access_denied", "True")
    assert box.world.consent(box.world.app.client_id, box.world.contoso.tenant_id).roles == []


def test_nobody_but_an_admin_may_grant(box, address: str) -> None:
    person = Person()
    person.open(address)
    assert "Need admin approval" in person.sign_in(box.world.mailbox("ar@contoso.com"))


def test_it_brings_the_platforms_app_into_an_organisation(box, customer, address: str) -> None:
    person = Person()
    link = address.replace(box.world.app.client_id, box.world.platform_app.client_id)
    person.open(link.replace(box.world.contoso.tenant_id, "organizations"))
    person.sign_in(box.world.mailbox("admin@contoso.com"))
    person.submit(decision="accept")
    assert "access_token" in customer.platform("contoso.com").acquire_token_for_client([GRAPH])


def test_without_a_redirect_it_ends_on_microsofts_page(box, address: str) -> None:
    for app in box.world.apps:
        app.redirect_uris.clear()
    person = Person()
    person.open(address.replace("redirect_uri=", "other="))
    person.sign_in(box.world.mailbox("admin@contoso.com"))
    assert "Consent granted" in person.submit(decision="accept")
