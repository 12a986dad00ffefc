from __future__ import annotations

import base64
import json
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from mailsetup.core.redact import Secret
from mailsetup.mail_services import hints
from mailsetup.mail_services import microsoft as tokens
from mailsetup.mail_services.base import CredentialValue, TokenCache
from mailsetup.mail_services.clouds import CLOUDS, cloud_of
from mailsetup.mail_services.errors import TransportError
from tests.fakes import certificates
from tests.fakes.http_server import Answer
from tests.fakes.microsoft_server import CLIENT, OBJECT, TENANT, refusal
from tests.mail_services.values import app_credential, grant_credential

SCOPE = "https://graph.microsoft.com/.default"
MAIL_SEND = ("https://graph.microsoft.com/Mail.Send",)


def app_failure(platform, credential=None) -> TransportError:
    with pytest.raises(TransportError) as failed:
        tokens.acquire_app_token(platform, credential or app_credential(), SCOPE, TokenCache(), fresh=True)
    return failed.value


def signed_in(platform, microsoft, credential=None) -> tokens.SignIn:
    credential = credential or grant_credential()
    flow = tokens.start_sign_in(platform, credential, MAIL_SEND)
    asked = parse_qs(urlsplit(flow["auth_uri"]).query)
    microsoft.claims["nonce"] = asked["nonce"][0]
    return tokens.finish_sign_in(platform, credential, flow, {"code": "c0de", "state": flow["state"]})


def test_it_gets_an_app_token_with_its_facts(platform, microsoft):
    cache = TokenCache()
    token = tokens.acquire_app_token(platform, app_credential(), SCOPE, cache)
    form = microsoft.token_requests[0].form
    assert (form["grant_type"], form["scope"], form["client_secret"]) == (
        "client_credentials",
        SCOPE,
        "s3cret-value-of-app",
    )
    assert token.evidence["permissions"] == "Mail.Send"
    assert token.value.reveal() not in json.dumps(token.evidence)
    assert cache.changed


def test_it_reuses_a_token_unless_a_fresh_one_is_wanted(platform, microsoft):
    cache = TokenCache()
    for fresh, issued in ((False, 1), (False, 1), (True, 2), (False, 2)):
        tokens.acquire_app_token(platform, app_credential(), SCOPE, cache, fresh=fresh)
        assert microsoft.issued == issued


def test_it_signs_with_a_certificate(platform, microsoft):
    key, certificate = certificates.pair()
    secrets = {"private_key": certificates.key_pem(key).decode()}
    secrets["certificate"] = certificates.pem_of(key, certificate).decode()
    tokens.acquire_app_token(platform, app_credential(**secrets), SCOPE, TokenCache())
    form = microsoft.token_requests[0].form
    header = json.loads(base64.urlsafe_b64decode(form["client_assertion"].split(".")[0] + "=="))
    assert (header["alg"], "client_secret" in form) == ("PS256", False)


def test_an_error_is_told_and_then_asked_again(platform, microsoft):
    microsoft.token_answers = [refusal("invalid_client", 7000215, 401), refusal("unauthorized_client", 700016)]
    first, second = app_failure(platform), app_failure(platform)
    assert (first.code, first.channel, first.stage) == ("invalid_client AADSTS7000215", "entra_token", "token")
    assert (first.http_status, first.permanent, first.context["correlation_id"]) == (401, True, "c")
    assert second.code == "unauthorized_client AADSTS700016"
    assert app_credential_passes(platform)


def app_credential_passes(platform) -> bool:
    return bool(tokens.acquire_app_token(platform, app_credential(), SCOPE, TokenCache(), fresh=True).value)


def test_an_unknown_tenant_is_told_although_msal_hides_it(platform, microsoft):
    microsoft.metadata_answer = refusal("invalid_tenant", 90002)
    failure = app_failure(platform)
    assert (failure.code, failure.permanent) == ("invalid_tenant AADSTS90002", True)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>hello</html>"),
        Answer(200, b""),
        Answer(200, b"[1, 2]"),
        Answer(200, b'{"access_tok'),
        Answer(502, b"<html>bad gateway</html>"),
        Answer(503, b""),
        Answer(500, b"{}"),
    ],
)
def test_no_answer_of_any_kind_escapes_as_another_error(platform, microsoft, answer):
    microsoft.token_answers = [answer]
    failure = app_failure(platform)
    assert (failure.stage, failure.permanent) == ("token", False)
    microsoft.metadata_answer = answer
    assert app_failure(platform).stage == "token"


@pytest.mark.parametrize("status", [200, 403])
def test_a_page_of_a_proxy_is_not_taken_for_microsofts_fault(platform, microsoft, status):
    microsoft.token_answers = [
        Answer(status, b"<html><title>Web Gateway</title>Blocked by your security policy</html>")
    ]
    failure = app_failure(platform)
    assert (hints.explain(failure).cause, failure.stage) == ("proxy_page", "token")


def test_throttling_is_told_with_its_wait(platform, microsoft):
    microsoft.token_answers = [Answer.json({"error": "temporarily_unavailable"}, 429, **{"Retry-After": "17"})]
    failure = app_failure(platform)
    assert (failure.http_status, failure.retry_after, failure.permanent) == (429, 17.0, False)


def test_a_token_of_another_tenant_is_refused(platform, microsoft):
    microsoft.tid = "99999999-0000-0000-0000-000000000000"
    failure = app_failure(platform)
    assert (failure.code, failure.permanent) == ("tenant_mismatch", True)


def test_the_secret_is_cut_out_of_microsofts_words(platform, microsoft):
    echo = {"error": "invalid_client", "error_description": "AADSTS7000215: s3cret-value-of-app is wrong"}
    microsoft.token_answers = [Answer.json(echo, 401)]
    failure = app_failure(platform)
    assert "s3cret" not in f"{failure} {failure.raw} {failure.context}"


