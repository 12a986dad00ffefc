from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.customer import REDIRECT, error
from tests.sandbox.person import Person

SCOPES = ["Mail.Send", "User.Read"]

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post' is recommended")


@pytest.fixture(autouse=True)
def _registered(box) -> None:
    box.world.add_redirect_uri(REDIRECT)


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def begin(customer) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """The platform's app and the start of its sign-in."""

    def start(scopes: list[str] = SCOPES, **more: str) -> tuple[Any, dict[str, Any]]:
        app = customer.platform()
        return app, app.initiate_auth_code_flow(scopes, REDIRECT, **more)

    return start


def connect(box: Any, person: Person, begin: Any, address: str = "ar@contoso.com", scopes: list[str] = SCOPES) -> Any:
    """A person who signs in and accepts; the app with its cache and the answer it got."""
    app, flow = begin(scopes)
    person.open(flow["auth_uri"])
    person.sign_in(box.world.mailbox(address))
    if "Permissions requested" in person.page:
        person.submit(decision="accept")
    return app, app.acquire_token_by_auth_code_flow(flow, person.brought)


def test_it_connects_a_person_by_code_and_pkce(box, customer, person, begin) -> None:
    _, answer = connect(box, person, begin)
    mailbox = box.world.mailbox("ar@contoso.com")
    claims = answer["id_token_claims"]
    assert (claims["tid"], claims["oid"]) == (mailbox.tenant_id, mailbox.object_id)
    assert claims["preferred_username"] == "ar@contoso.com"
    assert claims["iss"] == f"{box.login_url}/{mailbox.tenant_id}/v2.0"
    assert customer.send("me", token=answer["access_token"]).status == 202
    assert [mail.signed_in for mail in box.inbox("me@example.org")] == ["ar@contoso.com"]


def test_it_names_the_account_as_msal_wants(box, person, begin) -> None:
    app, _ = connect(box, person, begin)
    mailbox = box.world.mailbox("ar@contoso.com")
    assert [each["home_account_id"] for each in app.get_accounts()] == [f"{mailbox.object_id}.{mailbox.tenant_id}"]
    assert app.acquire_token_silent(SCOPES, app.get_accounts()[0])


def test_it_tells_who_the_person_is(box, customer, person, begin) -> None:
    _, answer = connect(box, person, begin)
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    profile = customer.http.get(f"{box.graph_url}/v1.0/me", headers=headers).json()
    assert (profile["mail"], profile["id"]) == ("ar@contoso.com", box.world.mailbox("ar@contoso.com").object_id)


def test_it_gives_a_new_refresh_token_at_each_use(box, person, begin) -> None:
    app, first = connect(box, person, begin)
    second = app.acquire_token_by_refresh_token(first["refresh_token"], SCOPES)
    assert second["refresh_token"] != first["refresh_token"]
    assert "access_token" in app.acquire_token_by_refresh_token(second["refresh_token"], SCOPES)


def test_it_gives_a_token_for_smtp_from_the_same_sign_in(box, customer, person, begin) -> None:
    app, _ = connect(box, person, begin, scopes=["https://outlook.office.com/SMTP.Send"])
    token = app.acquire_token_silent(["https://outlook.office.com/SMTP.Send"], app.get_accounts()[0])["access_token"]
    with customer.signed_in_outlook(token=token) as talk:
        assert talk.mail("ar@contoso.com")[0] == 250


def test_it_asks_for_a_second_factor(box, person, begin) -> None:
    app, flow = begin()
    person.open(flow["auth_uri"])
    assert "Enter code" in person.sign_in(box.world.mailbox("mfa@contoso.com"))
    assert "AADSTS500121" in person.submit(otc="000")
    person.submit(otc=re.findall(r'id="hint">(\d+)<', person.page)[0])
    person.submit(decision="accept")
    assert "access_token" in app.acquire_token_by_auth_code_flow(flow, person.brought)


