"""From a stored row to a mail service that is ready to talk."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import NotFound, UnsealError
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import registry
from mailsetup.mail_services.base import CredentialValue, MailService
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.timeouts import TEST_TIMEOUTS
from mailsetup.outbound import binding
from mailsetup.outbound.explain import OWN_CHANNEL
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.tokens import StoredTokens
from mailsetup.platform import current_platform


def connect_config(session: Session, config: OutboundConfig, *, fresh: bool = False) -> MailService:
    """The service of a saved setup. Raises TransportError when it cannot be built."""
    return connect(
        session,
        workspace_id=config.workspace_id,
        kind=config.kind,
        settings=config.settings,
        credential_id=config.credential_id,
        fresh=fresh,
    )


def connect(
    session: Session,
    *,
    workspace_id: uuid.UUID,
    kind: str,
    settings: Mapping[str, Any],
    credential_id: uuid.UUID | None,
    fresh: bool = False,
) -> MailService:
    """A service with its credential unsealed; `fresh` is for tests: no access token is reused, and every wait is short.

    Nothing is sent yet. The caller ends its transaction before it lets the service talk: tokens are
    stored in transactions of their own, and no lock is held while a server thinks. Raises TransportError.
    """
    service, platform = registry.get(kind), current_platform()
    credential = _credential(session, workspace_id, credential_id)
    if credential is None and service.credential_required:
        raise _unusable("credential_missing")
    if not binding.may_go(session, credential, settings):
        raise _unusable("credential_bound_elsewhere")
    return service(
        dict(settings),
        credential=_unsealed(session, credential),
        platform=replace(platform, timeouts=TEST_TIMEOUTS) if fresh else platform,
        tokens=StoredTokens(workspace_id, credential, kind=kind, fresh=fresh),
    )


def _credential(session: Session, workspace_id: uuid.UUID, credential_id: uuid.UUID | None) -> Credential | None:
    if credential_id is None:
        return None
    try:
        return fetch_owned(session, Credential, workspace_id, credential_id)
    except NotFound:
        raise _unusable("credential_missing") from None


def _unsealed(session: Session, credential: Credential | None) -> CredentialValue | None:
    if credential is None:
        return None
    try:
        return vault.credential_value(session, credential)
    except UnsealError:
        raise _unusable("credential_unreadable") from None


def _unusable(code: str) -> TransportError:
    channel = "settings" if code == "credential_missing" else OWN_CHANNEL
    return TransportError("", channel=channel, stage="settings", code=code, permanent=True)
