"""Signing secrets of endpoints: sealed, shown once, two valid for a day while one replaces the other."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.crypto import Place
from mailsetup.core.redact import Secret
from mailsetup.events.models import EventEndpoint
from mailsetup.mail_services.webhooks import new_secret
from mailsetup.workspaces import sealing

BOTH_VALID = timedelta(hours=24)


def give_secret(session: Session, endpoint: EventEndpoint) -> Secret:
    """A new secret for the endpoint; the one before keeps signing beside it for 24 hours."""
    if endpoint.sealed_secret:
        endpoint.old_sealed_secret, endpoint.old_secret_until = endpoint.sealed_secret, utcnow() + BOTH_VALID
        endpoint.secret_version += 1
    secret = new_secret()
    endpoint.sealed_secret = sealing.seal(session, _place(endpoint, endpoint.secret_version), secret.reveal())
    return secret


def signing_secrets(session: Session, endpoint: EventEndpoint) -> tuple[Secret, ...]:
    """What signs now, the newest first. Raises UnsealError."""
    newest = sealing.unseal(session, _place(endpoint, endpoint.secret_version), endpoint.sealed_secret)
    if endpoint.old_sealed_secret is None or endpoint.old_secret_until is None or endpoint.old_secret_until < utcnow():
        return (Secret(newest),)
    old = sealing.unseal(session, _place(endpoint, endpoint.secret_version - 1), endpoint.old_sealed_secret)
    return Secret(newest), Secret(old)


def _place(endpoint: EventEndpoint, version: int) -> Place:
    return Place(str(endpoint.workspace_id), EventEndpoint.__tablename__, str(endpoint.id), "secret", version)


sealing.register(EventEndpoint.sealed_secret, lambda row: _place(row, row.secret_version))
sealing.register(EventEndpoint.old_sealed_secret, lambda row: _place(row, row.secret_version - 1))
