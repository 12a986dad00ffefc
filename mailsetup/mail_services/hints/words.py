"""The values that fill the catalogue's texts, and the plain words for stages and people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services.clouds import CLOUDS
from mailsetup.mail_services.hints.providers import provider_of

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
    "main_address": "the mailbox's main address",
    "recipient": "the recipient's address",
    "host": "the mail server",
    "port": "(the port in the settings)",
    "redirect_uri": "(the redirect address shown in the setup)",
    "limit": "the service's limit",
    "ended": "its end date",
}
# What a command shows where the value is not known, or is nothing that belongs on a command line.
_IN_COMMANDS = {
    "mailbox_id": ("mailbox", "ADDRESS-OF-THE-MAILBOX"),
    "sender_id": ("from_address", "THE-FROM-ADDRESS"),
    "app_id": ("client_id", "CLIENT-ID-OF-THE-APP"),
}
_COMMAND_VALUE = re.compile(r"[\w.+@-]{1,120}")
_ID = re.compile(r"[\w.-]{1,100}")
_NUMBER = re.compile(r"AADSTS(\d{3,8})")
_BEGINNING = re.compile(
    r"(?:^|(?<=\. ))(?:the|your)\b(?= mail server| mailbox| From address| recipient's| mail provider)"
)
VALUE_LIMIT = 120
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


def fillings(context: Mapping[str, Any], code: str = "") -> dict[str, str]:
    """Every placeholder of the catalogue, filled from the context or with words that stand for it."""
    known = {name: _shown(context.get(name)) or instead for name, instead in _WITHOUT.items()}
    known["mailbox"] = _shown(context.get("mailbox") or context.get("username")) or _sender_or_mailbox(known)
    known["provider"] = provider_of(str(context.get("host") or "")) or "your mail provider"
    for name, (source, instead) in _IN_COMMANDS.items():
        known[name] = known[source] if _COMMAND_VALUE.fullmatch(known[source]) else instead
    return known | _links(context, code)


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text of the catalogue with its values; words that stand for a missing one may begin a sentence."""
    return _BEGINNING.sub(lambda found: found[0].capitalize(), text.format_map(values))


def _sender_or_mailbox(known: Mapping[str, str]) -> str:
    sender = known["from_address"]
    return sender if sender != _WITHOUT["from_address"] else _WITHOUT["mailbox"]


def _shown(value: object) -> str:
    """A value on one line and not too long: an explanation fits one screen."""
    text = " ".join(str(value or "").split())
    return text if len(text) <= VALUE_LIMIT else text[: VALUE_LIMIT - 1] + "…"


def _links(context: Mapping[str, Any], code: str) -> dict[str, str]:
    """Deep links into Microsoft's pages; without a client ID the list of apps."""
    cloud = CLOUDS.get(str(context.get("cloud") or "global"), CLOUDS["global"])
    client_id, tenant_id = _id(context.get("client_id")), _id(context.get("tenant_id"))
    links = {name: cloud.portal_url + portal_path(name, client_id) for name in _PAGES}
    links["link_portal"] = cloud.portal_url
    links["link_consent"] = consent_address(cloud.login_url, client_id, tenant_id)
    if not client_id:
        links["link_consent"] = links["link_permissions"]
    number = _NUMBER.search(code)
    links["link_error"] = f"{cloud.login_url}/error" + (f"?code={number[1]}" if number else "")
    return links


def consent_address(login_url: str, client_id: str, tenant_id: str) -> str:
    """Where an administrator allows everything that an app's registration lists (Microsoft, "Admin consent")."""
    return f"{login_url}/{tenant_id or 'organizations'}/adminconsent?client_id={client_id}"


def _id(value: object) -> str:
    """What may stand in an address; nothing of anything else."""
    text = str(value or "").strip()
    return text if _ID.fullmatch(text) else ""


def portal_path(link: str, client_id: str) -> str:
    """Where a page of the app is in the portal, such as `link_secrets`; without a client ID the list of apps."""
    known = _id(client_id)
    return _BLADE.format(page=_PAGES[link], client_id=known) if known else _LIST
