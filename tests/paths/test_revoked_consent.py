"""Consent is taken away while mail flows: it waits, somebody is told, and all of it arrives afterwards."""

import time

import pytest
from playwright.sync_api import expect

from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import Mailbox
from tests.paths.customer import Customer
from tests.paths.product import wait_for
from tests.paths.world import app_values, consent_revoked, new_mailbox

DETECTED_WITHIN = 60.0
pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]


def mail_flows(customer: Customer, box: Sandbox) -> None:
    customer.go_live()
    customer.post("Before", customer.shopper)
    box.wait_for_mail(customer.shopper, timeout=90)


def mail_stops(customer: Customer, box: Sandbox) -> list[str]:
    """Three mails that wait; the page and the banner say so; the alerts address was written to, once."""
    page, began = customer.page, time.monotonic()
    ids = [customer.post(f"During {number}", customer.shopper)["id"] for number in range(3)]
    [alert] = box.wait_for_mail(customer.alerts_address, timeout=DETECTED_WITHIN)
    # No mail can be refused before it is posted: what is measured is longer than what is promised.
    assert time.monotonic() - began <= DETECTED_WITHIN
    assert "Mail through “Invoices” has stopped" in alert.subject
    assert alert.door == "Operator SMTP"
    page.goto("/")
    expect(page.get_by_role("region", name="Notices")).to_contain_text("Mail through “Invoices” has stopped")
    page.get_by_role("region", name="Notices").get_by_role("link", name="See what to do").click()
    expect(page.get_by_role("region", name="State")).to_contain_text("Needs attention")
    expect(page.get_by_role("region", name="State")).to_contain_text("3 mails wait.")
    assert {customer.message(one)["status"] for one in ids} == {"queued"}
    return ids


def mail_flows_again(customer: Customer, box: Sandbox) -> None:
    """All that waited arrives, the alerts address hears that it is over, the banner is gone."""
    page = customer.page
    mails = box.wait_for_mail(customer.shopper, count=4, timeout=90)
    assert sorted(mail.subject for mail in mails) == ["Before", "During 0", "During 1", "During 2"]
    told = box.wait_for_mail(customer.alerts_address, count=2, timeout=90)
    assert [mail.subject.partition(" ")[0] for mail in told] == ["Mail", "Solved"]
    page.goto("/")
    expect(page.get_by_role("region", name="Notices")).to_have_count(0)
    expect(page.get_by_text("Healthy").first).to_be_visible()


def test_it_waits_until_the_admin_consents_again(customer: Customer, box: Sandbox) -> None:
    mailbox = new_mailbox(box, customer.tag)
    customer.sign_up()
    customer.begin("Microsoft Office 365 Exchange (Graph) with OAuth 2.0")
    customer.new_app_credential(**app_values(box))
    customer.past_what_microsoft_says()
    customer.sender(from_address=mailbox.address)
    mail_flows(customer, box)
    with consent_revoked(box, box.world.app):
        mail_stops(customer, box)
        expect(customer.page.get_by_text("Mail.Send must read Granted")).to_be_visible()
        assert len(box.inbox(customer.alerts_address)) == 1
    assert customer.test_saved_setup() == "passed", customer.verdict_text()
    mail_flows_again(customer, box)


def test_it_waits_until_the_person_reconnects(customer: Customer, box: Sandbox) -> None:
    mailbox = new_mailbox(box, customer.tag, mfa=True)
    customer.sign_up()
    customer.begin("Microsoft 365, by signing in")
    customer.sign_in_with_microsoft(mailbox)
    customer.sender(from_address=mailbox.address)
    mail_flows(customer, box)
    box.world.revoke_consent(box.world.platform_app.client_id)
    box.world.revoke_sessions(mailbox.address)
    mail_stops(customer, box)
    expect(customer.page.get_by_text("Reconnect").first).to_be_visible()
    assert len(box.inbox(customer.alerts_address)) == 1
    reconnect(customer, mailbox)
    assert customer.test_saved_setup() == "passed", customer.verdict_text()
    mail_flows_again(customer, box)


def reconnect(customer: Customer, mailbox: Mailbox) -> None:
    """The button on the page of the setup, through Microsoft, and back to that page."""
    page = customer.page
    customer.press("Reconnect")
    page.get_by_role("button", name="Sign in with Microsoft").click()
    wait_for(
        lambda: page.get_by_role("button", name="Accept").or_(page.get_by_label("Password")).count(), what="a page"
    )
    if page.get_by_label("Password").count():
        customer.sign_in_at_microsoft(mailbox)
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_text(f"Connected as {mailbox.address}")).to_be_visible()
    expect(page.get_by_role("heading", name="Invoices")).to_be_visible()