def test_a_second_factor_is_not_skipped_by_address(box, person, begin) -> None:
    person.open(begin()[1]["auth_uri"])
    person.sign_in(box.world.mailbox("mfa@contoso.com"))
    assert "Sign in" in person.open(person.at.replace("/code", "/consent"))


def test_it_asks_for_consent_once(box, person, begin) -> None:
    connect(box, person, begin)
    person.open(begin()[1]["auth_uri"])
    assert "code" in person.brought


def test_it_asks_again_when_the_app_wants_it(box, person, begin) -> None:
    connect(box, person, begin)
    assert "Permissions requested" in person.open(begin(prompt="consent")[1]["auth_uri"])


def test_it_offers_the_accounts_of_this_browser(box, person, begin) -> None:
    connect(box, person, begin)
    page = person.open(begin(prompt="select_account")[1]["auth_uri"])
    assert "Pick an account" in page
    person.submit(account=box.world.mailbox("ar@contoso.com").object_id)
    assert "code" in person.brought


def test_it_fills_in_the_hinted_address(person, begin) -> None:
    assert 'value="ar@contoso.com"' in person.open(begin(login_hint="ar@contoso.com")[1]["auth_uri"])


def test_it_tells_a_silent_request_that_nobody_is_signed_in(person, begin) -> None:
    person.open(begin(prompt="none")[1]["auth_uri"])
    assert person.brought["error"] == "login_required"
    assert person.brought["error_description"].startswith("AADSTS50058")


def test_it_tells_the_app_when_the_person_cancels(box, person, begin) -> None:
    app, flow = begin()
    person.open(flow["auth_uri"])
    person.sign_in(box.world.mailbox("ar@contoso.com"))
    person.submit(decision="cancel")
    answer = app.acquire_token_by_auth_code_flow(flow, person.brought)
    assert (answer["error"], answer["error_description"][:11]) == ("access_denied", "AADSTS65004")


def test_it_posts_the_answer_when_asked_to(box, person, begin) -> None:
    app, flow = begin(response_mode="form_post")
    person.open(flow["auth_uri"])
    person.sign_in(box.world.mailbox("ar@contoso.com"))
    page = person.submit(decision="accept")
    posted = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page))
    assert f'action="{REDIRECT}"' in page
    assert "access_token" in app.acquire_token_by_auth_code_flow(flow, posted)


@pytest.mark.parametrize(
    ("address", "password", "words"),
    [
        ("nobody@contoso.com", "x", "AADSTS50034"),
        ("ar@contoso.com", "wrong", "AADSTS50126"),
        ("blocked@contoso.com", None, "AADSTS50057"),
        ("invoices@contoso.com", None, "AADSTS50057"),
    ],
)
def test_it_says_why_a_sign_in_fails(box, person, begin, address: str, password: str | None, words: str) -> None:
    person.open(begin()[1]["auth_uri"])
    assert words in person.submit(address=address, password=password or box.world.mailbox(address).password)


def test_it_shows_people_of_other_organisations_the_door(box, customer, person) -> None:
    flow = customer.app().initiate_auth_code_flow(SCOPES, REDIRECT)
    person.open(flow["auth_uri"])
    assert "AADSTS50020" in person.sign_in(box.world.mailbox("office@fabrikam.com"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("redirect_uri=http%3A%2F%2Flocalhost%3A8000%2Fsetup", "redirect_uri=http%3A%2F%2Flocalhost%2FSetup"),
         "AADSTS50011"),
        (("client_id=", "client_id=0"), "AADSTS700016"),
        (("redirect_uri=", "other="), "AADSTS900971"),
        (("/organizations/", "/nowhere.example/"), "AADSTS90002"),
    ],
)  # fmt: skip
def test_it_keeps_wrong_requests_on_microsofts_page(person, begin, change: tuple[str, str], words: str) -> None:
    assert words in person.open(begin()[1]["auth_uri"].replace(*change))


