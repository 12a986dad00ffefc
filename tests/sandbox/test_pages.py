from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from tests.sandbox.customer import a_message
from tests.sandbox.person import Person


@pytest.fixture
def person(box) -> Person:
    reader = Person()
    reader.open(f"{box.pages_url}/")
    return reader


def form_with(person: Person, words: str) -> int:
    """The number of the form that has these words."""
    forms = re.findall(r"<form.*?</form>", person.page, re.DOTALL)
    return next(number for number, form in enumerate(forms) if words in form)


def test_the_world_shows_what_the_wizard_asks_for(box, person) -> None:
    app, mailbox = box.world.app, box.world.mailbox("ar@contoso.com")
    for text in (app.client_id, app.home_tenant, app.secret, mailbox.address, mailbox.password):
        assert text in person.page
    assert "Sandbox: nothing leaves this machine" in person.page


@pytest.mark.parametrize("path", ["/", "/inbox", "/inbox/a@example.org", "/requests", "/switches"])
def test_every_page_renders_when_empty(box, person, path: str) -> None:
    page = person.open(f"{box.pages_url}{path}")
    assert "<h1" in page
    assert "</html>" in page


def test_consent_is_revoked_and_granted_by_button(box, customer, person) -> None:
    person.submit(form_with(person, "Revoke<"))
    assert customer.send().status == 403
    person.submit(form_with(person, "Grant<"))
    assert customer.send().status == 202


def test_an_error_is_switched_on_by_form(box, person) -> None:
    page = person.submit(form_with(person, 'list="faults"'), name="graph:ErrorAccessDenied", times="3")
    assert "for 3 more" in page
    assert box.state.switches.on() == {"graph:ErrorAccessDenied": 3}
    person.submit(form_with(person, "Switch all off"))
    assert box.state.switches.on() == {}


@pytest.mark.parametrize("values", [{"name": "AADSTS1"}, {"name": "AADSTS50011", "times": "x"}])
def test_a_wrong_switch_is_named(box, person, values: dict[str, str]) -> None:
    page = person.submit(form_with(person, 'list="faults"'), **values)
    assert 'role="alert"' in page
    assert box.state.switches.on() == {}


def test_a_mailbox_is_changed_by_button(box, person) -> None:
    person.submit(form_with(person, "Sign-in blocked: no"))
    assert box.world.mailbox("ar@contoso.com").blocked


def test_the_app_is_limited_to_a_mailbox_by_form(box, person) -> None:
    person.submit(form_with(person, 'id="limit"'), address="invoices@contoso.com")
    consent = box.world.consent(box.world.app.client_id, box.world.contoso.tenant_id)
    assert consent.limited_to == ["invoices@contoso.com"]


def test_a_bad_certificate_is_refused(box, person) -> None:
    assert "not a certificate" in person.submit(form_with(person, 'id="pem"'), pem="x")
    assert box.world.app.certificates == []


def test_a_mail_is_shown_with_its_html_apart(box, customer, person) -> None:
    body = {"contentType": "HTML", "content": "<script>alert(1)</script><b>Hi</b>"}
    customer.send(message=a_message(body=body))
    number = box.inbox()[0].number
    page = person.open(f"{box.pages_url}/mail/{number}")
    assert '<iframe title="HTML of the mail" sandbox srcdoc="&lt;script&gt;' in page
    assert "<script>alert" not in page
    assert "Subject: Hello" in person.open(f"{box.pages_url}/mail/{number}/raw")


def test_the_inbox_lists_by_address(box, customer, person) -> None:
    customer.send()
    assert "me@example.org (1)" in person.open(f"{box.pages_url}/inbox")
    assert "No mail yet" in person.open(f"{box.pages_url}/inbox/other@example.org")


def test_requests_are_shown_with_secrets_masked(box, customer, person) -> None:
    token = customer.token()
    customer.send(token=token)
    page = person.open(f"{box.pages_url}/requests")
    assert "/oauth2/v2.0/token" in page
    assert "/v1.0/users/ar@contoso.com/sendMail" in page
    assert box.world.app.secret not in page
    assert token not in page


def test_a_form_of_another_site_changes_nothing(box) -> None:
    answer: Any = requests.post(f"{box.pages_url}/switches/off", headers={"Origin": "https://x.example"}, timeout=10)
    assert answer.status_code == 403


def test_it_does_not_answer_by_another_name(box) -> None:
    answer = requests.get(f"{box.pages_url}/", headers={"Host": "rebound.example"}, timeout=10)
    assert answer.status_code == 403
