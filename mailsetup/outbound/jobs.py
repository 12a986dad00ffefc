"""What RQ calls for outbound."""

from __future__ import annotations

import uuid

from mailsetup.outbound.probe import run_probe


def probe(config_id: str) -> None:
    """Tries whether a stopped setup works again."""
    run_probe(uuid.UUID(config_id))
