from __future__ import annotations

import smtplib

import pytest

from tests.sandbox.customer import a_mail


def test_it_takes_mail_after_starttls_and_login(box, customer) -> None:
    account = box.world.service_account
    with customer.starttls() as talk:
        talk.login(account.address, account.password)
        talk.send_message(a_mail(account.address))
    assert [mail.door for mail in box.inbox("me@example.org")] == ["SMTP STARTTLS"]


def test_it_takes_mail_over_tls_and_login(box, customer) -> None:
    account = box.world.service_account
    with smtplib.SMTP_SSL("localhost", box.smtp_tls[1], context=customer.tls, timeout=60) as talk:
        talk.login(account.address, account.password)
        talk.send_message(a_mail(account.address))
    assert [mail.door for mail in box.inbox("me@example.org")] == ["SMTP TLS"]


@pytest.mark.parametrize("door", ["smtp_plain", "operator_smtp"])
def test_it_takes_mail_without_tls_and_login(box, customer, door: str) -> None:
    with customer.smtp(door) as talk:
        assert not talk.has_extn("auth")
        talk.send_message(a_mail())
    assert len(box.inbox("me@example.org")) == 1


def test_it_refuses_a_wrong_password(box, customer) -> None:
    with customer.starttls() as talk, pytest.raises(smtplib.SMTPAuthenticationError, match=r"5\.7\.8"):
        talk.login(box.world.service_account.address, "wrong")


def test_it_wants_tls_and_login(customer) -> None:
    with customer.smtp("smtp_starttls") as talk:
        talk.ehlo()
        assert talk.mail("a@example.com")[0] == 530
    with customer.starttls() as talk:
        talk.ehlo()
        assert talk.mail("a@example.com") == (530, b"5.7.0 Authentication required")


def test_it_takes_pipelined_commands(box, customer) -> None:
    with customer.smtp("smtp_plain") as talk:
        talk.ehlo()
        assert talk.has_extn("pipelining")
        talk.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n")
        assert [talk.getreply()[0] for _ in range(4)] == [250, 250, 250, 354]
        talk.send("Subject: x\r\n\r\nx\r\n.\r\n")
        assert talk.getreply()[0] == 250
    assert len(box.inbox("c@example.com")) == 1


def test_it_takes_a_notice_without_a_return_address(box, customer) -> None:
    with customer.smtp("operator_smtp") as talk:
        talk.sendmail("", ["me@example.org"], b"Subject: x\r\n\r\nx\r\n")
    assert [mail.sender for mail in box.inbox("me@example.org")] == ["<>"]
