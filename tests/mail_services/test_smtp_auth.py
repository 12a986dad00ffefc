from __future__ import annotations

import base64

import pytest

from mailsetup.core.redact import Secret
from mailsetup.mail_services.base import Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp import Login
from tests.fakes.smtp_server import smtp_server
from tests.mail_services.values import PASSWORD, login, session


def fails(door, smtp, who: Login) -> TransportError:
    with pytest.raises(TransportError) as failed:
        session(door, smtp, who=who).open(Report())
    return failed.value


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_it_signs_in(door, smtp, heard, mechanism):
    session(door, smtp, who=login(mechanism)).open(heard)
    assert heard.evidence["authenticate"] == {"mechanism": mechanism, "username": "user"}


def test_it_writes_xoauth2_as_microsoft_documents_it(door, smtp):
    token = "EwBAAl3BAAUFFpUAo7J3Ve0bjLBWZWCclRC3EoAA"
    smtp.replies["AUTH"] = "235 2.7.0 ok"
    session(door, smtp, who=Login("test@contoso.onmicrosoft.com", Secret(token), ("XOAUTH2",))).open(Report())
    assert smtp.sent("AUTH") == [
        "AUTH XOAUTH2 dXNlcj10ZXN0QGNvbnRvc28ub25taWNyb3NvZnQuY29tAWF1dGg9QmVhcmVyIEV3QkFBbDNCQUFVRkZwVUFvN0ozVmUwYm"
        "pMQldaV0NjbFJDM0VvQUEBAQ=="
    ]


def test_it_answers_a_refused_token_with_an_empty_line(door, smtp):
    failure = fails(door, smtp, login("XOAUTH2", password="other-token"))
    assert smtp.commands[-1] == "after challenge: b'\\r\\n'"
    assert (failure.code, failure.stage, failure.permanent) == ("535 5.7.3", "authenticate", True)


def test_a_long_token_goes_on_its_own_line(door, smtp):
    smtp.replies |= {"AUTH": "334 ", "dXNlcj": "235 ok"}
    session(door, smtp, who=login("XOAUTH2", password="t" * 12_000)).open(Report())
    assert smtp.sent("AUTH") == ["AUTH XOAUTH2"]


def test_a_wrong_password_is_tried_once(door, smtp):
    failure = fails(door, smtp, login(password="wrong-one"))
    assert (failure.code, failure.scope, failure.permanent) == ("535 5.7.8", "backend", True)
    assert len(smtp.sent("AUTH")) == 1


def test_it_tries_the_next_mechanism_when_one_is_not_understood(door, smtp):
    smtp.replies["AUTH PLAIN"] = "504 5.5.4 not here"
    session(door, smtp, who=login()).open(Report())
    assert smtp.sent("AUTH")[-1] == "AUTH LOGIN"


def test_it_says_when_no_sign_in_is_offered(door, smtp):
    smtp.features = ("8BITMIME",)
    assert fails(door, smtp, login()).code == "login_not_offered"


def test_it_understands_the_old_spelling(door, smtp):
    smtp.features = ("AUTH=LOGIN PLAIN",)
    session(door, smtp, who=login()).open(Report())


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_no_echo_of_the_secret_is_kept(door, smtp, mechanism):
    def echo(talk):
        heard = talk.server.commands[-1].split()[-1]
        plain = f"{PASSWORD} {base64.b64encode(PASSWORD.encode()).decode()}"
        talk.write(f"535 5.7.8 no {heard} {plain}")

    smtp.replies["AUTH"] = echo
    failure = fails(door, smtp, login(mechanism))
    blobs = (f"\0user\0{PASSWORD}", f"user=user\x01auth=Bearer {PASSWORD}\x01\x01", PASSWORD)
    shown = f"{failure} {failure.raw} {failure.context}"
    assert not [blob for blob in blobs if blob in shown or base64.b64encode(blob.encode()).decode() in shown]
    assert "[secret]" in failure.raw


def test_a_temporary_refusal_passes(door, smtp):
    smtp.replies["AUTH"] = "454 4.7.0 later"
    assert fails(door, smtp, login()).permanent is False


def test_it_signs_in_without_tls_only_when_the_caller_says_so(door):
    with smtp_server() as server:
        session(door, server, tls="none", who=login()).open(Report())
    assert len(server.sent("AUTH")) == 1