def test_it_refuses_a_single_tenant_app_for_everybody(customer, box, person) -> None:
    flow = customer.app().initiate_auth_code_flow(SCOPES, REDIRECT)
    address = flow["auth_uri"].replace(box.world.contoso.tenant_id, "organizations")
    assert "AADSTS50194" in person.open(address)


def test_the_port_of_a_localhost_redirect_does_not_matter(person, begin) -> None:
    assert "Email address" in person.open(begin()[1]["auth_uri"].replace("localhost%3A8000", "localhost%3A8123"))


def test_it_knows_no_delegated_send_as_app(person, begin) -> None:
    person.open(begin(["https://outlook.office.com/SMTP.SendAsApp"])[1]["auth_uri"])
    assert person.brought["error"] == "invalid_scope"


def test_a_code_works_once(box, person, begin) -> None:
    app, flow = begin()
    person.open(flow["auth_uri"])
    person.sign_in(box.world.mailbox("ar@contoso.com"))
    person.submit(decision="accept")
    assert "access_token" in app.acquire_token_by_auth_code_flow(flow, person.brought)
    again = app.acquire_token_by_auth_code_flow(flow, person.brought)
    assert again["error_codes"] == [54005]


def test_a_code_needs_its_verifier(box, person, begin) -> None:
    app, flow = begin()
    person.open(flow["auth_uri"])
    person.sign_in(box.world.mailbox("ar@contoso.com"))
    person.submit(decision="accept")
    answer = app.acquire_token_by_auth_code_flow({**flow, "code_verifier": "x" * 43}, person.brought)
    assert answer["error_codes"] == [501481]


@pytest.mark.parametrize(
    ("act", "number"),
    [
        (lambda world: world.revoke_sessions("ar@contoso.com"), 50173),
        (lambda world: world.change_mailbox("ar@contoso.com", blocked=True), 50057),
        (lambda world: world.revoke_consent(world.platform_app.client_id), 65001),
    ],
)
def test_a_refresh_fails_for_its_reason(box, customer, person, begin, act: Any, number: int) -> None:
    app, answer = connect(box, person, begin)
    act(box.world)
    refused = app.acquire_token_by_refresh_token(answer["refresh_token"], SCOPES)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [number])
    assert customer.send("me", token=answer["access_token"]).status in {401, 403}


def test_it_keeps_a_person_to_their_own_mailbox(box, customer, person, begin) -> None:
    _, answer = connect(box, person, begin)
    token = answer["access_token"]
    assert error(customer.send("users/admin@contoso.com", token=token)) == "ErrorAccessDenied"
    assert error(customer.send("users/invoices@contoso.com", token=token)) == "ErrorAccessDenied"


def test_a_person_sends_from_a_shared_mailbox_with_that_scope(box, customer, person, begin) -> None:
    _, answer = connect(box, person, begin, scopes=[*SCOPES, "Mail.Send.Shared"])
    assert customer.send("users/invoices@contoso.com", token=answer["access_token"]).status == 202


def test_it_needs_an_admin_where_people_may_not_consent(box, person, begin) -> None:
    box.world.change_organisation("contoso.com", user_consent=False)
    person.open(begin()[1]["auth_uri"])
    assert "Need admin approval" in person.sign_in(box.world.mailbox("ar@contoso.com"))
    person.submit()
    assert "AADSTS90094" in person.brought["error_description"]


def test_it_sends_a_switched_error_back_to_the_app(box, person, begin) -> None:
    box.switch("AADSTS53003")
    person.open(begin()[1]["auth_uri"])
    person.sign_in(box.world.mailbox("ar@contoso.com"))
    assert person.brought["error_description"].startswith("AADSTS53003")


def test_it_shows_a_switched_error_on_its_page(box, person, begin) -> None:
    box.switch("AADSTS50105")
    assert "AADSTS50105" in person.open(begin()[1]["auth_uri"])
