"""The next mail's envelope behind the mail before it (RFC 2920 3.1): one round trip a mail, and no doubt more."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailsetup.mail_services.base import Mail, Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp import Session
from tests.fakes.smtp_server import HANG_UP, SMTPServer
from tests.mail_services.values import session


@pytest.fixture
def talk(door, smtp) -> Session:
    smtp.features = ("PIPELINING", "8BITMIME")
    opened = session(door, smtp)
    opened.open(Report())
    return opened


def others(mail: Mail, *numbers: int) -> list[Mail]:
    return [replace(mail, recipients=(f"person-{number}@example.org",)) for number in numbers]


def test_it_names_the_next_mail_in_the_same_breath(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    first, second = others(mail, 1, 2)
    talk.deliver(first, Report(), second)
    assert talk.ready_for(second)
    talk.deliver(second, Report())
    assert smtp.sent("RCPT") == ["RCPT TO:<person-1@example.org>", "RCPT TO:<person-2@example.org>"]
    assert (smtp.connections, len(smtp.mails), smtp.sent("RSET")) == (1, 2, [])


def test_a_refused_mail_leaves_the_next_one_under_way(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    smtp.replies["."] = ["554 5.6.0 no", "250 ok"]
    first, second = others(mail, 1, 2)
    with pytest.raises(TransportError) as refused:
        talk.deliver(first, Report(), second)
    assert not refused.value.ambiguous
    talk.deliver(second, Report())
    assert (smtp.connections, len(smtp.mails), smtp.sent("RSET")) == (1, 2, [])


def test_a_refused_envelope_is_told_at_its_own_turn(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    smtp.replies["RCPT TO:<person-2"] = "550 5.1.1 nobody"
    smtp.replies["DATA"] = ["354 go", "503 5.5.1 nobody to send to", "354 go"]
    first, second, third = others(mail, 1, 2, 3)
    talk.deliver(first, Report(), second)
    with pytest.raises(TransportError) as refused:
        talk.deliver(second, Report(), third)
    assert refused.value.code == "550 5.1.1"
    talk.deliver(third, Report())
    assert (smtp.connections, len(smtp.mails), len(smtp.sent("RSET"))) == (1, 2, 1)


def test_it_hangs_up_when_another_mail_comes_instead(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    first, second, third = others(mail, 1, 2, 3)
    talk.deliver(first, Report(), second)
    assert not talk.ready_for(third)
    talk.open(Report())
    talk.deliver(third, Report())
    assert (smtp.connections, len(smtp.mails)) == (2, 2)


def test_it_leaves_without_a_word_when_nothing_follows_after_all(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    first, second = others(mail, 1, 2)
    talk.deliver(first, Report(), second)
    talk.close()
    assert smtp.sent("QUIT") == []
    assert len(smtp.mails) == 1


def test_a_lost_answer_is_in_doubt_and_the_next_mail_is_not(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    smtp.replies["."] = [HANG_UP, "250 ok"]
    first, second = others(mail, 1, 2)
    with pytest.raises(TransportError) as lost:
        talk.deliver(first, Report(), second)
    assert lost.value.ambiguous
    assert not talk.ready_for(second)


@pytest.mark.parametrize("dot_is_out", [True, False])
def test_a_half_written_envelope_does_not_hide_that_the_mail_is_out(
    talk: Session, mail: Mail, dot_is_out: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = others(mail, 1, 2)
    wire, send = talk._connection(), talk._connection().send

    def stops_short(data: bytes) -> None:
        mail_ends, _, behind = data.rpartition(b"MAIL FROM")
        if not mail_ends:
            return send(data)
        wire.unsent = len(b"MAIL FROM" + behind) + (0 if dot_is_out else 1)
        raise wire.failure("reset", code="closed")

    monkeypatch.setattr(wire, "send", stops_short)
    with pytest.raises(TransportError) as lost:
        talk.deliver(first, Report(), second)
    assert lost.value.ambiguous is dot_is_out


def test_it_waits_for_a_slow_answer_on_a_kept_connection(talk: Session, smtp: SMTPServer, mail: Mail) -> None:
    talk.deliver(mail, Report())
    smtp.replies["MAIL"] = lambda conversation: smtp.release.wait(0.1) or conversation.write("250 ok")
    assert talk.ready
    talk.deliver(mail, Report())
    assert (smtp.connections, len(smtp.mails)) == (1, 2)
