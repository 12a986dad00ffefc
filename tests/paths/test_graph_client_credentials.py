"""From sign-up to a mail in the inbox: Microsoft Graph with client credentials."""

import pytest
from playwright.sync_api import Page, expect

from mailsetup.sandbox import Sandbox
from tests.paths.customer import Customer
from tests.paths.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("product"), pytest.mark.timeout(180)]
KIND = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"


def test_it_walks_from_sign_up_to_the_inbox(page: Page, product: Product, box: Sandbox) -> None:
    customer, app = Customer(page, product), box.world.app
    recipient = f"first.{customer.tag}@customer.example"
    customer.sign_up()
    customer.begin(KIND)
    wrong = app.secret[:-4] + "AAAA"
    customer.new_app_credential(tenant_id=box.world.contoso.tenant_id, client_id=app.client_id, secret=wrong)
    customer.sender(from_address="ar@contoso.com")

    assert customer.test(customer.email) == "failed"
    assert "Client secret" in customer.verdict_text() or "client secret" in customer.verdict_text()
    assert wrong not in page.content()
    correct_the_secret(page, app.secret)

    assert customer.test(customer.email) == "passed", customer.verdict_text()
    assert box.wait_for_mail(customer.email)[-1].sender == "ar@contoso.com"
    customer.save()
    customer.make_api_key()
    receipt = customer.post("Invoice 1", recipient)
    assert box.wait_for_mail(recipient, timeout=40)[0].subject == "Invoice 1"
    page.goto(f"/messages/{receipt['id']}")
    expect(page.get_by_text("Accepted").first).to_be_visible()


def correct_the_secret(page: Page, secret: str) -> None:
    """What the page says to do: paste the Value of a new secret into the credential, then test again."""
    test_page = page.url
    page.goto("/credentials")
    page.get_by_role("link", name="Contoso app").first.click()
    page.get_by_role("button", name="Edit").click()
    page.get_by_label("Client secret (Value)").fill(secret)
    page.get_by_role("button", name="Save").click()
    page.goto(test_page)