def test_network_trouble_is_named(platform, microsoft, authority):
    assert app_failure(replace(platform, login_url="https://localhost:1")).channel == "tcp"
    assert app_failure(replace(platform, login_url="https://no-such-host.invalid")).code == "no_such_name"
    stranger = type(platform.door)(platform.door.allow)
    failure = app_failure(replace(platform, door=stranger))
    assert (failure.channel, failure.code) == ("tls", "unknown_issuer")


def test_a_person_signs_in_with_pkce(platform, microsoft):
    flow = tokens.start_sign_in(platform, grant_credential(), MAIL_SEND, login_hint="ar@contoso.com")
    asked = parse_qs(urlsplit(flow["auth_uri"]).query)
    assert asked["redirect_uri"] == ["https://mail.example.com/setup/microsoft/callback"]
    assert (asked["code_challenge_method"], asked["prompt"]) == (["S256"], ["select_account"])
    assert "offline_access" in asked["scope"][0]
    found = signed_in(platform, microsoft)
    assert found.account["account_oid"] == OBJECT
    assert (found.account["account_tid"], found.account["account_username"]) == (TENANT, "ar@contoso.com")
    assert "refresh-1" in found.cache.blob


def test_the_platforms_app_signs_people_of_any_organisation_in(platform, microsoft):
    ours = replace(platform, client_id=CLIENT, client_secret=Secret("ours"))
    credential = CredentialValue("microsoft_grant", {"app": "platform", "cloud": "global"}, {}, "1")
    found = signed_in(ours, microsoft, credential)
    assert "/organizations/" in microsoft.token_requests[0].path
    connected = CredentialValue("microsoft_grant", {"app": "platform", **found.account}, {}, "1")
    tokens.acquire_user_token(ours, connected, MAIL_SEND, found.cache, fresh=True)
    assert f"/{TENANT}/" in microsoft.token_requests[1].path


@pytest.mark.parametrize(
    "params",
    [{}, {"state": "forged", "code": "c"}, {"code": "c"}, {"state": "", "code": "c"}, {"state": "x", "error": "y"}],
)
def test_a_forged_state_is_refused_before_anything_is_sent(platform, microsoft, params):
    flow = tokens.start_sign_in(platform, grant_credential(), MAIL_SEND)
    with pytest.raises(TransportError) as failed:
        tokens.finish_sign_in(platform, grant_credential(), flow, params)
    assert failed.value.code == "state_mismatch"
    assert microsoft.token_requests == []


def test_a_declined_consent_is_told(platform):
    flow = tokens.start_sign_in(platform, grant_credential(), MAIL_SEND)
    params = {"state": flow["state"], "error": "access_denied", "error_description": "AADSTS65004: User declined"}
    with pytest.raises(TransportError) as failed:
        tokens.finish_sign_in(platform, grant_credential(), flow, params)
    assert (failed.value.channel, failed.value.code) == ("entra_authorize", "access_denied AADSTS65004")


@pytest.mark.parametrize(
    "claims",
    [{"aud": "another-app"}, {"exp": 1}, {"iss": "https://localhost/other/v2.0"}, {"oid": ""}, {"tid": ""}],
)
def test_an_id_token_that_is_not_for_us_is_refused(platform, microsoft, claims):
    microsoft.claims = claims
    with pytest.raises(TransportError):
        signed_in(platform, microsoft)


def test_another_organisation_cannot_be_connected_to_an_own_app(platform, microsoft):
    microsoft.tid = "99999999-0000-0000-0000-000000000000"
    with pytest.raises(TransportError) as failed:
        signed_in(platform, microsoft)
    assert failed.value.code == "tenant_mismatch"


def test_a_refresh_token_is_used_and_rotated(platform, microsoft):
    cache = signed_in(platform, microsoft).cache
    token = tokens.acquire_user_token(platform, grant_credential(), MAIL_SEND, cache, fresh=True)
    assert microsoft.token_requests[-1].form["refresh_token"] == "refresh-1"
    assert "refresh-2" in cache.blob
    assert cache.changed
    again = tokens.acquire_user_token(platform, grant_credential(), MAIL_SEND, TokenCache(cache.blob))
    assert again.value == token.value
    assert microsoft.issued == 2


def test_a_revoked_grant_is_told(platform, microsoft):
    cache = signed_in(platform, microsoft).cache
    microsoft.token_answers = [refusal("invalid_grant", 50173, suberror="bad_token")]
    with pytest.raises(TransportError) as failed:
        tokens.acquire_user_token(platform, grant_credential(), MAIL_SEND, cache, fresh=True)
    assert (failed.value.code, failed.value.context["suberror"]) == ("invalid_grant AADSTS50173", "bad_token")
    assert failed.value.permanent


def test_only_the_connected_account_is_used(platform, microsoft):
    cache = signed_in(platform, microsoft).cache
    other = grant_credential(account_oid="somebody-else")
    for blob in (cache.blob, ""):
        with pytest.raises(TransportError) as failed:
            tokens.acquire_user_token(platform, other, MAIL_SEND, TokenCache(blob))
        assert failed.value.code == "account_missing"


def test_national_clouds_have_their_own_addresses(platform):
    assert cloud_of("usgov", platform).login_url == "https://login.microsoftonline.us"
    assert cloud_of("global", platform).login_url == platform.login_url
    assert CLOUDS["china"].graph_scope == "https://microsoftgraph.chinacloudapi.cn/.default"
    assert cloud_of("", platform).graph_scopes("Mail.Send") == MAIL_SEND


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.!!.c", "x" * 5000])
def test_an_opaque_token_has_no_facts(token):
    assert tokens.token_claims(token) == {}
