"""A person with a browser that has no JavaScript."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests

from tests.sandbox.customer import REDIRECT

HOME = REDIRECT.removesuffix(urlsplit(REDIRECT).path)


class Person:
    """Opens addresses, fills the form on the page, and stops where the app's own address begins."""

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.trust_env = False
        self.at = ""
        self.page = ""

    def open(self, address: str) -> str:
        return self._follow("GET", address)

    def submit(self, nth: int = 0, **values: str) -> str:
        """Sends the nth form of the page with its hidden fields and these values."""
        form = re.findall(r"<form.*?</form>", self.page, re.DOTALL)[nth]
        action = html.unescape(re.search(r'action="([^"]*)"', form)[1])  # type: ignore[index]
        hidden = dict(re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form))
        return self._follow("POST", urljoin(self.at, action), {**hidden, **values})

    def sign_in(self, mailbox: Any) -> str:
        return self.submit(address=mailbox.address, password=mailbox.password)

    @property
    def brought(self) -> dict[str, str]:
        """What the app was given in its callback."""
        assert self.at.startswith(REDIRECT), self.page
        return dict(parse_qsl(urlsplit(self.at).query))

    def _follow(self, method: str, address: str, data: dict[str, str] | None = None) -> str:
        while not address.startswith(HOME):
            answer = self.http.request(method, address, data=data, allow_redirects=False, timeout=60)
            self.at, self.page = address, answer.text
            if not answer.is_redirect:
                return self.page
            method, data, address = "GET", None, urljoin(address, answer.headers["Location"])
        self.at, self.page = address, ""
        return self.page
