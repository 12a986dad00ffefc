from __future__ import annotations

import smtplib

import pytest

from tests.sandbox.customer import OUTLOOK, a_mail, xoauth2


def refused(talk: smtplib.SMTP, user: str, token: str) -> str:
    with talk, pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        talk.auth("XOAUTH2", xoauth2(user, token))
    return f"{caught.value.smtp_code} {caught.value.smtp_error!r}"


def test_it_takes_a_mail_of_an_app_with_xoauth2(box, customer) -> None:
    with customer.signed_in_outlook() as talk:
        talk.send_message(a_mail())
    mail = box.inbox("me@example.org")[0]
    assert (mail.subject, mail.door, mail.signed_in) == ("Hello", "Outlook SMTP", "ar@contoso.com")


def test_it_takes_the_token_after_an_empty_challenge(customer) -> None:
    with customer.outlook() as talk:
        code, _ = talk.auth("XOAUTH2", xoauth2("ar@contoso.com", customer.token(OUTLOOK)), initial_response_ok=False)
    assert code == 235


def test_it_offers_what_exchange_offers(customer) -> None:
    with customer.smtp("outlook_smtp") as talk:
        talk.ehlo()
        assert talk.has_extn("starttls")
        assert not talk.has_extn("auth")
        talk.starttls(context=customer.tls)
        talk.ehlo()
        assert talk.esmtp_features["auth"].split() == ["LOGIN", "XOAUTH2"]
        assert talk.esmtp_features["size"] == "157286400"


def test_it_knows_no_auth_and_no_mail_before_tls(customer) -> None:
    with customer.smtp("outlook_smtp") as talk:
        talk.ehlo()
        assert talk.docmd("AUTH", "XOAUTH2 eA==")[0] == 504
        assert talk.docmd("MAIL", "FROM:<ar@contoso.com>") == (
            451,
            b"5.7.3 STARTTLS is required to send mail [localhost]",
        )


def test_it_wants_a_sign_in_before_mail(customer) -> None:
    with customer.outlook() as talk:
        code, text = talk.mail("ar@contoso.com")
    assert (code, text.split()[0]) == (530, b"5.7.57")


def test_it_refuses_a_graph_token(customer) -> None:
    assert refused(customer.outlook(), "ar@contoso.com", customer.token()).startswith("535 b'5.7.3")


@pytest.mark.parametrize("user", ["nobody@contoso.com", "office@fabrikam.com", "unlicensed@contoso.com"])
def test_it_refuses_a_mailbox_the_token_is_not_for(customer, user: str) -> None:
    assert refused(customer.outlook(), user, customer.token(OUTLOOK)).startswith("535 b'5.7.3")


def test_it_holds_an_app_to_its_mailboxes(box, customer) -> None:
    box.world.limit_app_to(["invoices@contoso.com"])
    assert refused(customer.outlook(), "ar@contoso.com", customer.token(OUTLOOK)).startswith("535 b'5.7.3")


def test_it_says_when_smtp_auth_is_off_for_the_mailbox(customer) -> None:
    reply = refused(customer.outlook(), "nosmtp@contoso.com", customer.token(OUTLOOK))
    assert "SmtpClientAuthentication is disabled for the Mailbox" in reply


def test_it_says_when_smtp_auth_is_off_for_the_tenant(box, customer) -> None:
    box.world.change_organisation("contoso.com", smtp_auth=False)
    reply = refused(customer.outlook(), "ar@contoso.com", customer.token(OUTLOOK))
    assert "SmtpClientAuthentication is disabled for the Tenant" in reply


def test_it_refuses_passwords_unless_they_are_allowed(box, customer) -> None:
    mailbox = box.world.mailbox("ar@contoso.com")
    with customer.outlook() as talk, pytest.raises(smtplib.SMTPAuthenticationError, match="basic authentication is"):
        talk.login(mailbox.address, mailbox.password)
    box.world.change_organisation("contoso.com", basic_auth=True)
    with customer.outlook() as talk:
        assert talk.login(mailbox.address, mailbox.password)[0] == 235


def test_it_refuses_another_sender_at_mail_from(customer) -> None:
    with customer.signed_in_outlook() as talk:
        assert talk.mail("admin@contoso.com") == (
            550,
            b"5.7.60 SMTP; Client does not have permissions to send as this sender [localhost]",
        )
        assert talk.mail("invoices@contoso.com")[0] == 250


def test_it_refuses_another_from_header_after_the_data(box, customer) -> None:
    with customer.signed_in_outlook() as talk, pytest.raises(smtplib.SMTPDataError, match="SendAsDenied") as caught:
        talk.send_message(a_mail("admin@contoso.com"), from_addr="ar@contoso.com")
    assert caught.value.smtp_code == 554
    assert box.inbox() == []


def test_it_lets_three_connections_of_a_mailbox_send(customer) -> None:
    talks = [customer.signed_in_outlook() for _ in range(4)]
    with pytest.raises(smtplib.SMTPDataError, match=r"432.*Concurrent connections limit"):
        talks[3].send_message(a_mail())
    talks[2].send_message(a_mail())
    for talk in talks:
        talk.close()
