from __future__ import annotations

from dataclasses import replace

import pytest

from mailsetup.mail_services.base import Mail, Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp import ehlo_name
from mailsetup.mail_services.smtp_wire import dotted
from tests.fakes.smtp_server import HANG_UP, smtp_server
from tests.mail_services.values import SHORT, Heard, login, session
from tests.processes import until


def test_it_sends_a_mail_stage_by_stage(door, smtp, mail, heard):
    talk = session(door, smtp, who=login())
    talk.open(heard)
    result = talk.deliver(mail, heard)
    talk.close()
    assert heard.names == ["resolve", "connect", "tls", "authenticate", "sender", "recipient", "accept"]
    assert {state for _, state in heard.stages} == {"passed"}
    assert smtp.mails == [mail.content]
    assert result.service_id == "ABC123"
    assert smtp.commands[-1] == "QUIT"


def test_it_speaks_tls_from_the_start(door, authority, mail, heard):
    with smtp_server(authority.server(), implicit=True) as server:
        talk = session(door, server, tls="implicit", who=login())
        talk.open(heard)
        talk.deliver(mail, heard)
    assert server.mails == [mail.content]
    assert str(heard.evidence["tls"]["version"]).startswith("TLSv1.")


def test_it_sends_without_tls_and_login_when_told_so(door, mail, heard):
    with smtp_server() as server:
        talk = session(door, server, tls="none")
        talk.open(heard)
        talk.deliver(mail, heard)
    assert heard.names == ["resolve", "connect", "sender", "recipient", "accept"]
    assert server.sent("AUTH") == []


def test_it_keeps_the_connection_between_mails(door, smtp, mail):
    talk = session(door, smtp)
    talk.open(Report())
    for _ in range(3):
        assert talk.ready
        talk.deliver(mail, Report())
    assert (smtp.connections, len(smtp.mails)) == (1, 3)


def test_it_notices_that_the_server_hung_up(door, smtp, mail):
    talk = session(door, smtp)
    talk.open(Report())
    smtp.drop_all()
    until(lambda: not talk.ready)


def test_it_starts_afresh_after_a_refused_mail(door, smtp, mail):
    smtp.replies["RCPT"] = ["550 5.1.1 no such user", "250 ok"]
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError):
        talk.deliver(mail, Report())
    talk.deliver(mail, Report())
    assert smtp.sent("RSET") == ["RSET"]
    assert (smtp.connections, len(smtp.mails)) == (1, 1)


def test_it_sends_the_whole_envelope_at_once_when_the_server_can(door, smtp, mail, heard):
    smtp.features = ("PIPELINING", *smtp.features)
    many = replace(mail, recipients=("a@example.org", "b@example.org"))
    talk = session(door, smtp)
    talk.open(heard)
    talk.deliver(many, heard)
    talk.deliver(many, heard)
    assert smtp.mails == [mail.content] * 2
    assert heard.last == ("accept", "passed")


@pytest.mark.parametrize("refused", ["MAIL", "RCPT"])
@pytest.mark.parametrize("data", ["503 5.5.1 no valid recipients", "354 go"])
def test_it_reads_every_owed_reply_after_a_pipelined_refusal(door, smtp, mail, refused, data):
    smtp.features = ("PIPELINING", *smtp.features)
    smtp.replies |= {refused: ["550 5.7.1 no", "250 ok"], "DATA": [data, "354 go"], ".": ["554 nobody", "250 ok"]}
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError) as failed:
        talk.deliver(mail, Report())
    assert failed.value.code == "550 5.7.1"
    smtp.replies["."] = "250 ok"
    talk.deliver(mail, Report())
    assert smtp.connections == 1
    assert smtp.mails[-1] == mail.content


def test_some_refused_recipients_are_named(door, smtp, mail):
    smtp.replies["RCPT TO:<b@"] = "550 5.1.1 no such user"
    talk = session(door, smtp)
    talk.open(Report())
    result = talk.deliver(replace(mail, recipients=("a@x.org", "b@x.org", "c@x.org")), Report())
    assert [(one.recipient, one.code, one.permanent) for one in result.refused] == [("b@x.org", "550 5.1.1", True)]


@pytest.mark.parametrize(
    ("replies", "scope", "permanent"),
    [
        (["550 5.1.1 unknown", "550 5.1.1 unknown"], "message", True),
        (["550 5.1.1 unknown", "450 4.2.0 greylisted"], "message", False),
        (["550 5.1.1 unknown", "554 5.7.1 relay access denied"], "backend", True),
    ],
)
def test_all_refused_recipients_end_the_mail_by_the_worst(door, smtp, mail, replies, scope, permanent):
    smtp.replies["RCPT"] = replies
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError) as failed:
        talk.deliver(replace(mail, recipients=("a@x.org", "b@x.org")), Report())
    assert (failed.value.scope, failed.value.permanent) == (scope, permanent)
    assert len(failed.value.context["refused"]) == 2


