"""What will end soon and stop mail when it does."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, timedelta

from flask import url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.credentials import vault
from mailsetup.credentials.expiry import OK, WARN_DAYS, expiry


@dataclass(frozen=True)
class Ending:
    """A thing with a last day."""

    label: str
    what: str
    day: date
    expired: bool
    href: str


def ending_soon(session: Session, workspace_id: uuid.UUID) -> list[Ending]:
    """Credentials and API keys that ended or end within 30 days, the first to end first."""
    found = [*_credentials(session, workspace_id), *_keys(session, workspace_id)]
    return sorted(found, key=lambda ending: ending.day)


def _credentials(session: Session, workspace_id: uuid.UUID) -> list[Ending]:
    found = []
    for credential in vault.list_credentials(session, workspace_id):
        end = expiry(credential, vault.public_facts(session, credential))
        if end.day is not None and end.state != OK:
            what = "Certificate of a credential" if end.by_certificate else "Credential"
            href = url_for("credentials.show", credential_id=credential.id)
            found.append(Ending(credential.name, what, end.day, (end.days_left or 0) < 0, href))
    return found


def _keys(session: Session, workspace_id: uuid.UUID) -> list[Ending]:
    now = utcnow()
    query = select(ApiKey).where(
        ApiKey.workspace_id == workspace_id,
        ApiKey.revoked_at.is_(None),
        ApiKey.expires_at < now + timedelta(days=WARN_DAYS),
        ApiKey.expires_at > now - timedelta(days=WARN_DAYS),
    )
    return [
        Ending(key.name, "API key", key.expires_at.date(), key.expires_at <= now, url_for("api_keys.index"))
        for key in session.scalars(query)
        if key.expires_at
    ]
