"""The values that fill the catalogue's texts, and the plain words for stages and people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services.clouds import CLOUDS

WHO = {
    "workspace_admin": "You, or another admin of this workspace",
    "microsoft_admin": "Your Microsoft admin",
    "mailbox_user": "The owner of the mailbox",
    "operator": "Our support",
    "nobody_wait": "Nobody: we try again",
}
_WITHOUT = {
    "client_id": "(the client ID in the credential)",
    "tenant_id": "(the tenant ID in the credential)",
    "from_address": "the From address",
    "mailbox": "the mailbox",
    "recipient": "the recipient's address",
    "host": "the mail server",
    "port": "(the port in the settings)",
    "redirect_uri": "(the redirect address shown in the setup)",
    "limit": "the service's limit",
    "ended": "its end date",
}
_STAGES = {
    "settings": "Checking the settings",
    "token": "Getting permission from Microsoft",
    "resolve": "Finding {host}",
    "connect": "Connecting to {host}",
    "tls": "Securing the connection",
    "authenticate": "Signing in",
    "sender": "May send as {from_address}",
    "recipient": "Recipient taken",
    "accept": "Message accepted",
}
_BLADE = "/#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade/~/{page}/appId/{client_id}/isMSAApp~/false"
_LIST = "/#view/Microsoft_AAD_RegisteredApps/ApplicationsListBlade"
_PAGES = {
    "link_app": "Overview",
    "link_permissions": "CallAnAPI",
    "link_secrets": "Credentials",
    "link_authentication": "Authentication",
}


def stage_label(stage: str, context: Mapping[str, Any] | None = None) -> str:
    """What a stage does, in plain words."""
    return _STAGES.get(stage, stage).format_map(fillings(context or {}))


def fillings(context: Mapping[str, Any]) -> dict[str, str]:
    """Every placeholder of the catalogue, filled from the context or with words that stand for it."""
    known = {name: str(context.get(name) or instead) for name, instead in _WITHOUT.items()}
    known["mailbox"] = str(context.get("mailbox") or context.get("username") or known["from_address"])
    return known | _links(context)


def _links(context: Mapping[str, Any]) -> dict[str, str]:
    """Deep links into Microsoft's pages; without a client ID the list of apps."""
    cloud = CLOUDS.get(str(context.get("cloud") or "global"), CLOUDS["global"])
    client_id, tenant_id = str(context.get("client_id") or ""), str(context.get("tenant_id") or "")
    links = {name: cloud.portal_url + _page(page, client_id) for name, page in _PAGES.items()}
    links["link_portal"] = cloud.portal_url
    links["link_consent"] = f"{cloud.login_url}/{tenant_id or 'organizations'}/adminconsent?client_id={client_id}"
    if not client_id:
        links["link_consent"] = links["link_permissions"]
    return links


def _page(page: str, client_id: str) -> str:
    return _BLADE.format(page=page, client_id=client_id) if client_id else _LIST
