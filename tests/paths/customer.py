"""A customer in a browser: what a person does, in the words a person sees."""

from __future__ import annotations

import re
import secrets
from typing import Any

import requests
from playwright.sync_api import Locator, Page, expect

from mailsetup.sandbox.people import Mailbox
from tests.paths.product import Product, wait_for

TEST_SECONDS = 60


def follow(leads_elsewhere: Locator) -> None:
    """Clicks, and waits for the page it leads to: the click itself returns while the old page is still shown."""
    with leads_elsewhere.page.expect_navigation():
        leads_elsewhere.click()


class Customer:
    """Signs up, sets up, tests, saves; and the customer's product, which posts mail."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page = page
        self.product = product
        self.tag = secrets.token_hex(4)
        self.email = f"dana.{self.tag}@northwind.example"
        self.password = secrets.token_urlsafe(16)
        self.alerts_address = f"alerts.{self.tag}@northwind.example"
        self.shopper = f"shopper.{self.tag}@customer.example"
        self.api_key = ""

    def press(self, name: str | re.Pattern[str]) -> None:
        """Clicks what a person sees as a button, whether it submits or leads elsewhere."""
        main = self.page.get_by_role("main")
        follow(main.get_by_role("button", name=name).or_(main.get_by_role("link", name=name)).first)

    def sign_up(self) -> None:
        self.page.goto("/sign-up")
        self.page.get_by_label("Your name").fill("Dana Reyes")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Password", exact=True).fill(self.password)
        self.page.get_by_label("Workspace name").fill(f"Northwind {self.tag}")
        follow(self.page.get_by_role("button", name="Make account"))
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()

    def sign_in(self) -> None:
        self.page.goto("/")
        self.page.get_by_label("E-mail address").fill(self.email)
        self.page.get_by_label("Password").fill(self.password)
        follow(self.page.get_by_role("button", name="Sign in"))
        expect(self.page.get_by_role("heading", name="Overview")).to_be_visible()

    def begin(self, kind: str) -> None:
        """From the overview to the credential of a kind."""
        self.page.goto("/")
        self.press(re.compile("Set up outbound mail|Begin another setup instead"))
        expect(self.page.get_by_role("heading", name="What kind of mail service are you using?")).to_be_visible()
        self.page.locator("label.choice", has_text=kind).click()
        follow(self.page.get_by_role("button", name="Continue"))

    def new_app_credential(self, *, tenant_id: str, client_id: str, secret: str) -> None:
        self.page.locator("#f-name").fill(f"Contoso app {self.tag}")
        self.page.get_by_label("Directory (tenant) ID").fill(tenant_id)
        self.page.get_by_label("Application (client) ID").fill(client_id)
        self.page.get_by_label("Client secret (Value)").fill(secret)
        follow(self.page.get_by_role("button", name="Save credential and continue"))

    def past_what_microsoft_says(self) -> None:
        """From the check of a new app, which nobody has to wait for."""
        expect(self.page.get_by_role("heading", name="What Microsoft says of this app")).to_be_visible()
        self.press("Continue")

    def new_login(self, *, username: str, password: str) -> None:
        self.page.locator("#f-name").fill(f"Mail server login {self.tag}")
        self.page.get_by_label("User name").fill(username)
        self.page.locator("#f-password").fill(password)
        follow(self.page.get_by_role("button", name="Save credential and continue"))

    def own_app_for_sign_in(self, *, tenant_id: str, client_id: str, secret: str) -> None:
        """Signing in through an app that the customer registered."""
        self.page.get_by_text("Or sign in through an app of your own organisation").click()
        form = self.page.locator("details.own-app")
        form.get_by_label("Directory (tenant) ID").fill(tenant_id)
        form.get_by_label("Application (client) ID").fill(client_id)
        form.get_by_label("Client secret (Value)").fill(secret)
        follow(form.get_by_role("button", name="Sign in with Microsoft"))

    def sign_in_with_microsoft(self, mailbox: Mailbox) -> None:
        """Through the app of the platform: there, and all the way through Microsoft's pages."""
        follow(self.page.get_by_role("button", name="Sign in with Microsoft").first)
        self.sign_in_at_microsoft(mailbox)
        follow(self.page.get_by_role("button", name="Accept"))

    def sign_in_at_microsoft(self, mailbox: Mailbox) -> None:
        """Address and password, and the second factor of who has one."""
        self.page.get_by_label("Email address").fill(mailbox.address)
        self.page.get_by_label("Password").fill(mailbox.password)
        follow(self.page.get_by_role("button", name="Sign in"))
        if mailbox.mfa:
            shown = self.page.locator("#hint").inner_text()
            self.page.get_by_label("Code").fill("".join(filter(str.isdigit, shown)))
            follow(self.page.get_by_role("button", name="Verify"))

    def sender(self, *, from_address: str, server: dict[str, str] | None = None) -> None:
        """The step Sender and alerts; `server` gives host, port, tls for kinds that ask."""
        expect(self.page.get_by_role("heading", name="From which address does mail come?")).to_be_visible()
        self.page.get_by_label("Name of this setup").fill("Invoices")
        self.page.get_by_label("From email address").fill(from_address)
        self._fill_server(server or {})
        self.page.get_by_label("Backend failure alerts email address").fill(self.alerts_address)
        self._to_the_test()

    def _fill_server(self, server: dict[str, str]) -> None:
        for name, value in server.items():
            field = self.page.locator(f"#f-{name}")
            if name == "tls":
                field.select_option(value)
            else:
                field.fill(value)

    def _to_the_test(self) -> None:
        follow(self.page.get_by_role("button", name="Continue to the test"))
        expect(self.page.get_by_role("heading", name="Test before saving")).to_be_visible()

    def change_sender(self, *, from_address: str = "", server: dict[str, str] | None = None) -> None:
        """Back from the test to the step Sender and alerts, another answer, and on again."""
        follow(self.page.get_by_role("list", name="Steps").get_by_role("link", name="Sender and alerts"))
        if from_address:
            self.page.get_by_label("From email address").fill(from_address)
        self._fill_server(server or {})
        self._to_the_test()

    def correct_credential(self, label: str, value: str) -> None:
        """The button under a refused sign-in: one value of the credential anew, and back to the test."""
        self.press("Edit credential")
        self.page.get_by_label(label, exact=True).fill(value)
        self.press("Save changes")
        expect(self.page.get_by_text("is saved.")).to_be_visible()
        expect(self.page.get_by_role("heading", name="Test before saving")).to_be_visible()

    def test(self, recipient: str) -> str:
        """Clicks Test and waits for the verdict: passed, failed or cancelled."""
        self.page.locator("#f-recipient").fill(recipient)
        return self._run("Test")

    def test_again(self) -> str:
        """The button under the explanation of a failed test."""
        return self._run("Test again")

    def test_saved_setup(self) -> str:
        """Test on the page of a saved setup, which leads to a page of its own."""
        self.page.goto("/outbound")
        follow(self.page.get_by_role("main").get_by_role("link", name="Invoices"))
        return self.test(self.email)

    def _run(self, button: str) -> str:
        follow(self.page.get_by_role("button", name=button, exact=True))
        return wait_for(self._verdict, seconds=TEST_SECONDS, what="the verdict of the test")

    def _verdict(self) -> str | None:
        state = self.page.locator("#test-run").get_attribute("data-state")
        return state if state in {"passed", "failed", "cancelled"} else None

    def verdict_text(self) -> str:
        return self.page.locator("#test-run .test-verdict").inner_text()

    def stages(self) -> dict[str, str]:
        """The state of every stage, by its plain words."""
        lines = self.page.locator("#test-run li")
        return {line.split("\n")[0]: line for line in lines.all_inner_texts()}

    def save(self) -> None:
        self.press("Continue to save")
        follow(self.page.get_by_role("button", name="Save", exact=True))
        expect(self.page.get_by_text("Healthy").first).to_be_visible()

    def go_live(self) -> None:
        """The last test, save, and a key for the product."""
        assert self.test(self.email) == "passed", self.verdict_text()
        self.save()
        self.make_api_key()

    def make_api_key(self) -> str:
        self.page.goto("/api-keys")
        links = self.page.get_by_role("link", name="API key").or_(self.page.get_by_role("link", name="Make API key"))
        follow(links.last)
        self.page.get_by_label("Name", exact=True).fill(f"Shop {self.tag}")
        for scope in ("send", "read"):
            self.page.locator(f"input[name=scopes][value={scope}]").check()
        follow(self.page.get_by_role("button", name="Make API key"))
        self.api_key = self.page.locator("main code").first.inner_text().strip()
        assert self.api_key.startswith("oms_live_")
        return self.api_key

    def post(self, subject: str, to: str, **more: Any) -> dict[str, Any]:
        """What the customer's product does: POST /api/v1/messages."""
        body = {"to": [to], "subject": subject, "text": "Your invoice is attached.", **more}
        answer = self.ask("POST", "/api/v1/messages", json=body)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.api_key}", **more.pop("headers", {})}
        return requests.request(method, f"{self.product.url}{path}", headers=headers, timeout=20, **more)

    def message(self, message_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"/api/v1/messages/{message_id}").json()
        return found
