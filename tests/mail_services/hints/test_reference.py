"""Every code of Microsoft's and the providers' answers leads to its cause, to who acts, and to something to do.

The tables were made from the reference on Microsoft 365 (sections 5, 6, 7 and 10) by hand: what is expected in them
was not taken from the catalogue.
"""

from __future__ import annotations

from collections import Counter

import pytest

from mailsetup.mail_services.explainer import explain_answer
from tests.mail_services.hints.cases import CONTEXT, label, table

REFERENCE = table("reference")
NETWORK = table("network")
ODD = table("odd_answers") + table("seen")


def explained(case):
    return explain_answer(
        case["raw"], channel=case["channel"], http_status=case.get("http_status"), context=case.get("context")
    )


@pytest.mark.parametrize("case", [*REFERENCE, *NETWORK, *ODD], ids=label)
def test_it_knows_the_answer(case):
    found = explained(case)
    assert (found.cause, found.who_acts, found.permanent) == (case["cause"], case["who_acts"], case["permanent"])
    assert found.steps
    assert all(found.steps)


def test_it_mostly_needs_no_channel():
    """Words decide more than the place they were seen in; a bare status or "timed out" cannot be told apart."""
    cases = [case for case in (*REFERENCE, *NETWORK, *ODD) if case["raw"]]
    lost = [case for case in cases if explained({**case, "channel": ""}).cause != case["cause"]]
    assert len(lost) <= 0.03 * len(cases), [label(case) for case in lost]


def test_the_tables_are_as_large_as_promised():
    codes = Counter(case["section"].partition(".")[0] for case in REFERENCE)
    assert codes["6"] >= 150
    assert codes["5"] >= 60
    assert codes["7"] >= 55
    assert codes["10"] >= 60
    assert len({case["raw"] for case in ODD}) >= 150


@pytest.mark.parametrize("case", [case for case in REFERENCE if case["section"] == "6"], ids=label)
def test_it_knows_numbers_however_they_reach_us(case):
    number = case["code"]
    for raw in (
        f"AADSTS{number}: x",
        f"aadsts {number}",
        f'{{"error_codes":[{number}]}}',
        f"?error_description=AADSTS{number}%3a",
    ):
        assert explain_answer(raw, channel="entra_authorize_redirect").cause == explained({**case, "raw": raw}).cause
        assert explain_answer(raw).confidence != "low"


def test_it_fills_in_the_values_of_the_setup():
    raw = "535 5.7.139 SmtpClientAuthentication is disabled for the Mailbox"
    steps = " ".join(explain_answer(raw, channel="smtp_reply", context=CONTEXT).steps)
    assert "Set-CASMailbox -Identity noreply@contoso.com -SmtpClientAuthenticationDisabled $false" in steps


@pytest.mark.parametrize("value", ["x; Remove-Mailbox *", "a b", "$(calc)", "", None, 7])
def test_a_command_holds_nothing_but_plain_values(value):
    raw = "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant"
    steps = " ".join(explain_answer(raw, channel="smtp_reply", context={"mailbox": value}).steps)
    assert "-Identity 7 " in steps if value == 7 else "-Identity ADDRESS-OF-THE-MAILBOX " in steps


@pytest.mark.parametrize("value", ["x/../y", 'a"b', "a b", "https://evil.example"])
def test_a_link_holds_nothing_but_an_id(value):
    found = explain_answer("AADSTS7000229", channel="entra_token", context={"client_id": value, "tenant_id": value})
    assert not any(value in word for step in found.steps for word in step.split() if word.startswith("https://"))
    assert "ApplicationsListBlade" in " ".join(found.steps)


def test_it_names_the_provider_by_its_server():
    found = explain_answer("535 5.7.8 Authentication failed", channel="smtp_reply", context={"host": "smtp.gmail.com"})
    assert found.title == "Gmail refused the sign-in"
    other = explain_answer("535 5.7.8 no", channel="smtp_reply", context={"host": "smtp.gmail.com.evil.example"})
    assert other.cause == "password_wrong"


@pytest.mark.parametrize("kind", ["graph_delegated", "nothing", "smtp_basic"])
def test_who_acts_depends_on_whose_app_it_is(kind):
    found = explain_answer("AADSTS7000222: expired", channel="entra_token", context={"kind": kind})
    assert found.who_acts == ("operator" if kind == "graph_delegated" else "microsoft_admin")
    own = explain_answer("AADSTS7000222: expired", channel="entra_token", context={"kind": kind, "app": "own"})
    assert own.who_acts == "microsoft_admin"
