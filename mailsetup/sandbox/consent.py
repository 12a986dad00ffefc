"""What a consent page asks for, and what is still missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailsetup.sandbox.people import Mailbox
from mailsetup.sandbox.resources import ADMIN_TEXT, CONSENT_TEXT, DEFAULT
from mailsetup.sandbox.state import state
from mailsetup.sandbox.visits import Visit

# "Let Microsoft manage your consent settings": the delegated permissions of ours that a user may not grant alone.
RESTRICTED = frozenset({"graph/Mail.ReadWrite"})


@dataclass(frozen=True)
class Asked:
    """One permission on a consent page, in Microsoft's words."""

    permission: str
    title: str
    text: str

    @property
    def restricted(self) -> bool:
        """Whether only an admin may grant it."""
        return self.permission in RESTRICTED


def asked_of_person(visit: Visit) -> list[Asked]:
    """The delegated permissions of the request."""
    return [Asked(each, *CONSENT_TEXT[each]) for each in _permissions(visit) if each in CONSENT_TEXT]


def asked_of_admin(visit: Visit) -> list[Asked]:
    """Named delegated permissions; else what the registration asks for, roles too, of the resource in `scope`."""
    if named := named_scopes(visit):
        return [Asked(each, *CONSENT_TEXT[each]) for each in named]
    resources = tuple(f"{scope.resource.key}/" for scope in visit.scopes if scope.resource)
    roles = [Asked(each, *ADMIN_TEXT[each]) for each in _of(visit.app.roles, resources)]
    return roles + [Asked(each, *CONSENT_TEXT[each]) for each in _of(visit.app.scopes, resources)]


def named_scopes(visit: Visit) -> list[str]:
    """The delegated permissions that an admin-consent request spells out, instead of `.default`."""
    return [scope.permission for scope in visit.scopes if scope.resource and scope.name != DEFAULT]


def missing(visit: Visit, person: Mailbox) -> set[str]:
    """The permissions of the request that nobody has granted for this person yet."""
    consent = state().world.consent(visit.client_id, person.tenant_id)
    granted = consent.scopes_of(person.object_id) if consent else set()
    return {each for each in _permissions(visit) if not each.startswith("oidc/")} - granted


def _permissions(visit: Visit) -> list[str]:
    found: list[str] = []
    for scope in visit.scopes:
        if scope.resource is not None and scope.name == DEFAULT:
            found += _of(visit.app.scopes, (f"{scope.resource.key}/",))
        else:
            found.append(scope.permission)
    return list(dict.fromkeys(found))


def _of(permissions: Iterable[str], resources: tuple[str, ...]) -> list[str]:
    return [each for each in permissions if not resources or each.startswith(resources)]
