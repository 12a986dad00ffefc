"""Every page of the wizard, for every kind."""

import pytest

from mailsetup.mail_services import registry
from tests import factories

KINDS = [service.kind for service in registry.all_kinds()]


@pytest.mark.parametrize("kind", KINDS)
def test_it_shows_every_step_of_every_kind(alice, begin, kind):
    draft = begin(kind)
    for step in ("kind", "credential", "sender", "test"):
        answer = alice.client.get(f"/setup/{draft.id}/{step}")
        assert answer.status_code == 200
        assert 'aria-current="step"' in answer.text
    # Nothing is answered yet, so there is nothing to save.
    assert alice.client.get(f"/setup/{draft.id}/save").status_code == 302


@pytest.mark.parametrize("kind", KINDS)
def test_it_shows_fixed_fields_filled_and_explained(alice, begin, kind):
    page = alice.client.get(f"/setup/{begin(kind).id}/sender").text
    for label in ("Host", "Port", "TLS", "Username", "From email address", "Backend failure alerts email address"):
        assert label in page


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "smtp_basic"])
def test_it_writes_out_the_steps_at_microsoft_with_values_to_copy(alice, begin, kind):
    page = alice.client.get(f"/setup/{begin(kind).id}/credential").text
    assert 'data-copy="http://localhost/setup/microsoft/callback"' in page
    assert "Copy text" in page
    assert 'data-copy="Mail.Send"' in page or 'data-copy="SMTP.SendAsApp"' in page


def test_it_offers_both_ways_to_sign_in_by_smtp(alice, begin):
    draft = begin("smtp_xoauth2")
    app_only = alice.client.get(f"/setup/{draft.id}/credential").text
    signing_in = alice.client.get(f"/setup/{draft.id}/credential?type=microsoft_grant").text
    assert "SMTP.SendAsApp" in app_only
    assert "Sign in with Microsoft" in signing_in
    assert "SMTP.SendAsApp" not in signing_in


@pytest.mark.parametrize(
    ("address", "kind", "said"),
    [
        ("ar@gmail.com", "smtp_basic", "smtp.gmail.com"),
        ("ar@contoso.onmicrosoft.com", "graph_client_credentials", "Microsoft 365"),
        ("ar@contoso.example", "graph_client_credentials", "check how it is spelled"),
        ("ar@outlook.com", "smtp_basic", "personal Microsoft accounts"),
    ],
)
def test_it_suggests_a_kind_for_an_address_and_says_why(alice, address, kind, said):
    page = alice.client.post("/setup/new", data={"address": address, "action": "suggest"}).text
    assert said in page
    assert f'value="{kind}" required checked' in page


def test_it_fills_in_what_follows_from_the_address(alice, begin):
    page = alice.client.get(f"/setup/{begin('smtp_basic', address='ar@gmail.com').id}/sender").text
    assert 'value="smtp.gmail.com"' in page
    assert 'value="ar@gmail.com"' in page


@pytest.mark.parametrize("form", [{}, {"kind": "no_such_kind"}, {"kind": "smtp_basic", "address": "nobody"}])
def test_it_asks_again_when_there_is_no_usable_answer(alice, form):
    assert alice.client.post("/setup/new", data=form).status_code == 422


def test_it_lists_credentials_that_fit_with_what_uses_them(alice, begin, session, credential):
    factories.make_config(session, alice.workspace, name="Invoices", credential=credential)
    page = alice.client.get(f"/setup/{begin().id}/credential").text
    assert "Mail login" in page
    assert "used by Invoices" in page
    assert "Mail login" not in alice.client.get(f"/setup/{begin('graph_delegated').id}/credential").text


def test_it_sends_a_test_alert_to_the_address_on_screen(alice, ready, sender, session):
    from mailsetup.alerts.models import AlertNotice

    alice.client.post(f"/setup/{ready.id}/sender", data={**sender, "action": "test_alert"})
    assert [notice.target for notice in session.query(AlertNotice)] == ["it@northwind.example"]


def test_it_wants_an_address_for_the_test_mail(alice, ready):
    answer = alice.client.post(f"/setup/{ready.id}/test", data={"recipient": "me"})
    assert answer.status_code == 422
    assert 'id="f-recipient-error"' in answer.text
