"""From sign-up to a mail in the inbox: Exchange Online's SMTP with OAuth 2.0, by an app and by a person."""

import pytest

from mailsetup.sandbox import Sandbox
from tests.paths.customer import Customer
from tests.paths.world import app_values, new_mailbox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
KIND = "SMTP with OAuth 2.0 (Microsoft 365)"


def switched_off_then_on(customer: Customer, box: Sandbox, address: str) -> None:
    """The failing test names the mailbox; the admin switches SMTP sign-in on, as the page says; then it passes."""
    assert customer.test(customer.email) == "failed"
    assert "SMTP sign-in is switched off for this mailbox" in customer.verdict_text()
    assert f"Authenticated SMTP is disabled for {address}" in customer.verdict_text()
    box.world.change_mailbox(address, smtp_auth=True)
    assert customer.test_again() == "passed", customer.verdict_text()


def arrives(customer: Customer, box: Sandbox, sender: str) -> None:
    customer.save()
    customer.make_api_key()
    customer.post("Invoice 4", customer.shopper)
    [mail] = box.wait_for_mail(customer.shopper, timeout=90)
    assert (mail.subject, mail.sender, mail.door) == ("Invoice 4", sender, "Outlook SMTP")


def test_it_walks_from_sign_up_to_the_inbox_with_an_app(customer: Customer, box: Sandbox) -> None:
    mailbox = new_mailbox(box, customer.tag, smtp_auth=False)
    customer.sign_up()
    customer.begin(KIND)
    customer.new_app_credential(**app_values(box))
    customer.past_what_microsoft_says()
    customer.sender(from_address=mailbox.address)
    switched_off_then_on(customer, box, mailbox.address)
    arrives(customer, box, mailbox.address)


def test_it_walks_from_sign_up_to_the_inbox_by_signing_in(customer: Customer, box: Sandbox) -> None:
    mailbox = new_mailbox(box, customer.tag, mfa=True, smtp_auth=False)
    customer.sign_up()
    customer.begin(KIND)
    customer.page.get_by_role("link", name="Microsoft sign-in").click()
    customer.sign_in_with_microsoft(mailbox)
    customer.sender(from_address=mailbox.address)
    switched_off_then_on(customer, box, mailbox.address)
    arrives(customer, box, mailbox.address)
