"""From sign-up to a mail in the inbox: Microsoft Graph with client credentials."""

import pytest
from playwright.sync_api import expect

from mailsetup.sandbox import Sandbox
from tests.paths.customer import Customer
from tests.paths.product import wait_for
from tests.paths.world import app_values, new_mailbox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
KIND = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"


def test_it_walks_from_sign_up_to_the_inbox(customer: Customer, box: Sandbox) -> None:
    page, values, mailbox = customer.page, app_values(box), new_mailbox(box, customer.tag)
    wrong = values["secret"][:-4] + "AAAA"
    customer.sign_up()
    customer.begin(KIND)
    customer.new_app_credential(**{**values, "secret": wrong})
    customer.past_what_microsoft_says()
    customer.sender(from_address=mailbox.address)

    assert customer.test(customer.email) == "failed"
    assert "client secret" in customer.verdict_text()
    assert wrong not in page.content()
    customer.correct_credential("Client secret (Value)", values["secret"])

    customer.go_live()
    assert box.wait_for_mail(customer.email)[-1].sender == mailbox.address
    receipt = customer.post("Invoice 1", customer.shopper)
    assert box.wait_for_mail(customer.shopper, timeout=90)[0].subject == "Invoice 1"
    wait_for(lambda: customer.message(receipt["id"])["status"] == "sent", what="the record of the acceptance")
    page.goto(f"/messages/{receipt['id']}")
    expect(page.get_by_text("Accepted").first).to_be_visible()
