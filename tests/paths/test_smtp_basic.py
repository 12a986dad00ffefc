"""From sign-up to a mail in the inbox: any mail server, with user name and password."""

import pytest

from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import Account
from tests.fakes.exim import Exim
from tests.paths.customer import Customer
from tests.paths.product import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
KIND = "SMTP with user name and password"


def server(address: tuple[str, int], tls: str) -> dict[str, str]:
    return {"host": address[0], "port": str(address[1]), "tls": tls}


def begin(customer: Customer, account: Account, *, password: str = "") -> None:
    customer.sign_up()
    customer.begin(KIND)
    customer.new_login(username=account.address, password=password or account.password)


def test_it_walks_from_sign_up_to_the_inbox(customer: Customer, box: Sandbox) -> None:
    account = box.world.service_account
    begin(customer, account, password="not-the-password")
    customer.sender(from_address=account.address, server=server(box.smtp_starttls, "starttls"))

    assert customer.test(customer.email) == "failed"
    assert "User name or password is not right" in customer.verdict_text()
    assert "not-the-password" not in customer.page.content()
    customer.correct_credential("Password", account.password)

    customer.go_live()
    customer.post("Invoice 5", customer.shopper)
    [mail] = box.wait_for_mail(customer.shopper, timeout=90)
    assert (mail.subject, mail.door) == ("Invoice 5", "SMTP STARTTLS")


@pytest.mark.looks
def test_it_explains_tls_from_the_start_where_starttls_is_spoken(customer: Customer, box: Sandbox) -> None:
    account = box.world.service_account
    begin(customer, account)
    customer.sender(from_address=account.address, server=server(box.smtp_starttls, "implicit"))
    assert customer.test(customer.email) == "failed"
    assert "STARTTLS" in customer.verdict_text()
    customer.change_sender(server={"tls": "starttls"})
    assert customer.test(customer.email) == "passed", customer.verdict_text()


@pytest.mark.looks
def test_it_explains_starttls_where_tls_is_spoken_from_the_start(customer: Customer, box: Sandbox) -> None:
    account = box.world.service_account
    begin(customer, account)
    customer.sender(from_address=account.address, server=server(box.smtp_tls, "starttls"))
    assert customer.test(customer.email) == "failed"
    assert "TLS from the start" in customer.verdict_text()
    customer.change_sender(server={"tls": "implicit"})
    customer.go_live()
    customer.post("Invoice 6", customer.shopper)
    assert box.wait_for_mail(customer.shopper, timeout=90)[0].door == "SMTP TLS"


@pytest.mark.exim
def test_it_walks_from_sign_up_to_the_maildir_of_a_real_server(customer: Customer, exim: Exim) -> None:
    customer.sign_up()
    customer.begin(KIND)
    customer.new_login(username=exim.login, password="not-the-password")
    customer.sender(from_address="robot@example.test", server=server((exim.host, exim.port), "starttls"))
    assert customer.test(customer.email) == "failed"
    assert "User name or password is not right" in customer.verdict_text()
    customer.correct_credential("Password", exim.password)
    customer.go_live()
    customer.post("Invoice 7", customer.shopper)

    def arrived() -> list[str]:
        return [str(mail["Subject"]) for mail in exim.mails() if customer.shopper in str(mail["Envelope-To"])]

    assert wait_for(arrived, seconds=90, what="the mail in the maildir") == ["Invoice 7"]
