"""From sign-up to a mail in the inbox: Microsoft 365 by signing in, with a second factor."""

import pytest
from playwright.sync_api import expect

from mailsetup.sandbox import Sandbox
from tests.paths.customer import Customer
from tests.paths.world import app_values, new_mailbox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
KIND = "Microsoft 365, by signing in"


def test_it_walks_from_sign_up_to_the_inbox(customer: Customer, box: Sandbox) -> None:
    mailbox = new_mailbox(box, customer.tag, mfa=True)
    customer.sign_up()
    customer.begin(KIND)
    customer.sign_in_with_microsoft(mailbox)
    expect(customer.page.get_by_label("From email address")).to_have_value(mailbox.address)
    customer.page.get_by_label("From email address").fill("invoices@contoso.com")
    customer.press("Continue to the test")
    expect(customer.page.get_by_text(f"may send as {mailbox.address} only").first).to_be_visible()
    customer.sender(from_address=mailbox.address)

    customer.go_live()
    customer.post("Invoice 2", customer.shopper)
    [mail] = box.wait_for_mail(customer.shopper, timeout=90)
    assert (mail.subject, mail.sender) == ("Invoice 2", mailbox.address)


def test_it_signs_in_through_an_app_of_the_customers_own(customer: Customer, box: Sandbox) -> None:
    mailbox = new_mailbox(box, customer.tag, mfa=True)
    customer.sign_up()
    customer.begin(KIND)
    customer.own_app_for_sign_in(**app_values(box))
    customer.sign_in_at_microsoft(mailbox)
    customer.sender(from_address=mailbox.address)
    customer.go_live()
    customer.post("Invoice 3", customer.shopper)
    [mail] = box.wait_for_mail(customer.shopper, timeout=90)
    assert mail.sender == mailbox.address


def test_it_explains_a_wrong_secret_of_the_own_app_after_the_sign_in(customer: Customer, box: Sandbox) -> None:
    values = app_values(box)
    wrong = values["secret"][:-4] + "AAAA"
    customer.sign_up()
    customer.begin(KIND)
    customer.own_app_for_sign_in(**{**values, "secret": wrong})
    customer.sign_in_at_microsoft(new_mailbox(box, customer.tag))
    expect(customer.page.get_by_role("heading", name="Microsoft did not connect the mailbox")).to_be_visible()
    expect(customer.page.get_by_text("client secret").first).to_be_visible()
    assert wrong not in customer.page.content()


def test_it_goes_back_and_tries_again_after_a_refused_consent(customer: Customer, box: Sandbox) -> None:
    page, mailbox = customer.page, new_mailbox(box, customer.tag)
    customer.sign_up()
    customer.begin(KIND)
    page.get_by_role("button", name="Sign in with Microsoft").first.click()
    customer.sign_in_at_microsoft(mailbox)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Microsoft did not connect the mailbox")).to_be_visible()
    expect(page.get_by_text("Nothing was changed.")).to_be_visible()

    customer.press("Try again")
    page.get_by_role("button", name="Sign in with Microsoft").first.click()
    page.get_by_role("button", name=mailbox.address).click()  # Microsoft's page Pick an account
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text(f"Connected as {mailbox.address}")).to_be_visible()


def test_it_says_who_can_help_when_only_an_admin_may_consent(customer: Customer, box: Sandbox) -> None:
    customer.sign_up()
    customer.begin(KIND)
    box.world.change_organisation("contoso.com", user_consent=False)
    try:
        customer.page.get_by_role("button", name="Sign in with Microsoft").first.click()
        customer.sign_in_at_microsoft(new_mailbox(box, customer.tag))
        customer.page.get_by_role("button", name="Return to the application without granting consent").click()
    finally:
        box.world.change_organisation("contoso.com", user_consent=True)
    expect(customer.page.get_by_text("Who can do it: your Microsoft admin")).to_be_visible()
