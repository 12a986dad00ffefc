from __future__ import annotations

import dataclasses
import re
import string

import pytest

from mailsetup.mail_services import hints
from mailsetup.mail_services.base import STAGES
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints.words import WHO, fillings

CONTEXT = {
    "client_id": "11111111-2222-3333-4444-555555555555",
    "tenant_id": "99999999-2222-3333-4444-555555555555",
    "from_address": "ar@contoso.com",
    "host": "smtp.example.com",
    "port": 587,
    "tls": "starttls",
    "redirect_uri": "https://mail.example.com/setup/microsoft/callback",
}
ENTRA = "entra_token"


def cause(channel: str, code: str, raw: str = "", stage: str = "token", **more) -> str:
    return hints.explain(TransportError(raw, channel=channel, code=code, stage=stage, **more)).cause


@pytest.mark.parametrize("found", hints.CAUSES.values(), ids=lambda found: found.slug)
def test_every_cause_is_complete_and_speaks_plainly(found):
    words = fillings({})
    texts = [found.title, found.explanation, *found.steps]
    for text in texts:
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= words.keys()
        assert not re.search(r"!|\boops\b|something went wrong|payload|endpoint|4xx|\bSSL\b", text, re.IGNORECASE)
    assert found.steps
    assert found.who_acts in WHO
    assert not found.title.endswith(".")
    # A command ends as it is typed.
    assert all(text.endswith(".") or re.search(r" -\w+ \S+$", text) for text in texts[1:])


@pytest.mark.parametrize("found", hints.CAUSES.values(), ids=lambda found: found.slug)
def test_only_what_passes_is_left_to_nobody(found):
    assert not (found.who_acts == "nobody_wait" and found.permanent)


def test_every_rule_leads_to_a_cause_and_every_cause_has_a_rule():
    assert {rule.cause for rule in hints.RULES} == set(hints.CAUSES)
    assert len(hints.CAUSES) >= 40


@pytest.mark.parametrize(
    ("error", "slug"),
    [
        ("invalid_client AADSTS7000215", "client_secret_wrong"),
        ("invalid_client AADSTS7000222", "client_secret_expired"),
        ("unauthorized_client AADSTS700016", "app_not_found"),
        ("invalid_client AADSTS7000229", "app_not_in_tenant"),
        ("invalid_client AADSTS700027", "certificate_not_registered"),
        ("invalid_request AADSTS90002", "tenant_not_found"),
        ("invalid_grant AADSTS65001", "consent_missing"),
        ("interaction_required AADSTS50076", "mfa_needed"),
        ("invalid_grant AADSTS53003", "conditional_access"),
        ("invalid_grant AADSTS50173", "grant_revoked"),
        ("invalid_grant AADSTS700082", "grant_expired"),
        ("invalid_grant AADSTS50057", "account_disabled"),
        ("temporarily_unavailable AADSTS80001", "directory_agent_down"),
        ("temporarily_unavailable AADSTS65001", "microsoft_sign_in_unavailable"),
        ("invalid_grant AADSTS1", "sign_in_needed"),
        ("invalid_client", "client_refused"),
        ("error AADSTS123456", "sign_in_refused"),
    ],
)
def test_it_knows_sign_in_answers(error, slug):
    assert cause(ENTRA, error) == slug
    assert cause("entra_authorize", error) == slug


def test_the_suberror_helps_where_the_number_is_unknown():
    context = {"suberror": "basic_action"}
    assert cause(ENTRA, "invalid_grant AADSTS1", context=context) == "mfa_needed"


