"""What expires when: the earlier of the date that was typed and the end of the certificate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import Credential

OK, SOON, EXPIRED = "ok", "soon", "expired"
WARN_DAYS = 30
CERTIFICATE_END = "certificate_expires"
_LOOKS = {OK: "active", SOON: "expiring", EXPIRED: "expired"}


@dataclass(frozen=True)
class Expiry:
    """When a credential ends and what that means today; `day` is none when nobody said."""

    day: date | None
    state: str
    days_left: int | None
    by_certificate: bool

    @property
    def look(self) -> str:
        """The name of the state as pages show it."""
        return _LOOKS[self.state]


def expiry(credential: Credential, public: Mapping[str, str], *, today: date | None = None) -> Expiry:
    """When this credential ends; soon means within 30 days, and on its last day it still works."""
    certificate = certificate_end(public)
    days = [day for day in (credential.expires_on, certificate) if day]
    if not days:
        return Expiry(None, OK, None, False)
    first = min(days)
    left = (first - (today or utcnow().date())).days
    state = EXPIRED if left < 0 else SOON if left <= WARN_DAYS else OK
    return Expiry(first, state, left, first == certificate)


def certificate_end(public: Mapping[str, str]) -> date | None:
    """The last day of the credential's certificate, if it has one."""
    value = public.get(CERTIFICATE_END)
    return date.fromisoformat(value) if value else None
