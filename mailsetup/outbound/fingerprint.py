"""Which values a test was about: a test counts for a setup only while its values are the same."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from mailsetup.outbound.models import OutboundConfig


def fingerprint(
    kind: str, settings: Mapping[str, Any], credential_id: uuid.UUID | None, credential_version: int | None
) -> str:
    """A digest of everything that decides whether a test still says something; holds no secret."""
    values = [kind, dict(settings), str(credential_id or ""), credential_version or 0]
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()


def config_fingerprint(config: OutboundConfig) -> str:
    """The fingerprint of a saved setup as it is now, with the newest version of its credential."""
    version = config.credential.version if config.credential else None
    return fingerprint(config.kind, config.settings, config.credential_id, version)
