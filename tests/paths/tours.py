"""The walk through every page: signed out, with nothing, in the wizard, flowing, stopped, as a member, the sandbox."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from collections.abc import Callable

from playwright.sync_api import Page, expect

from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import Mailbox
from tests.paths.account_tour import at_microsoft, not_connected, second_factor
from tests.paths.album import Album
from tests.paths.alert_tour import alert_way
from tests.paths.customer import Customer, follow
from tests.paths.handover_tour import handed_over
from tests.paths.product import TOP, Product, wait_for
from tests.paths.world import app_values, consent_revoked, new_mailbox

GRAPH = "Microsoft Office 365 Exchange (Graph) with OAuth 2.0"
# The other kinds, each with a word of its card.
OTHER_KINDS = {"by-sign-in": "Microsoft 365, by signing in", "xoauth2": "SMTP with OAuth 2.0", "smtp": "SMTP with user"}
OPERATOR = "operator@northwind.example"
SIGNED_OUT = {
    "sign-in": "/sign-in",
    "sign-up": "/sign-up",
    "forgotten": "/sign-in/forgotten",
    "api-docs": "/api/docs",
}
EMPTY = {
    "overview": "/",
    "outbound": "/outbound",
    "messages": "/messages",
    "alerts": "/alerts",
    "alerts-new-way": "/alerts/ways/new",
    "alerts-new-slack": "/alerts/ways/new?channel=slack",
    "credentials": "/credentials",
    "credentials-calendar": "/credentials/calendar",
    "credentials-new": "/credentials/new",
    "credentials-new-app": "/credentials/new?type=microsoft_app",
    "credentials-new-login": "/credentials/new?type=smtp_login",
    "members": "/members",
    "members-invite": "/members/invite",
    "api-keys": "/api-keys",
    "api-keys-new": "/api-keys/new",
    "events": "/events",
    "events-new": "/events/new",
    "audit": "/audit",
    "explain": "/explain",
    "settings": "/settings",
    "security": "/settings/security",
    "data": "/settings/data",
    "data-erase": "/settings/data/erase",
    "again": "/sign-in/again",
    "workspaces": "/workspaces",
    "workspaces-no-match": "/workspaces?q=nobody",
    "workspaces-new": "/workspaces/new",
    "setup": "/setup",
    "setup-new": "/setup/new",
}
LISTS = ("overview", "outbound", "messages", "alerts", "credentials", "members", "api-keys", "audit")
BLANK_FORMS = {
    "sign-in": "Sign in",
    "members/invite": "Make invitation link",
    "api-keys/new": "Make API key",
    "events/new": "Make webhook",
    "workspaces/new": "Make workspace",
    "setup": "Continue",
}


class Tour:
    """One customer, a colleague, the operator, and what each of them sees."""

    def __init__(self, album: Album, product: Product, box: Sandbox, new_page: Callable[..., Page]) -> None:
        self.album, self.product, self.box, self.new_page = album, product, box, new_page
        self.customer = Customer(self.person(), product)
        self.page = self.customer.page
        self.mailbox: Mailbox = new_mailbox(box, self.customer.tag)

    def person(self) -> Page:
        """A browser of its own, watched."""
        page = self.new_page()
        self.album.watch(page)
        return page

    def walk(self) -> None:
        """Everything, in the order in which a customer meets it."""
        self.signed_out()
        self.customer.sign_up()
        self.empty()
        self.wizard()
        self.flowing()
        handed_over(self.page, self.person(), self.album, self.customer, self.box)
        self.stopped()
        self.member()
        self.solved()
        self.refused()
        self.operator()
        self.sandbox()

    def signed_out(self) -> None:
        for name, address in SIGNED_OUT.items():
            self.album.open(self.page, address, f"out-{name}", dark=name == "sign-in")
        self.album.open(self.page, f"/invitations/{'A' * 43}", "out-invitation-unusable", status=404)
        self.album.open(self.page, "/no-such-page", "out-404", status=404)
        self._blank("sign-in", "Sign in")

    def _blank(self, address: str, button: str) -> None:
        """A form sent with nothing in it."""
        self.page.goto(f"/{address}")
        self.page.locator("main form").first.evaluate_all("forms => forms.forEach(form => form.noValidate = true)")
        follow(self.page.get_by_role("main").get_by_role("button", name=button, exact=True))
        expect(self.page.get_by_role("main").get_by_role("alert").first).to_be_visible()
        self.album.take(self.page, f"blank-{address.replace('/', '-')}")

    def empty(self) -> None:
        for name, address in EMPTY.items():
            self.album.open(self.page, address, f"empty-{name}", dark=name in {"overview", "setup"})
        for address, button in BLANK_FORMS.items():
            if address != "sign-in":
                self._blank(address, button)
        self.page.set_viewport_size({"width": 390, "height": 900})
        self.page.get_by_role("button", name="Menu").click()
        self.album.take(self.page, "menu-open")

    def wizard(self) -> None:
        for name, kind in OTHER_KINDS.items():
            self.customer.begin(kind)
            self.album.take(self.page, f"wizard-{name}-credential")
            draft = self.page.url.rpartition("/")[0]
            self.album.open(self.page, f"{draft}/sender", f"wizard-{name}-sender")
        self.album.open(self.page, "/setup/microsoft/callback?state=forged", "wizard-flow-refused", status=400)
        self._declined()
        self._graph()

    def _declined(self) -> None:
        """Whoever signs in at Microsoft says no."""
        self.customer.begin(OTHER_KINDS["by-sign-in"])
        follow(self.page.get_by_role("button", name="Sign in with Microsoft").first)
        expect(self.page.get_by_label("Email address")).to_be_visible()
        self.album.take(self.page, "microsoft-sign-in")
        self.customer.sign_in_at_microsoft(self.mailbox)
        self.album.take(self.page, "microsoft-consent")
        follow(self.page.get_by_role("button", name="Cancel"))
        expect(self.page).to_have_url(re.compile("/setup/microsoft/callback"))
        self.album.take(self.page, "wizard-not-connected")

    def _graph(self) -> None:
        customer, page, album = self.customer, self.page, self.album
        values = app_values(self.box)
        customer.begin(GRAPH)
        album.take(page, "wizard-credential")
        customer.new_app_credential(**{**values, "secret": str(uuid.uuid4())})
        album.take(page, "wizard-credential-wrong")
        customer.new_app_credential(**{**values, "secret": values["secret"][:-4] + "AAAA"})
        expect(page.get_by_text("Microsoft does not know this client secret")).to_be_visible()
        album.take(page, "wizard-credential-refused")
        customer.past_what_microsoft_says()
        album.take(page, "wizard-sender")
        page.get_by_label("From email address").fill("nobody")
        follow(page.get_by_role("button", name="Continue to the test"))
        album.take(page, "wizard-sender-wrong")
        customer.sender(from_address=self.mailbox.address)
        self._test_and_save(values["secret"])

    def _test_and_save(self, secret: str) -> None:
        customer, page, album = self.customer, self.page, self.album
        draft = page.url.rpartition("/")[0]
        album.take(page, "wizard-test")
        assert customer.test(customer.email) == "failed"
        album.take(page, "wizard-test-failed", dark=True)
        album.open(page, f"{draft}/save", "wizard-save-untested")
        album.open(page, f"{draft}/credential", "wizard-credential-chosen")
        album.open(page, f"{draft}/kind", "wizard-kind-chosen")
        album.open(page, draft, "wizard-resumed")
        album.open(page, "/", "draft-overview")
        album.open(page, "/setup", "draft-setup")
        page.goto(f"{draft}/test")
        customer.correct_credential("Client secret (Value)", secret)
        assert customer.test(customer.email) == "passed", customer.verdict_text()
        album.take(page, "wizard-test-passed", dark=True)
        customer.press("Continue to save")
        album.take(page, "wizard-save")
        follow(page.get_by_role("button", name="Save", exact=True))
        expect(page.get_by_text("Healthy").first).to_be_visible()
        album.take(page, "saved")

    def flowing(self) -> None:
        customer, page, album = self.customer, self.page, self.album
        customer.make_api_key()
        album.take(page, "api-key-made")
        sent = customer.post("Invoice 1", customer.shopper)["id"]
        self.box.wait_for_mail(customer.shopper, timeout=90)
        expect(page.get_by_text("Shop")).not_to_have_count(0)
        for name in LISTS:
            album.open(page, EMPTY[name], f"flowing-{name}", dark=name in {"overview", "messages"})
        album.open(page, f"/messages/{sent}", "flowing-message")
        album.open(page, f"/messages/{sent}/content", "flowing-message-content")
        album.open(page, "/messages?text=nothing-like-this", "messages-none-found")
        page.goto("/outbound")
        follow(page.get_by_role("main").get_by_role("link", name="Invoices"))
        album.take(page, "flowing-setup", dark=True)
        album.open(page, f"{page.url}/delete", "setup-delete")
        self._credential()
        self._webhook()
        alert_way(self.page, self.album, self.customer)

    def _credential(self) -> None:
        page, album = self.page, self.album
        page.goto("/credentials")
        follow(page.get_by_role("main").get_by_role("link", name="Contoso app").first)
        album.take(page, "credential")
        address = page.url
        album.open(page, f"{address}/edit", "credential-edit")
        album.open(page, f"{address}/delete", "credential-delete-in-use")
        album.open(page, address.replace("/credentials/", "/setup/reconnect/"), "setup-reconnect-refused", status=409)
        album.open(page, f"{address}/users", "credentials-users")
        self._permissions(address.replace("/credentials/", "/setup/permissions/"))
        self._renew(address.replace("/credentials/", "/setup/rotate/"))
        page.goto("/credentials/calendar")
        follow(page.get_by_role("button", name="Make a calendar address"))
        album.take(page, "calendar-address")

    def _permissions(self, address: str) -> None:
        """Not checked, checked, and a limit that does not hold."""
        page, album = self.page, self.album
        album.open(page, address, "permissions")
        self.customer.press("Check now")
        album.take(page, "permissions-checked")
        page.get_by_label("Control mailbox").fill("admin@contoso.com")
        self.customer.press("Prove that it is refused")
        album.take(page, "permissions-no-limit")

    def _renew(self, address: str) -> None:
        """A second secret: refused, taken, promoted."""
        page, album = self.page, self.album
        album.open(page, address, "renew")
        page.get_by_label("Client secret (Value)").fill("wrong~value-of-another-app")
        self.customer.press("Add and test it")
        album.take(page, "renew-refused")
        self.customer.press("Drop the new one")
        page.get_by_label("Make a certificate here").check()
        self.customer.press("Add and test it")
        album.take(page, "renew-certificate")
        self.customer.press("Drop the new one")
        page.get_by_label("Client secret (Value)").fill(self.box.world.add_secret())
        self.customer.press("Add and test it")
        album.take(page, "renew-tested")
        self.customer.press("Use the new one")
        album.take(page, "renew-promoted")

    def _webhook(self) -> None:
        """Made, tested while nobody answers, changed, about to be deleted."""
        page, album = self.page, self.album
        page.goto("/events/new")
        page.get_by_label("Name").fill("Shop")
        page.get_by_label("Address").fill("https://shop.example/hooks/mail")
        self.customer.press("Make webhook")
        album.take(page, "webhook-secret")
        self.customer.press("I have copied it")
        address = page.url
        self.customer.press("Test")
        album.take(page, "webhook")
        album.open(page, f"{address}/edit", "webhook-edit")
        album.open(page, f"{address}/delete", "webhook-delete")
        album.open(page, "/events", "webhooks")

    def stopped(self) -> None:
        customer, page, album = self.customer, self.page, self.album
        with consent_revoked(self.box, self.box.world.app):
            waiting = customer.post("Invoice 2", customer.shopper)["id"]
            self.box.wait_for_mail(customer.alerts_address, timeout=90)
            for name in LISTS:
                album.open(page, EMPTY[name], f"stopped-{name}", dark=name == "overview")
            follow(page.get_by_role("region", name="Notices").get_by_role("link", name="See what to do"))
            album.take(page, "stopped-setup", dark=True)
            album.open(page, f"/messages/{waiting}", "stopped-message")
            page.goto("/alerts")
            follow(page.locator("main a[href*='/alerts/']").first)
            album.take(page, "stopped-alert")
            assert customer.test_saved_setup() == "failed"
            album.take(page, "saved-setup-test-failed")
            album.open(page, page.url, "saved-setup-test-failed-again")
        assert customer.test_saved_setup() == "passed", customer.verdict_text()
        album.take(page, "saved-setup-test-passed")

    def solved(self) -> None:
        """Later on: the all-clear waits until it can say how much mail has left."""
        self.box.wait_for_mail(self.customer.alerts_address, count=2, timeout=90)
        self.album.open(self.page, "/alerts", "solved-alerts")

    def invite(self) -> str:
        self.page.goto("/members/invite")
        self.page.get_by_label("E-mail address").fill(f"bob.{self.customer.tag}@northwind.example")
        self.customer.press("Make invitation link")
        self.album.take(self.page, "invited")
        link = self.page.locator("main code").inner_text().strip()
        self.album.open(self.page, "/members", "members-with-invitation")
        self.album.open(self.page, link, "invitation-for-another", status=200)
        return link

    def member(self) -> None:
        link, bob = self.invite(), self.person()
        self.album.open(bob, link, "invitation")
        bob.get_by_label("Your name").fill("Bob Lind")
        bob.get_by_label("Password").fill(self.customer.password)
        follow(bob.get_by_role("button", name="Make account and join"))
        expect(bob.get_by_role("heading", name="Overview")).to_be_visible()
        for name in (*LISTS, "settings"):
            self.album.open(bob, EMPTY[name], f"member-{name}", status=403 if name == "audit" else 200)
        bob.goto("/outbound")
        follow(bob.get_by_role("main").get_by_role("link", name="Invoices"))
        self.album.take(bob, "member-setup")
        self.album.open(bob, "/setup", "member-403", status=403)
        self.album.open(bob, link, "invitation-used", status=404)
        at_microsoft(self.page, self.album, self.mailbox)
        not_connected(self.person(), self.album, new_mailbox(self.box, f"stranger.{self.customer.tag}"))
        second_factor(self.page, self.album, self.customer, bob)
        self.new_password(f"bob.{self.customer.tag}@northwind.example")

    def new_password(self, address: str) -> None:
        """Asked for, found in the inbox, chosen badly, chosen."""
        page, album = self.person(), self.album
        page.goto("/sign-in/forgotten")
        page.get_by_label("E-mail address").fill(address)
        follow(page.get_by_role("button", name="Send the link"))
        album.take(page, "forgotten-sent")
        mails = wait_for(lambda: [mail for mail in self.box.inbox(address) if b"/new-password/" in mail.content])
        link = re.search(r"http\S+/new-password/\S+", mails[0].message.get_content())
        assert link
        album.open(page, link[0], "new-password")
        page.get_by_label("Password").fill("short")
        follow(page.get_by_role("button", name="Set password"))
        album.take(page, "new-password-too-short")
        page.get_by_label("Password").fill(f"{self.customer.password}-2")
        follow(page.get_by_role("button", name="Set password"))
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        album.open(page, link[0], "new-password-used", status=404)
        album.open(page, f"/sign-up/{'A' * 43}", "sign-up-link-unusable", status=404)

    def refused(self) -> None:
        self.album.open(self.page, "/no-such-page", "404", status=404)
        self.album.open(self.page, f"/messages/{uuid.uuid4()}", "404-message", status=404)
        self.album.open(self.page, "/operator", "404-operator", status=404)

    def operator(self) -> None:
        command = [
            sys.executable,
            "-m",
            "flask",
            "--app",
            "app",
            "workspace",
            "create",
            "Operations",
            "--admin",
            OPERATOR,
        ]
        made = subprocess.run(
            command, check=False, cwd=TOP, env=self.product.environ, capture_output=True, text=True, timeout=60
        )
        assert made.returncode == 0, made.stderr
        page = self.person()
        page.goto(made.stdout.split()[-1])
        page.get_by_label("Your name").fill("Olga Nyberg")
        page.get_by_label("Password").fill(self.customer.password)
        follow(page.get_by_role("button", name="Make account and join"))
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        self.album.open(page, "/operator", "operator")
        self.album.open(page, "/operator/alerts", "operator-alerts")
        self.album.open(page, "/operator/connections", "operator-connections")
        follow(page.get_by_role("main").get_by_role("button", name="Test"))
        expect(page.get_by_text("Reached", exact=True).first).to_be_visible()
        self.album.take(page, "operator-connections-tested")

    def sandbox(self) -> None:
        page, pages = self.person(), self.box.pages_url
        for name in ("", "switches", "inbox", "requests"):
            self.album.open(page, f"{pages}/{name}", f"sandbox-{name or 'world'}")
        page.goto(f"{pages}/inbox")
        follow(page.locator("main a[href*='/mail/']").first)
        self.album.take(page, "sandbox-mail")
