"""The wizard without JavaScript, and a draft that survives closing the browser."""

import pytest
from playwright.sync_api import expect

from mailsetup.sandbox import Sandbox
from tests.paths.conftest import OpenBrowser
from tests.paths.customer import Customer
from tests.paths.product import Product
from tests.paths.world import app_values, new_mailbox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
KIND = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"
SIGNING_IN = "Microsoft 365, by signing in"


def test_it_walks_without_javascript(open_browser: OpenBrowser, product: Product, box: Sandbox) -> None:
    customer = Customer(open_browser(java_script_enabled=False), product)
    mailbox = new_mailbox(box, customer.tag, mfa=True)
    customer.sign_up()
    customer.begin(SIGNING_IN)
    customer.page.get_by_label("Send from a shared mailbox").first.check()
    customer.sign_in_with_microsoft(mailbox)
    customer.sender(from_address="invoices@contoso.com")
    assert customer.test(customer.email) == "failed"
    assert "may not send as invoices@contoso.com" in customer.verdict_text()
    customer.change_sender(from_address=mailbox.address)
    customer.go_live()
    customer.post("Invoice 8", customer.shopper)
    assert box.wait_for_mail(customer.shopper, timeout=90)[0].sender == mailbox.address


def test_it_goes_on_with_a_draft_in_another_browser(
    customer: Customer, open_browser: OpenBrowser, product: Product, box: Sandbox
) -> None:
    mailbox = new_mailbox(box, customer.tag)
    customer.sign_up()
    customer.begin(KIND)
    customer.new_app_credential(**app_values(box))
    customer.past_what_microsoft_says()
    customer.sender(from_address=mailbox.address)
    customer.page.context.close()

    customer.page = open_browser()
    customer.sign_in()
    expect(customer.page.get_by_role("heading", name="Go on with your set-up")).to_be_visible()
    customer.press("Go on")
    expect(customer.page.get_by_role("heading", name="Test before saving")).to_be_visible()
    customer.go_live()
