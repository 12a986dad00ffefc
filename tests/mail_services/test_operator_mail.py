from __future__ import annotations

from dataclasses import replace

import pytest

from mailsetup.core.errors import SettingsError
from mailsetup.core.redact import Secret
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.operator_mail import OperatorMailer
from tests.fakes.smtp_server import smtp_server
from tests.mail_services.values import PASSWORD, SHORT


def mailer(url: str, door) -> OperatorMailer:
    return OperatorMailer(Secret(url), "alerts@mailsetup.example", door, timeouts=SHORT)


def test_it_sends_with_login_and_says_goodbye(door, smtp, mail):
    url = f"smtp://user:{PASSWORD}@localhost:{smtp.port}?tls=starttls"
    result = mailer(url, door).send(replace(mail, envelope_sender=""))
    assert result.service_id == "ABC123"
    assert smtp.sent("MAIL")[0].startswith("MAIL FROM:<alerts@mailsetup.example>")
    assert smtp.commands[-1] == "QUIT"


def test_it_reads_escaped_passwords(door, authority, mail):
    with smtp_server(authority.server(), implicit=True) as server:
        server.logins = {"me@x.org": "p@ss/word"}
        mailer(f"smtp://me%40x.org:p%40ss%2Fword@localhost:{server.port}?tls=implicit", door).send(mail)
        assert server.mails == [mail.content]


def test_it_needs_no_login(door, mail):
    with smtp_server() as server:
        mailer(f"smtp://localhost:{server.port}?tls=none", door).send(mail)
        assert server.sent("AUTH") == []


def test_a_refusal_is_told_without_the_password(door, smtp, mail):
    smtp.replies["AUTH"] = f"535 5.7.8 not {PASSWORD}"
    with pytest.raises(TransportError) as failed:
        mailer(f"smtp://user:{PASSWORD}@localhost:{smtp.port}", door).send(mail)
    assert (failed.value.stage, PASSWORD in failed.value.raw) == ("authenticate", False)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:hush@host",
        "smtp://",
        "smtp://user:hush@host?tls=maybe",
        "smtp://user:hush@host:99999",
        "host:587",
        "",
    ],
)
def test_it_refuses_a_wrong_address_without_showing_it(url, door):
    with pytest.raises(SettingsError) as refused:
        mailer(url, door)
    assert "hush" not in str(refused.value)
