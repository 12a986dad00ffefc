"""What the written-out steps at Microsoft are filled with (templates/wizard/kinds/)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import current_app

from mailsetup.mail_services import registry
from mailsetup.mail_services.clouds import CLOUDS, cloud_of
from mailsetup.mail_services.exchange_commands import ExchangeCommands
from mailsetup.mail_services.hints.words import consent_address, portal_path
from mailsetup.platform import current_platform


@dataclass(frozen=True)
class Guide:
    """The values of one customer; `handed_over` when their Microsoft admin reads it without an account here."""

    redirect_uri: str
    portal_url: str
    login_url: str
    signing_in: bool
    from_address: str
    client_id: str
    tenant_id: str
    handed_over: bool = False
    object_id: str = ""
    more_redirect_uri: str = ""  # a second one to register: where the hand-over's consent comes back to

    @property
    def exchange(self) -> ExchangeCommands:
        """The commands for an Exchange administrator."""
        return ExchangeCommands(self.client_id, self.object_id, self.from_address)

    @property
    def consent_link(self) -> str:
        """Where an administrator allows what the app asks for; placeholders where an id is not known."""
        known = {"client_id": self.exchange.app, "tenant_id": self.tenant_id or "<tenant-id>"}
        return consent_address(self.login_url, **known)

    def link(self, page: str) -> str:
        """Where in the portal: `app`, `permissions`, `secrets`, `authentication`; the list of apps without an id."""
        return self.portal_url + portal_path(f"link_{page}", self.client_id)


def guide_of(
    public: Mapping[str, str],
    *,
    signing_in: bool = False,
    from_address: str = "",
    redirect_uri: str = "",
    handed_over: bool = False,
    more_redirect_uri: str = "",
) -> Guide:
    """The guide for an app, as far as it is known."""
    platform = current_platform()
    cloud = cloud_of(public.get("cloud", ""), platform)
    return Guide(
        redirect_uri=redirect_uri or platform.redirect_uri,
        portal_url=cloud.portal_url,
        login_url=cloud.login_url.rstrip("/"),
        signing_in=signing_in,
        from_address=from_address,
        client_id=public.get("client_id", ""),
        tenant_id=public.get("tenant_id", ""),
        handed_over=handed_over,
        object_id=public.get("object_id", ""),
        more_redirect_uri=more_redirect_uri,
    )


def manual() -> str:
    """The manual for Microsoft admins, docs/microsoft.md, with the links and commands of the pages."""
    world = CLOUDS["global"]
    app = Guide("", world.portal_url, world.login_url, signing_in=False, from_address="", client_id="", tenant_id="")
    text: str = current_app.jinja_env.get_template("wizard/microsoft.md").render(
        app=app,
        graph=registry.get("graph_client_credentials"),
        delegated=registry.get("graph_delegated"),
        smtp=registry.get("smtp_xoauth2"),
        clouds=tuple(CLOUDS.values()),
    )
    return text.rstrip("\n") + "\n"
