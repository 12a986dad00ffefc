"""The mail service of a test, with the values that were tested and not those saved since."""

from __future__ import annotations

from mailsetup.core.db import session_scope
from mailsetup.diagnosis.models import TestRun
from mailsetup.mail_services.base import MailService
from mailsetup.outbound.connect import connect


def service_of(run: TestRun) -> MailService:
    """A service that nobody else uses; whoever asks closes it. Raises TransportError."""
    with session_scope() as session:
        return connect(
            session,
            workspace_id=run.workspace_id,
            kind=run.kind,
            settings=run.settings,
            credential_id=run.credential_id,
            fresh=True,
        )