@pytest.mark.parametrize(
    ("code", "raw", "stage", "slug"),
    [
        (
            "535 5.7.139",
            "SmtpClientAuthentication is disabled for the Tenant.",
            "",
            "smtp_auth_off_tenant",
        ),
        ("535 5.7.139", "SmtpClientAuthentication is disabled for the Mailbox.", "", "smtp_auth_off_mailbox"),
        ("535 5.7.139", "... locked by your organization's security defaults policy", "", "security_defaults"),
        ("535 5.7.139", "... the user credentials were incorrect", "", "exchange_password_wrong"),
        ("535 5.7.139", "... did not meet the criteria", "", "smtp_policy_blocks"),
        ("550 5.7.30", "Basic authentication is not supported", "", "basic_auth_retired"),
        ("535 5.7.8", "bad", "authenticate", "password_wrong"),
        ("534 5.7.9", "Application-specific password required", "authenticate", "app_password_needed"),
        ("454 4.7.0", "later", "authenticate", "login_temporarily_refused"),
        ("504 5.7.4", "Unrecognized authentication type", "authenticate", "login_not_offered"),
        ("530 5.7.57", "Client was not authenticated", "sender", "login_required"),
        ("530 5.7.0", "Must issue a STARTTLS command first", "sender", "starttls_required"),
        ("451 5.7.3", "STARTTLS is required to send mail", "sender", "starttls_required"),
        ("550 5.7.60", "Client does not have permissions to send as", "sender", "smtp_send_as_denied"),
        ("554 5.2.252", "SendAsDenied; a not allowed to send as b", "accept", "smtp_send_as_denied"),
        ("550 5.2.251", "Sender throttled due to continuous mailbox full errors", "accept", "sender_penalty_full"),
        ("550 5.2.252", "Sender throttled due to continuous send as denied errors", "accept", "sender_penalty"),
        ("554 5.2.2", "mailbox full; QuotaExceededException", "accept", "mailbox_full"),
        ("554 5.2.0", "SubmissionQuotaExceededException", "accept", "sending_limit_reached"),
        ("550 5.1.8", "Access denied, bad outbound sender", "accept", "mailbox_blocked"),
        ("432 4.3.2", "Concurrent connections limit exceeded", "authenticate", "too_many_connections"),
        ("552 5.3.4", "Message size exceeds fixed maximum", "sender", "message_too_large"),
        ("452 4.5.3", "Too many recipients", "recipient", "recipients_in_parts"),
        ("550 5.5.3", "Too many recipients", "recipient", "too_many_recipients"),
        ("450 4.7.1", "Greylisted", "recipient", "greylisted"),
        ("451 4.7.1", "Greylisted", "recipient", "greylisted"),
        ("550 5.1.1", "no", "recipient", "recipient_unknown"),
        ("550", "No such user here", "recipient", "recipient_unknown"),
        ("550 5.7.1", "nope", "recipient", "recipient_refused"),
        ("554 5.7.1", "Relay access denied", "recipient", "relay_denied"),
        ("552 5.2.2", "mailbox full", "recipient", "recipient_mailbox_over_quota"),
        ("421 4.7.66", "TLS 1.0 and 1.1 are not supported", "connect", "our_tls_too_old"),
        ("421 4.3.0", "closing", "connect", "server_busy"),
        ("451 4.3.0", "later", "accept", "server_busy"),
        ("554 5.6.0", "spam", "accept", "content_refused"),
        ("501 5.5.4", "Invalid domain name", "connect", "helo_refused"),
        ("599", "?", "sender", "smtp_refused"),
    ],
)
def test_it_knows_smtp_replies(code, raw, stage, slug):
    assert cause("smtp_reply", code, raw, stage) == slug


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("AADSTS7000222: The provided client secret keys are expired.", "client_secret_expired"),
        ('{"error":"invalid_grant","error_description":"x","error_codes":[50173]}', "grant_revoked"),
        ('{"error":{"code":"Forbidden","innerError":{"code":"ErrorSendAsDenied"}}}', "send_as_denied"),
        ("535 5.7.139 Authentication unsuccessful, the user credentials were incorrect", "exchange_password_wrong"),
        (
            "(550, b'5.7.60 SMTP; Client does not have permissions to send as this sender')",
            "smtp_send_as_denied",
        ),
        ("ErrorAccessDenied", "graph_access_denied"),
        ("certificate verify failed: certificate has expired", "tls_certificate_expired"),
        ("SSL: WRONG_VERSION_NUMBER", "tls_from_start_on_plain_port"),
        ("[Errno 111] Connection refused", "connection_refused"),
        ("Name or service not known", "host_unknown"),
        ("the cat sat on the mat", "unknown"),
        ("", "unknown"),
    ],
)
def test_it_reads_an_error_from_anywhere(text, slug):
    assert hints.explain(hints.read_raw(text)).cause == slug


