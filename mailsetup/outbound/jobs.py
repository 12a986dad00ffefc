"""What RQ calls for outbound."""

from __future__ import annotations

import uuid

from mailsetup.outbound.app_checks import run_check
from mailsetup.outbound.probe import run_probe
from mailsetup.outbound.renewal import run_renewal


def probe(config_id: str) -> None:
    """Tries whether a stopped setup works again."""
    run_probe(uuid.UUID(config_id))


def renew(credential_id: str) -> None:
    """Renews the token of a credential ahead of its end."""
    run_renewal(uuid.UUID(credential_id))


def check_app(credential_id: str, kind: str = "") -> None:
    """Reads from a token what an app or a sign-in may do."""
    run_check(uuid.UUID(credential_id), kind)
