from __future__ import annotations

import base64
import json
import threading
import time
from dataclasses import replace
from email import message_from_bytes
from email.utils import formatdate

import pytest

from mailsetup.mail_services import hints
from mailsetup.mail_services.base import FreshTokens, Mail, Report, TokenCache
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.graph_recipients import addressed
from mailsetup.mail_services.kinds.graph_client_credentials import GraphClientCredentials
from tests.fakes.http_server import Answer
from tests.fakes.microsoft_server import TENANT, graph_error, jwt
from tests.mail_services.values import Heard, app_credential

SETTINGS = {"username": "ar@contoso.com", "from_address": "ar@contoso.com", "from_name": ""}


@pytest.fixture
def service(platform):
    made = GraphClientCredentials(SETTINGS, credential=app_credential(), platform=platform, tokens=FreshTokens())
    yield made
    made.close()


def failure_of(service, mail, report: Report | None = None) -> TransportError:
    with pytest.raises(TransportError) as failed:
        service.deliver(mail, report or Report())
    return failed.value


def test_it_posts_the_mail_as_mime(service, microsoft, mail, heard):
    result = service.deliver(mail, heard)
    asked = microsoft.mails[0]
    assert asked.path == "/v1.0/users/ar@contoso.com/sendMail"
    assert base64.b64decode(asked.body) == mail.content
    assert asked.headers["Content-Type"] == "text/plain"
    assert asked.headers["Authorization"].startswith("Bearer eyJ")
    assert result.service_id == "req-1"
    assert heard.names == list(service.stages)


def test_it_checks_what_the_token_allows_and_sends_nothing(service, microsoft, mail, heard):
    service.check(mail, heard)
    assert heard.names == [*service.stages[:-2]]
    assert heard.evidence["authenticate"]["may_send"] is True
    assert microsoft.mails == []


def test_it_notices_a_token_that_allows_nothing(service, microsoft, mail, heard):
    access = jwt(aud="https://graph.microsoft.com", tid=TENANT)
    microsoft.token_answers.append(Answer.json({"token_type": "Bearer", "expires_in": 3600, "access_token": access}))
    with pytest.raises(TransportError) as failed:
        service.check(mail, heard)
    assert (failed.value.stage, hints.explain(failed.value).cause) == ("authenticate", "permission_missing")


def test_it_keeps_one_connection_and_gives_each_call_an_id(service, microsoft, mail):
    for _ in range(3):
        service.deliver(mail, Report())
    assert len({asked.headers["client-request-id"] for asked in microsoft.mails}) == 3
    assert microsoft.issued == 1
    assert microsoft.server.connections == 2  # one for the token, one for mail


def test_hidden_recipients_get_a_bcc_header(mail):
    many = replace(mail, recipients=("ME@example.org", "b@x.org", "c@x.org"))
    assert message_from_bytes(addressed(many))["Bcc"] == "b@x.org,\r\n c@x.org"
    assert addressed(mail) is mail.content


def test_it_goes_to_nobody_whom_only_its_headers_name(mail):
    to = b"To: =?utf-8?q?Zo=C3=AB?= <a@x.org>,\r\n Bob <b@x.org>\r\nSubject: x\r\nCC: c@x.org\r\n\r\nTo: b@x.org\r\n"
    some = replace(mail, content=to, recipients=("a@x.org", "d@x.org"))
    assert addressed(some) == (
        b"Bcc: d@x.org\r\nTo: =?utf-8?q?Zo=C3=AB?= <a@x.org>\r\nSubject: x\r\n\r\nTo: b@x.org\r\n"
    )
    assert addressed(replace(mail, content=to, recipients=("B@x.org",))).startswith(b"To: Bob <b@x.org>\r\nSubject")


@pytest.mark.parametrize("address", ["a@x.org\r\nSubject: evil", "a b@x.org", "a@x.org,b@x.org", "<a@x.org>"])
def test_no_address_becomes_a_header(service, microsoft, mail, address):
    failure = failure_of(service, replace(mail, recipients=(address,)))
    assert (failure.code, failure.scope) == ("address_malformed", "message")
    assert microsoft.mails == []