@pytest.mark.parametrize(
    ("command", "stage", "ambiguous"),
    [("greeting", "connect", False), ("MAIL", "sender", False), ("DATA", "accept", False), (".", "accept", True)],
)
def test_a_dropped_connection_is_ambiguous_only_after_the_dot(door, smtp, mail, command, stage, ambiguous):
    smtp.replies[command] = HANG_UP
    heard = Heard()
    talk = session(door, smtp)
    with pytest.raises(TransportError) as failed:
        talk.open(heard)
        talk.deliver(mail, heard)
    assert (failed.value.stage, failed.value.ambiguous) == (stage, ambiguous)
    assert heard.last == (stage, "failed")
    assert failed.value.permanent is False


def test_a_hang_up_at_quit_does_not_matter(door, smtp, mail):
    smtp.replies["QUIT"] = HANG_UP
    talk = session(door, smtp)
    talk.open(Report())
    assert talk.deliver(mail, Report()).service_id == "ABC123"
    talk.close()
    talk.close()


def test_a_busy_server_is_left_alone(door, smtp, mail):
    smtp.replies["MAIL"] = "421 4.7.0 too many"
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError) as failed:
        talk.deliver(mail, Report())
    assert (failed.value.code, failed.value.permanent, failed.value.scope) == ("421 4.7.0", False, "backend")
    assert not talk.ready


def test_a_reply_that_comes_late_never_answers_the_next_command(door, smtp, mail):
    smtp.replies["MAIL"] = lambda talk: talk.server.release.wait(10) and None
    talk = session(door, smtp)
    talk.open(Report())
    talk.server.timeouts = replace(SHORT, command=0.2)
    with pytest.raises(TransportError) as failed:
        talk.deliver(mail, Report())
    assert (failed.value.channel, failed.value.code) == ("smtp_exception", "timeout")
    assert not talk.ready


def test_a_dripping_server_is_cut_off(door, smtp, mail):
    def drip(talk):
        while not talk.server.release.wait(0.05):
            talk.write(b"2")

    smtp.replies["MAIL"] = drip
    talk = session(door, smtp)
    talk.open(Report())
    talk.server.timeouts = replace(SHORT, command=0.3)
    with pytest.raises(TransportError) as failed:
        talk.deliver(mail, Report())
    assert failed.value.code == "timeout"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ("250-" + "x" * 9000, "reply_too_long"),
        ("\r\n".join(["250-a"] * 3000) + "\r\n250 b", "reply_too_long"),
        ("HTTP/1.1 400 Bad Request", "bad_reply"),
        ("\x00\xff", "bad_reply"),
    ],
)
def test_it_does_not_swallow_every_reply(door, smtp, mail, reply, code):
    smtp.replies["MAIL"] = reply
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError) as failed:
        talk.deliver(mail, Report())
    assert failed.value.code == code
    assert len(failed.value.raw) <= 2000


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n.\r\n"),
        (b".a", b"..a\r\n.\r\n"),
        (b"a\n.b\rc", b"a\r\n..b\r\nc\r\n.\r\n"),
        (b"", b".\r\n"),
        (b"v1.2\r\n.", b"v1.2\r\n..\r\n.\r\n"),
        (b"x." * 300 + b"\r\n.", b"x." * 300 + b"\r\n..\r\n.\r\n"),
    ],
)
def test_a_mail_cannot_end_itself_early(given, wanted):
    assert dotted(given) == wanted


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://mail.example.com/x", "mail.example.com"),
        ("http://localhost:8000", "[127.0.0.1]"),
        ("http://10.0.0.1", "[127.0.0.1]"),
    ],
)
def test_it_introduces_itself_with_a_real_name(url, name):
    assert ehlo_name(url) == name


def test_bytes_are_the_same_on_every_attempt(door, smtp):
    content = b"Subject: x\r\n\r\n" + b"line of text\r\n" * 20_000
    big = Mail("ar@contoso.com", ("me@example.org",), content, "<2@mailsetup>")
    smtp.replies["."] = ["451 4.3.0 later", "250 ok"]
    talk = session(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError):
        talk.deliver(big, Report())
    talk.deliver(big, Report())
    assert smtp.mails == [content, content]
