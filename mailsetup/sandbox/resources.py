"""The two services a token can be for, and the scopes that name them.

Scope rules: https://learn.microsoft.com/entra/identity-platform/scopes-oidc
"""

from __future__ import annotations

from dataclasses import dataclass

OIDC_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
DEFAULT = ".default"


@dataclass(frozen=True)
class Resource:
    """A service with permissions: how scopes spell it, its application roles and its delegated scopes."""

    key: str
    name: str
    uris: tuple[str, ...]
    roles: tuple[str, ...]
    scopes: tuple[str, ...]


GRAPH = Resource(
    key="graph",
    name="Microsoft Graph",
    uris=(
        "https://graph.microsoft.com",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
        "00000003-0000-0000-c000-000000000000",
    ),
    roles=("Mail.Send", "Mail.Read", "Mail.ReadWrite", "User.Read.All"),
    scopes=("Mail.Send", "Mail.Send.Shared", "Mail.Read", "Mail.ReadWrite", "User.Read"),
)
OUTLOOK = Resource(
    key="outlook",
    name="Office 365 Exchange Online",
    uris=(
        "https://outlook.office.com",
        "https://outlook.office365.com",
        "https://outlook.office365.us",
        "https://outlook-dod.office365.us",
        "https://partner.outlook.cn",
        "00000002-0000-0ff1-ce00-000000000000",
    ),
    roles=("SMTP.SendAsApp",),
    scopes=("SMTP.Send",),
)
RESOURCES = (GRAPH, OUTLOOK)

# What a person reads on the consent page, in Microsoft's words.
CONSENT_TEXT = {
    "graph/Mail.Send": ("Send mail as you", "Allows the app to send mail as you."),
    "graph/Mail.Send.Shared": (
        "Send mail on behalf of others or yourself",
        "Allows the app to send mail as you or on-behalf of someone else.",
    ),
    "graph/Mail.Read": ("Read your mail", "Allows the app to read the mail in your mailbox."),
    "graph/Mail.ReadWrite": (
        "Read and write access to your mail",
        "Allows the app to create, read, update and delete your mail.",
    ),
    "graph/User.Read": (
        "Sign you in and read your profile",
        "Allows you to sign in to the app with your organizational account and let the app read your profile.",
    ),
    "outlook/SMTP.Send": (
        "Send emails from your mailbox using SMTP AUTH",
        "Allows the app to send emails on your behalf from your mailbox.",
    ),
    "oidc/offline_access": (
        "Maintain access to data you have given it access to",
        "Allows the app to see and update the data you gave it access to, even when you are not using the app.",
    ),
}
ADMIN_TEXT = {
    "graph/Mail.Send": (
        "Send mail as any user",
        "Allows the app to send mail as any user without a signed-in user.",
    ),
    "graph/Mail.Read": (
        "Read mail in all mailboxes",
        "Allows the app to read mail in all mailboxes without a signed-in user.",
    ),
    "graph/Mail.ReadWrite": (
        "Read and write mail in all mailboxes",
        "Allows the app to create, read, update, and delete mail in all mailboxes without a signed-in user.",
    ),
    "graph/User.Read.All": (
        "Read all users' full profiles",
        "Allows the app to read user profiles without a signed-in user.",
    ),
    "outlook/SMTP.SendAsApp": (
        "Application access for sending emails via SMTP AUTH",
        "Allows the app to send emails via SMTP AUTH without a signed-in user.",
    ),
}


@dataclass(frozen=True)
class Scope:
    """One asked scope: the resource (None for openid and its like), its spelling, and the permission's name."""

    resource: Resource | None
    audience: str
    name: str
    spelling: str

    @property
    def permission(self) -> str:
        """The permission as the world keeps it, such as `graph/Mail.Send`."""
        return f"{self.resource.key if self.resource else 'oidc'}/{self.name}"


class UnknownScope(Exception):
    """The scope names a service or a permission that does not exist; `code` is the AADSTS number."""

    def __init__(self, spelling: str, code: int) -> None:
        super().__init__(spelling)
        self.spelling = spelling
        self.code = code


def parse_scopes(text: str) -> list[Scope]:
    """The scopes of a space-separated list. Raises UnknownScope."""
    return [_parse(spelling) for spelling in dict.fromkeys(text.split())]


def _parse(spelling: str) -> Scope:
    if spelling in OIDC_SCOPES:
        return Scope(None, "", spelling, spelling)
    audience, slash, name = spelling.rpartition("/")
    if not slash:  # a bare name means global Graph
        audience, name = GRAPH.uris[0], spelling
    resource = resource_of(audience)
    if resource is None:
        raise UnknownScope(spelling, 500011)
    if name not in (DEFAULT, *resource.scopes):
        raise UnknownScope(spelling, 650053)
    return Scope(resource, audience.rstrip("/"), name, spelling)


def resource_of(audience: str) -> Resource | None:
    """The service that an audience or scope prefix names; the sandbox's own address is its Graph."""
    plain = audience.rstrip("/")
    if plain.startswith(("https://localhost", "https://127.0.0.1")):
        return GRAPH
    return next((resource for resource in RESOURCES if plain in resource.uris), None)
