"""The part of the tour that shows a person's second factor: set up, asked for, wanted by the workspace."""

from __future__ import annotations

import time

import pyotp
from playwright.sync_api import Page, expect

from mailsetup.sandbox.people import Mailbox
from tests.paths.album import Album
from tests.paths.customer import Customer, follow

PAGE = "/settings/security/second-factor"


def second_factor(page: Page, album: Album, customer: Customer, colleague: Page) -> None:
    """The owner has one and asks for it from everybody; the colleague is led to set one up."""
    main = page.get_by_role("main")
    album.open(page, PAGE, "second-factor-off")
    follow(main.get_by_role("button", name="Set up a second factor"))
    key = page.locator("main code").first.inner_text().replace(" ", "")
    album.take(page, "second-factor-offer", dark=True)
    page.get_by_label("Code").fill("123")
    customer.press("Turn it on")
    album.take(page, "second-factor-wrong")
    page.get_by_label("Code").fill(pyotp.TOTP(key).now())
    customer.press("Turn it on")
    expect(page.get_by_role("heading", name="Keep your recovery codes")).to_be_visible()
    album.take(page, "second-factor-codes")
    customer.press("I have kept them")
    album.take(page, "second-factor-on")
    album.open(page, "/settings/security", "security-with-second-factor")
    _wanted(page, album, colleague)
    _sign_in_again(page, album, customer, key)


def at_microsoft(page: Page, album: Album, mailbox: Mailbox) -> None:
    """An account at Microsoft: unknown, connected, signing in, proving it once more."""
    album.open(page, "/sign-in/with/microsoft/back?state=forged", "microsoft-begin-again", status=400)
    page.goto("/settings/security")
    follow(page.get_by_role("button", name="Connect Microsoft"))
    _through_microsoft(page, mailbox)
    expect(page.get_by_text("signs you in from now on")).to_be_visible()
    album.take(page, "security-with-microsoft")
    page.goto("/sign-in/again")
    album.take(page, "again-with-microsoft")
    follow(page.get_by_role("button", name="Prove it with Microsoft"))
    _through_microsoft(page, mailbox)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.context.clear_cookies()
    page.goto("/sign-in?next=/members")
    follow(page.get_by_role("button", name="Continue with Microsoft"))
    _through_microsoft(page, mailbox)
    expect(page.get_by_role("heading", name="Members")).to_be_visible()


def not_connected(page: Page, album: Album, mailbox: Mailbox) -> None:
    """Whoever is known at Microsoft and not here."""
    page.goto("/sign-in")
    follow(page.get_by_role("button", name="Continue with Microsoft"))
    _through_microsoft(page, mailbox)
    expect(page.get_by_role("heading", name="This account is not connected here")).to_be_visible()
    album.take(page, "microsoft-not-connected")


def _through_microsoft(page: Page, mailbox: Mailbox) -> None:
    """The page on the way goes on by itself."""
    address, another = page.get_by_label("Email address"), page.get_by_role("link", name="Use another account")
    expect(address.or_(another)).to_be_visible()
    if another.is_visible():
        follow(another)
    address.fill(mailbox.address)
    page.get_by_label("Password").fill(mailbox.password)
    follow(page.get_by_role("button", name="Sign in"))


def _wanted(page: Page, album: Album, colleague: Page) -> None:
    page.goto("/settings")
    album.take(page, "settings-policy")
    page.get_by_role("button", name="Ask everybody for one").click()
    follow(page.get_by_role("dialog").get_by_role("button", name="Ask everybody for one"))
    album.take(page, "settings-policy-on")
    album.open(page, "/members", "members-second-factor")
    album.open(colleague, "/messages", "held-back")
    page.goto("/settings")
    follow(page.get_by_role("button", name="Make it everybody's own choice"))


def _sign_in_again(page: Page, album: Album, customer: Customer, key: str) -> None:
    page.goto("/sign-in/again")
    album.take(page, "again-with-code")
    page.context.clear_cookies()
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(customer.email)
    page.get_by_label("Password").fill(customer.password)
    follow(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="Your second factor")).to_be_visible()
    album.take(page, "sign-in-code")
    page.get_by_label("Code").fill(pyotp.TOTP(key).at(int(time.time()) + 30))
    follow(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
