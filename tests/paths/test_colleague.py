"""A colleague joins by link: a member sees everything and changes nothing."""

import pytest
from playwright.sync_api import Page, expect

from mailsetup.sandbox import Sandbox
from tests.paths.conftest import OpenBrowser
from tests.paths.customer import Customer
from tests.paths.world import app_values, new_mailbox

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
FOR_ADMINS = ("Edit", "Pause", "Test", "Delete setup", "Make default", "Save rule", "New setup", "New credential")


def invite(customer: Customer, address: str) -> str:
    """The link that the members page shows once."""
    customer.page.goto("/members")
    customer.press("Invite somebody")
    customer.page.get_by_label("E-mail address").fill(address)
    customer.press("Make invitation link")
    return customer.page.locator("main code").inner_text().strip()


def join(page: Page, link: str, password: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Bob Lind")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Make account and join").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@pytest.fixture
def mail_flows(customer: Customer, box: Sandbox) -> None:
    """A workspace with a setup that sends."""
    mailbox = new_mailbox(box, customer.tag)
    customer.sign_up()
    customer.begin("Microsoft Office 365 Exchange (Graph) with OAuth 2.0")
    customer.new_app_credential(**app_values(box))
    customer.past_what_microsoft_says()
    customer.sender(from_address=mailbox.address)
    customer.go_live()


def member(customer: Customer, open_browser: OpenBrowser) -> Page:
    """The browser of somebody who joined by link."""
    page = open_browser()
    join(page, invite(customer, f"bob.{customer.tag}@northwind.example"), customer.password)
    return page


@pytest.mark.usefixtures("mail_flows")
def test_it_lets_a_member_see_but_not_change(customer: Customer, open_browser: OpenBrowser) -> None:
    bob = member(customer, open_browser)
    for address, seen in (("/outbound", "Invoices"), ("/credentials", "Contoso app"), ("/members", "Dana Reyes")):
        bob.goto(address)
        expect(bob.get_by_role("main").get_by_text(seen).first).to_be_visible()
        offers_no_change(bob)
    bob.goto("/outbound")
    bob.get_by_role("link", name="Invoices").click()
    expect(bob.get_by_text("Mail flows", exact=True)).to_be_visible()
    offers_no_change(bob)
    token = bob.locator("input[name=csrf_token]").first.get_attribute("value") or ""
    for action in ("pause", "delete", "policy", "default"):
        answer = bob.request.post(f"{bob.url}/{action}", form={"csrf_token": token})
        assert answer.status == 403, action
    assert bob.request.get("/setup").status == 403
    bob.reload()
    expect(bob.get_by_text("Mail flows", exact=True)).to_be_visible()


def offers_no_change(page: Page) -> None:
    main = page.get_by_role("main")
    for name in FOR_ADMINS:
        offered = main.get_by_role("button", name=name, exact=True).or_(main.get_by_role("link", name=name, exact=True))
        expect(offered).to_have_count(0)


def test_it_makes_the_link_useless_once_somebody_joined(open_browser: OpenBrowser, customer: Customer) -> None:
    customer.sign_up()
    bob = member(customer, open_browser)
    bob.goto("/members")
    expect(bob.get_by_role("row", name="Bob Lind")).to_contain_text("Member")
    link = invite(customer, f"eve.{customer.tag}@northwind.example")
    join(open_browser(), link, customer.password)
    late = open_browser()
    late.goto(link)
    expect(late.get_by_role("button", name="Make account and join")).to_have_count(0)