def test_it_checks_the_size_before_it_sends(service, microsoft, mail):
    failure = failure_of(service, replace(mail, content=b"x" * 3_200_000))
    assert (failure.code, failure.scope, failure.permanent) == ("too_large", "message", True)
    assert "about 3 MB" in hints.explain(failure).explanation
    assert microsoft.mails == []


@pytest.mark.parametrize(
    ("answer", "stage", "scope", "permanent", "cause"),
    [
        (graph_error(403, "ErrorSendAsDenied"), "sender", "backend", True, "own_address_denied"),
        (graph_error(403, "ErrorAccessDenied"), "sender", "backend", True, "graph_access_denied"),
        (graph_error(404, "MailboxNotEnabledForRESTAPI"), "sender", "backend", True, "mailbox_missing"),
        (graph_error(404, "ErrorInvalidUser"), "sender", "backend", True, "mailbox_unknown"),
        (graph_error(400, "ErrorInvalidRecipients"), "recipient", "message", True, "recipient_invalid"),
        (graph_error(413, "RequestBodyTooLarge"), "accept", "message", True, "message_too_large"),
        (graph_error(429, "ApplicationThrottled"), "authenticate", "backend", False, "throttled"),
        (graph_error(503, "serviceNotAvailable"), "authenticate", "backend", False, "graph_unavailable"),
        (
            graph_error(400, "BadRequest", inner="ErrorMimeContentInvalid"),
            "accept",
            "message",
            True,
            "message_malformed",
        ),
        (graph_error(403, "Forbidden", inner="ErrorAccountSuspend"), "sender", "backend", True, "mailbox_blocked"),
    ],
)
def test_each_no_is_told_at_its_stage(service, microsoft, mail, answer, stage, scope, permanent, cause):
    microsoft.mail_answers = [answer]
    heard = Heard()
    failure = failure_of(service, mail, heard)
    assert heard.last == (stage, "failed")
    assert (failure.stage, failure.scope, failure.permanent) == (stage, scope, permanent)
    assert hints.explain(failure).cause == cause


@pytest.mark.parametrize(
    ("answer", "ambiguous"),
    [
        (Answer(502, b"<html>"), True),
        (Answer(504), True),
        (Answer(200, b"<html>signed in?</html>"), True),
        (Answer(hang_up=True), True),
        (Answer(503), False),
        (Answer(302, headers={"Location": "https://evil.example/"}), False),
        (Answer(400, b'{"error": "odd"}'), False),
        (Answer(403, b'{"error":{"code":"ErrorAcc', cut=100), False),
        (Answer(500, b"[" * 5000), True),
        (Answer(429, b"x" * 200_000), False),
    ],
)
def test_odd_answers_are_decided_by_status_and_never_count_as_sent(service, microsoft, mail, answer, ambiguous):
    microsoft.mail_answers = [answer]
    failure = failure_of(service, mail)
    assert failure.ambiguous is ambiguous
    assert len(failure.raw) <= 2000
    service.deliver(mail, Report())
    assert len(microsoft.mails) == 2


@pytest.mark.parametrize("status", [200, 403])
def test_a_page_of_a_proxy_says_nothing_of_the_mailbox(service, microsoft, mail, status):
    microsoft.mail_answers = [Answer(status, b"<html><title>Guest Wi-Fi</title>Accept the terms of use</html>")]
    failure = failure_of(service, mail)
    assert hints.explain(failure).cause == "proxy_page"
    assert (failure.stage, failure.ambiguous) == ("authenticate", False)


def test_silence_after_the_mail_is_ambiguous(service, microsoft, mail, platform):
    release, usual = threading.Event(), microsoft.server.answer
    microsoft.server.answer = lambda asked: (
        Answer(202 if release.wait(10) else 500) if asked.path.endswith("sendMail") else usual(asked)
    )
    service.platform = replace(platform, timeouts=replace(platform.timeouts, command=0.3))
    failure = failure_of(service, mail)
    release.set()
    assert (failure.code, failure.ambiguous, failure.permanent) == ("answer_lost", True, False)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 1.0), ("-5", 1.0), ("315360000", 3600.0), ("soon", 1.0), ("1e9", 1.0), ("", None)],
)
def test_retry_after_is_obeyed_within_reason(service, microsoft, mail, value, seconds):
    microsoft.mail_answers = [graph_error(429, "ApplicationThrottled", **({"Retry-After": value} if value else {}))]
    assert failure_of(service, mail).retry_after == seconds


