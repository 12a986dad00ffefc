"""A whole sandbox: started, asked and stopped as one thing."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mailsetup.core.errors import SettingsError
from mailsetup.sandbox import certificates
from mailsetup.sandbox.inbox import Mail
from mailsetup.sandbox.requests import Request
from mailsetup.sandbox.smtp_doors import SmtpDoors
from mailsetup.sandbox.state import Addresses, open_state
from mailsetup.sandbox.web import WebServers
from mailsetup.sandbox.world import World

ALLOWED = ("development", "test")


def refuse_production() -> None:
    """Raises SettingsError unless MAILSETUP_ENV says development or test."""
    environment = os.environ.get("MAILSETUP_ENV", "production")
    if environment not in ALLOWED:
        raise SettingsError(
            "The sandbox stands for Microsoft and starts only with MAILSETUP_ENV=development or MAILSETUP_ENV=test; "
            f"here it is {environment!r}."
        )


class Sandbox:
    """A local Microsoft and an inbox; `ports` by name (see Addresses), 0 or missing means a free one."""

    def __init__(
        self, folder: Path | str, ports: Mapping[str, int] | None = None, *, redirect_uri: str | None = None
    ) -> None:
        refuse_production()
        self.folder = Path(folder)
        self.state = open_state(self.folder)
        self.state.addresses = Addresses(**(ports or {}))
        if redirect_uri:
            self.state.world.add_redirect_uri(redirect_uri)
        tls = certificates.server_context(self.folder)
        try:
            self._web = WebServers(self.state, tls)
        except OSError:
            self.state.store.close()
            raise
        self._smtp = SmtpDoors(self.state, tls)

    def start(self) -> Self:
        """Opens every door and writes `addresses.json` and `platform_app.json`."""
        self._web.open()
        try:
            self._smtp.open()
        except OSError:
            self.stop()
            raise
        app = self.world.platform_app
        self._write("platform_app.json", {"client_id": app.client_id, "client_secret": app.secret})
        self._write("addresses.json", self.addresses())
        return self

    def stop(self) -> None:
        """Closes every door; what happened is kept in the folder."""
        self._web.close()
        self._smtp.close()
        self.state.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def world(self) -> World:
        """The organisations, mailboxes and apps."""
        return self.state.world

    @property
    def login_url(self) -> str:
        """For MAILSETUP_MICROSOFT_LOGIN_URL."""
        return self.state.addresses.login_url

    @property
    def graph_url(self) -> str:
        """For MAILSETUP_GRAPH_URL."""
        return self.state.addresses.graph_url

    @property
    def pages_url(self) -> str:
        """Where a person looks: world, inbox, requests."""
        return self.state.addresses.pages_url

    @property
    def ca_file(self) -> Path:
        """For MAILSETUP_CA_BUNDLE."""
        return self.folder / "ca.pem"

    @property
    def outlook_smtp(self) -> tuple[str, int]:
        """For MAILSETUP_OUTLOOK_SMTP: STARTTLS, then XOAUTH2."""
        return "localhost", self.state.addresses.outlook_smtp

    @property
    def smtp_starttls(self) -> tuple[str, int]:
        """A mail server with STARTTLS and login."""
        return "localhost", self.state.addresses.smtp_starttls

    @property
    def smtp_tls(self) -> tuple[str, int]:
        """A mail server with TLS from the first byte and login."""
        return "localhost", self.state.addresses.smtp_tls

    @property
    def smtp_plain(self) -> tuple[str, int]:
        """A relay without TLS and login."""
        return "localhost", self.state.addresses.smtp_plain

    @property
    def operator_smtp(self) -> tuple[str, int]:
        """The operator's own mailer, without TLS and login."""
        return "localhost", self.state.addresses.operator_smtp

    @property
    def requests(self) -> list[Request]:
        """The last requests, oldest first, secrets masked."""
        return self.state.requests.list()

    def inbox(self, address: str | None = None) -> list[Mail]:
        """The mails for one address or for all, oldest first."""
        return self.state.store.mails(address)

    def wait_for_mail(self, address: str | None = None, *, count: int = 1, timeout: float = 10) -> list[Mail]:
        """The mails once there are `count` of them. Raises TimeoutError after `timeout` seconds."""
        if not self.state.store.wait_for(address, count, timeout):
            raise TimeoutError(f"{len(self.inbox(address))} of {count} mails for {address} after {timeout} s")
        return self.inbox(address)

    def switch(self, error_name: str, on: bool = True, times: int | None = None) -> None:
        """Switches an error on (for the next `times` calls) or off. Raises InvalidInput."""
        self.state.switches.turn(error_name, on, times)

    @property
    def latency(self) -> float:
        """How many seconds Graph and the SMTP doors take to accept a mail; it can be set."""
        return self.state.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self.state.latency = seconds

    @property
    def token_lifetime(self) -> float:
        """How many seconds new access tokens are good for; it can be set, also below 0."""
        return self.state.token_lifetime

    @token_lifetime.setter
    def token_lifetime(self, seconds: float) -> None:
        self.state.token_lifetime = seconds

    def addresses(self) -> dict[str, str]:
        """Every address and file, as `addresses.json` has them."""
        doors = ("outlook_smtp", "smtp_starttls", "smtp_tls", "smtp_plain", "operator_smtp")
        found = {name: "{}:{}".format(*getattr(self, name)) for name in doors}
        urls = {"login_url": self.login_url, "graph_url": self.graph_url, "pages_url": self.pages_url}
        files = {"ca_file": str(self.ca_file), "platform_app_file": str(self.folder / "platform_app.json")}
        return urls | found | files

    def _write(self, name: str, content: dict[str, str]) -> None:
        certificates.write_private(self.folder / name, json.dumps(content, indent=2).encode())
