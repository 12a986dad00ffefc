"""Microsoft's clouds: each has its own sign-in, Graph and mail servers, and tokens do not cross."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from mailsetup.mail_services.base import Platform


@dataclass(frozen=True)
class Cloud:
    """One cloud (learn.microsoft.com, "Microsoft Graph national cloud deployments")."""

    name: str
    label: str
    login_url: str
    graph_url: str
    outlook_url: str  # what delegated SMTP.Send is a scope of
    outlook_app_url: str  # what app-only SMTP tokens are for
    smtp_host: str
    smtp_port: int = 587
    personal_smtp_host: str = "smtp-mail.outlook.com"  # personal accounts are in the global cloud alone
    portal_url: str = "https://portal.azure.com"

    @property
    def graph_scope(self) -> str:
        """App-only Graph: every application permission granted."""
        return f"{self._resource(self.graph_url)}/.default"

    @property
    def smtp_app_scope(self) -> str:
        """App-only SMTP."""
        return f"{self.outlook_app_url}/.default"

    @property
    def smtp_scope(self) -> str:
        """SMTP as the signed-in person."""
        return f"{self.outlook_url}/SMTP.Send"

    def graph_scopes(self, *names: str) -> tuple[str, ...]:
        """Delegated Graph scopes, fully named, as a bare name means the global cloud."""
        return tuple(f"{self._resource(self.graph_url)}/{name}" for name in names)

    def _resource(self, url: str) -> str:
        """The resource a Graph address stands for; a stand-in or private one is the global cloud's."""
        known = {cloud.graph_url for cloud in CLOUDS.values()}
        return url if url in known else CLOUDS["global"].graph_url

    @property
    def graph_host(self) -> str:
        """The host name of Graph."""
        return urlsplit(self.graph_url).hostname or ""


# The directory of all personal accounts (learn.microsoft.com, "ID token claims reference").
PERSONAL_TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"
_OUTLOOK, _OUTLOOK_APP = "https://outlook.office.com", "https://outlook.office365.com"
CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "global",
            "Microsoft 365 (worldwide, and GCC)",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
            _OUTLOOK,
            _OUTLOOK_APP,
            "smtp.office365.com",
            portal_url="https://entra.microsoft.com",
        ),
        Cloud(
            "usgov",
            "US Government (GCC High)",
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us",
            "https://outlook.office365.us",
            "https://outlook.office365.us",
            "smtp.office365.us",
            portal_url="https://portal.azure.us",
        ),
        Cloud(
            "usgov_dod",
            "US Department of Defense",
            "https://login.microsoftonline.us",
            "https://dod-graph.microsoft.us",
            "https://outlook-dod.office365.us",
            "https://outlook-dod.office365.us",
            "outlook-dod.office365.us",
            portal_url="https://portal.azure.us",
        ),
        Cloud(
            "china",
            "China (21Vianet)",
            "https://login.partner.microsoftonline.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            "https://partner.outlook.cn",
            "https://partner.outlook.cn",
            "smtp.partner.outlook.cn",
            portal_url="https://portal.azure.cn",
        ),
    )
}
OWN = "own"
CLOUD_CHOICES = (
    *((cloud.name, cloud.label) for cloud in CLOUDS.values()),
    (OWN, "The private cloud of this installation"),
)
_CHANGEABLE = frozenset(Cloud.__dataclass_fields__) - {"name", "smtp_port"}


def is_personal(public: Mapping[str, str]) -> bool:
    """Whether a personal account (outlook.com) signed in, of nobody's organisation."""
    return public.get("account_tid", "") == PERSONAL_TENANT


def choices_for(platform: Platform) -> tuple[tuple[str, str], ...]:
    """The clouds to choose from here: a private one only where the operator set one up."""
    return tuple((name, label) for name, label in CLOUD_CHOICES if name != OWN or OWN in platform.clouds)


def check_clouds(clouds: Mapping[str, Mapping[str, str]]) -> str:
    """What is wrong with the operator's changes, in a sentence; empty when they can be used."""
    for name, facts in clouds.items():
        if name not in dict(CLOUD_CHOICES):
            return f"There is no cloud {name}; there are {', '.join(dict(CLOUD_CHOICES))}."
        unknown = sorted(set(facts) - _CHANGEABLE)
        if unknown:
            return f"A cloud has no {', '.join(unknown)}; it has {', '.join(sorted(_CHANGEABLE))}."
        wrong = sorted(key for key, value in facts.items() if key.endswith("_url") and not value.startswith("https://"))
        if wrong:
            return f"{', '.join(wrong)} of the cloud {name} must begin with https://."
    missing = {"login_url", "graph_url"} - set(clouds.get(OWN, {"login_url": "", "graph_url": ""}))
    return f"The cloud {OWN} needs {' and '.join(sorted(missing))}." if missing else ""


def cloud_of(name: str, platform: Platform) -> Cloud:
    """The cloud by name, with what the operator's settings change of it."""
    known = CLOUDS.get(name or "global", CLOUDS["global"])
    base = replace(known, name=name) if name in platform.clouds else known
    changes: dict[str, Any] = dict(platform.clouds.get(base.name, {}))
    return replace(_as_set(base, platform), **changes)


def _as_set(cloud: Cloud, platform: Platform) -> Cloud:
    """The global cloud's addresses have settings of their own."""
    if cloud.name != "global":
        return cloud
    as_known = platform.outlook_smtp_host == cloud.smtp_host
    return replace(
        cloud,
        login_url=platform.login_url,
        graph_url=platform.graph_url,
        smtp_host=platform.outlook_smtp_host,
        smtp_port=platform.outlook_smtp_port,
        personal_smtp_host=cloud.personal_smtp_host if as_known else platform.outlook_smtp_host,
    )
