"""The tenant segment of an address of the sign-in service."""

from __future__ import annotations

import re
import uuid

from mailsetup.sandbox.aadsts import refusal
from mailsetup.sandbox.state import state

ANY_TENANT = frozenset({"common", "organizations", "consumers"})
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", re.IGNORECASE)


def tenant_id_of(segment: str) -> str:
    """The tenant id by GUID or domain; empty for `organizations` and its like. Raises EntraRefusal."""
    if segment.lower() in ANY_TENANT:
        return ""
    organisation = state().world.organisation(segment)
    if organisation is not None:
        return organisation.tenant_id
    raise refusal(90002 if _is_guid(segment) or _DOMAIN.fullmatch(segment) else 900023, tenant=segment)


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return len(text) == 36
