"""The part of the tour that shows a further way of being told."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.paths.album import Album
from tests.paths.customer import Customer, follow


def alert_way(page: Page, album: Album, customer: Customer) -> None:
    """Added, its secret shown, about to be changed."""
    page.goto("/alerts/ways/new?channel=webhook")
    page.get_by_label("Webhook address").fill("https://shop.example/hooks/alerts")
    page.get_by_label("Quiet from").fill("22:00")
    page.get_by_label("Quiet until").fill("07:00")
    customer.press("Save")
    album.take(page, "alert-way-secret")
    customer.press("I have copied it")
    album.take(page, "alert-ways")
    follow(page.get_by_role("button", name="Edit shop.example"))
    album.take(page, "alert-way-edit")