def test_retry_after_may_be_a_date(service, microsoft, mail):
    microsoft.mail_answers = [graph_error(503, "busy", **{"Retry-After": formatdate(time.time() + 60, usegmt=True)})]
    assert 30 < (failure_of(service, mail).retry_after or 0) <= 61


def test_a_refused_token_is_renewed_once(service, microsoft, mail):
    microsoft.mail_answers = [graph_error(401, "InvalidAuthenticationToken")]
    service.deliver(mail, Report())
    assert (microsoft.issued, len(microsoft.mails)) == (2, 2)
    first, second = (asked.headers["Authorization"] for asked in microsoft.mails)
    assert first != second


def test_a_token_refused_twice_fails(service, microsoft, mail, heard):
    microsoft.mail_answers = [graph_error(401, "InvalidAuthenticationToken")] * 3
    failure = failure_of(service, mail, heard)
    assert heard.last == ("authenticate", "failed")
    assert (failure.permanent, len(microsoft.mails)) == (True, 2)


def test_a_claims_challenge_is_met_once_with_a_token_that_fulfils_it(service, microsoft, mail):
    demand = '{"access_token":{"nbf":{"essential":true,"value":"1795246400"}}}'
    for encoded in (base64.b64encode(demand.encode()), base64.urlsafe_b64encode(demand.encode()).rstrip(b"=")):
        challenge = {"WWW-Authenticate": f'Bearer claims="{encoded.decode()}", error="insufficient_claims"'}
        microsoft.mail_answers = [graph_error(401, "InvalidAuthenticationToken", **challenge)]
        service.deliver(mail, Report())
        asked = json.loads(microsoft.token_requests[-1].form["claims"])["access_token"]
        assert asked["nbf"]["value"] == "1795246400"
        assert asked["xms_cc"]["values"] == ["CP1"]


def test_a_claims_challenge_that_cannot_be_read_is_not_replayed(service, microsoft, mail):
    challenge = {"WWW-Authenticate": 'Bearer error="insufficient_claims", claims="e30="'}
    microsoft.mail_answers = [graph_error(401, "InvalidAuthenticationToken", **challenge)]
    assert failure_of(service, mail).code == "insufficient_claims"
    assert len(microsoft.mails) == 1


def test_the_token_is_cut_out_of_graphs_words(service, microsoft, mail):
    usual = microsoft.server.answer

    def echo(asked):
        return Answer(400, asked.headers["Authorization"].encode()) if asked.path.endswith("Mail") else usual(asked)

    microsoft.server.answer = echo
    failure = failure_of(service, mail)
    assert "eyJ" not in failure.raw
    assert "[secret]" in failure.raw


def test_a_refused_token_request_fails_at_the_token(platform, microsoft, mail, heard):
    microsoft.token_answers = [Answer.json({"error": "invalid_client", "error_codes": [7000222]}, 401)]
    service = GraphClientCredentials(SETTINGS, credential=app_credential(), platform=platform, tokens=FreshTokens())
    failure = failure_of(service, mail, heard)
    assert heard.last == ("token", "failed")
    assert failure.context["from_address"] == "ar@contoso.com"


def test_fresh_tokens_hand_back_the_cache(platform, microsoft, mail):
    tokens = FreshTokens(TokenCache())
    GraphClientCredentials(SETTINGS, credential=app_credential(), platform=platform, tokens=tokens).deliver(
        mail, Report()
    )
    assert tokens.cache.changed


def test_a_lone_line_is_no_header(mail):
    odd = Mail(mail.envelope_sender, ("me@example.org",), b"no headers at all", "<1@x>")
    assert addressed(odd).startswith(b"Bcc: me@example.org\r\n")
