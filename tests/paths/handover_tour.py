"""The part of the tour that shows the link for a Microsoft admin, who has no account here."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from mailsetup.sandbox import Sandbox
from tests.paths.album import Album
from tests.paths.customer import Customer, follow

GRAPH = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"
SIGN_IN = "Microsoft 365, by signing in"


def handed_over(page: Page, admin: Page, album: Album, customer: Customer, box: Sandbox) -> None:
    """An app of their own from the link to the proof, then our own app, which people sign in to."""
    _chosen(page, GRAPH)
    page.locator("#new > summary").click()
    customer.press("Make a hand-over link")
    album.take(page, "wizard-handover")
    album.open(admin, page.locator("main code").first.inner_text().strip(), "handover")
    _app(admin, album, box)
    # The page of the wizard follows by itself.
    expect(page.get_by_role("button", name="Use this app and continue")).to_be_visible()
    album.take(page, "wizard-handover-done")
    album.open(admin, "/handover/callback?state=forged", "handover-unusable", status=404)
    _chosen(page, SIGN_IN)
    page.locator("#by-admin > summary").click()
    customer.press("Make a hand-over link")
    expect(page.get_by_text("The link is ready.")).to_be_visible()
    album.take(page, "wizard-handover-sign-in")
    album.open(admin, page.locator("main code").first.inner_text().strip(), "handover-allow-ours")


def _chosen(page: Page, kind: str) -> None:
    page.goto("/setup/new")
    page.locator("label.choice", has_text=kind).click()
    follow(page.get_by_role("button", name="Continue"))


def _app(admin: Page, album: Album, box: Sandbox) -> None:
    follow(admin.get_by_role("button", name="Save the ids"))
    album.take(admin, "handover-wrong")
    admin.get_by_label("Directory (tenant) ID").fill(box.world.contoso.tenant_id)
    admin.get_by_label("Application (client) ID").fill(box.world.app.client_id)
    follow(admin.get_by_role("button", name="Save the ids"))
    album.take(admin, "handover-ids")
    with admin.expect_download() as file:
        admin.get_by_role("link", name="Download the certificate").click()
    follow(admin.get_by_role("button", name="Check", exact=True))
    album.take(admin, "handover-refused")
    box.world.add_certificate(file.value.path().read_text())
    follow(admin.get_by_role("button", name="Check", exact=True))
    expect(admin.get_by_text("That is all.")).to_be_visible()
    album.take(admin, "handover-done")
