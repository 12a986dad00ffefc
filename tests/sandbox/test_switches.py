from __future__ import annotations

import smtplib

import pytest

from mailsetup.core.errors import InvalidInput
from mailsetup.sandbox.faults import Aadsts, GraphFault, SmtpFault
from mailsetup.sandbox.switches import FAMILIES, FAULTS
from tests.sandbox.customer import GRAPH, a_mail, error

ENTRA = [fault for fault in FAULTS.values() if isinstance(fault, Aadsts)]
GRAPH_FAULTS = [fault for fault in FAULTS.values() if isinstance(fault, GraphFault) and fault.body is None]
SMTP_FAULTS = [fault for fault in FAULTS.values() if isinstance(fault, SmtpFault)]


def test_every_switch_has_a_name_of_its_own() -> None:
    assert len(FAULTS) == sum(len(family) for family in FAMILIES.values())


def test_it_answers_every_switched_error_of_the_token_endpoint(box, customer) -> None:
    form = {"client_id": box.world.app.client_id, "client_secret": box.world.app.secret, "scope": GRAPH}
    grants = {"": "client_credentials", "client": "client_credentials", "code": "authorization_code"}
    for fault in ENTRA:
        seen = [place.partition(":")[2] for place in fault.places.split() if place.startswith("token")]
        for grant in seen[:1]:
            box.switch(fault.name, times=1)
            answer = customer.post_token(grant_type=grants.get(grant, "refresh_token"), **form)
            problem = answer.json()
            assert (answer.status_code, problem["error_codes"]) == (fault.status, [fault.number])
            assert (problem["error"], problem.get("suberror", "")) == (fault.error, fault.suberror)
            assert problem["error_description"].startswith(f"{fault.name}: ")
            assert ("claims" in problem) is fault.claims
    assert box.state.switches.on().keys() <= {fault.name for fault in ENTRA if "token" not in fault.places}


def test_it_answers_every_switched_error_of_graph(box, customer) -> None:
    token = customer.token()
    for fault in GRAPH_FAULTS:
        box.switch(fault.name, times=1)
        answer = customer.send(token=token)
        assert (answer.status, error(answer)) == (fault.status, fault.code)
        assert fault.headers.items() <= dict(answer.headers).items()
    assert customer.send(token=token).status == 202


def test_it_answers_with_a_gateways_page(box, customer) -> None:
    box.switch("graph:502-html")
    answer = customer.send()
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")


def test_it_accepts_and_does_not_say_so(box, customer) -> None:
    box.switch("graph:504-accepted")
    assert customer.send().status == 504
    assert len(box.inbox("me@example.org")) == 1


def one_mail(customer, fault: SmtpFault) -> None:
    account = customer.box.world.service_account
    if fault.family == "smtp":
        if "auth:basic" in fault.places:
            with customer.outlook() as talk:
                talk.login("ar@contoso.com", "x")
        with customer.signed_in_outlook() as talk:
            talk.send_message(a_mail())
    elif fault.family == "operator":
        with customer.smtp("operator_smtp") as talk:
            talk.send_message(a_mail())
    else:
        with customer.starttls() as talk:
            talk.login(account.address, account.password)
            talk.send_message(a_mail())


@pytest.mark.parametrize("fault", SMTP_FAULTS, ids=lambda fault: fault.name)
def test_it_gives_every_switched_reply_of_smtp(shared, fault: SmtpFault) -> None:
    box, customer = shared
    box.switch(fault.name)
    with pytest.raises(smtplib.SMTPException) as caught:
        one_mail(customer, fault)
    box.switch(fault.name, on=False)
    refused = getattr(caught.value, "recipients", {}).get("me@example.org")
    code = refused[0] if refused else getattr(caught.value, "smtp_code", None)
    assert code == (int(fault.reply[:3]) if fault.reply and fault.places != "ehlo" else None)


def test_a_dropped_connection_after_the_data_may_have_left_the_mail(box, customer) -> None:
    box.switch("smtp:drop-after-data")
    with customer.signed_in_outlook() as talk, pytest.raises(smtplib.SMTPServerDisconnected):
        talk.send_message(a_mail())
    assert len(box.inbox("me@example.org")) == 1


def test_it_refuses_unknown_names_and_numbers(box) -> None:
    with pytest.raises(InvalidInput):
        box.switch("AADSTS1")
    with pytest.raises(InvalidInput):
        box.switch("AADSTS7000222", times=0)


def test_an_error_ends_after_its_calls(box, customer) -> None:
    box.switch("AADSTS7000222", times=2)
    assert [customer.ask().get("error_codes") for _ in range(3)] == [[7000222], [7000222], None]


def test_an_error_is_on_until_it_is_switched_off(box, customer) -> None:
    box.switch("AADSTS90002")
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        customer.app()
    box.switch("AADSTS90002", on=False)
    assert "access_token" in customer.ask()