@pytest.mark.parametrize(
    ("host", "slug"), [("smtp.sendgrid.net", "sendgrid_login"), ("sendgrid.net.evil.org", "password_wrong")]
)
def test_it_knows_providers_by_their_whole_name(host, slug):
    assert cause("smtp_reply", "535", "no", "authenticate", context={"host": host}) == slug


def test_what_it_does_not_know_it_says_honestly():
    found = hints.explain(TransportError("??", channel="new", code="odd"))
    assert (found.cause, found.confidence, found.quote) == ("unknown", "low", "??")


def test_it_fills_in_the_values_of_the_setup():
    error = TransportError("", channel="graph", code="ErrorAccessDenied", http_status=403, stage="sender")
    text = " ".join(hints.explain(error, CONTEXT).steps)
    assert "/CallAnAPI/appId/11111111-2222-3333-4444-555555555555/" in text
    assert "ar@contoso.com" in text
    assert "{" not in text


def test_links_lead_to_the_list_of_apps_when_the_client_id_is_missing():
    error = TransportError("", channel=ENTRA, code="invalid_client AADSTS7000222")
    assert "ApplicationsListBlade" in " ".join(hints.explain(error).steps)


def test_links_of_another_cloud_go_there():
    error = TransportError("", channel=ENTRA, code="invalid_client AADSTS7000229")
    steps = " ".join(hints.explain(error, {**CONTEXT, "cloud": "usgov"}).steps)
    assert "https://login.microsoftonline.us/99999999-" in steps


def test_values_are_never_read_as_templates():
    error = TransportError("", channel="dns", code="no_such_name", context={"host": "{client_id.__class__}"})
    assert "{client_id.__class__}" in hints.explain(error, {"client_id": "x"}).title


def test_judging_and_explaining_agree():
    for rule in hints.RULES:
        code = " ".join(rule.codes[:1]) or (rule.smtp[0] if rule.smtp else "")
        error = TransportError(
            "", channel=(rule.channels or ("x",))[0], code=code, stage=(rule.stages or ("",))[0], scope="backend"
        )
        hints.judged(error)
        found = hints.explain(error)
        assert (error.permanent, error.scope) == (found.permanent, hints.CAUSES[found.cause].scope)


def test_an_explanation_becomes_json():
    found = hints.explain(TransportError("x", channel="tcp", code="refused")).to_dict()
    fields = {field.name for field in dataclasses.fields(hints.Explanation)}
    assert found.keys() == fields | {"who"}
    assert found["who"] == WHO[found["who_acts"]]


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_plain_words(stage):
    assert hints.stage_label(stage, CONTEXT) != stage
    assert "{" not in hints.stage_label(stage)


def test_stage_words_name_the_setup():
    assert hints.stage_label("resolve", CONTEXT) == "Finding smtp.example.com"
    assert hints.stage_label("sender", CONTEXT) == "May send as ar@contoso.com"


@pytest.mark.parametrize(
    ("channel", "code"), [("graph", "ErrorSendAsDenied"), ("smtp_reply", "554 5.2.252"), ("smtp_reply", "550 5.7.60")]
)
def test_it_speaks_of_no_other_mailbox_when_the_from_address_is_the_mailbox_itself(channel, code):
    error = TransportError("SendAsDenied", channel=channel, stage="accept", code=code)
    same = hints.explain(error, {"from_address": "AR@contoso.com", "username": "ar@contoso.com", "signs_in": "app"})
    assert same.cause == "own_address_denied"
    assert "Add-RecipientPermission" not in " ".join(same.steps)
    alias = {"from_address": "a@contoso.com", "username": "ar@contoso.com", "signs_in": "person", "alias": "yes"}
    assert hints.explain(error, {**alias, "main_address": "ar@contoso.com"}).steps[0].startswith("Type ar@contoso.com")
    other = hints.explain(error, {"from_address": "info@contoso.com", "username": "ar@contoso.com", "signs_in": "app"})
    assert other.cause.endswith("send_as_denied")
