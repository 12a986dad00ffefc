"""Tells the credentials which setups use them, and hears when one of them changes."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.credentials import usage
from mailsetup.credentials.models import Credential
from mailsetup.credentials.usage import Use
from mailsetup.outbound import app_answers, app_checks
from mailsetup.outbound.expiring import credential_renewed
from mailsetup.outbound.models import BROKEN, OutboundConfig
from mailsetup.outbound.probe import start_probe


def find_uses(session: Session, workspace_id: uuid.UUID) -> dict[uuid.UUID, list[Use]]:
    """The setups of a workspace by the credential they use."""
    wanted = select(OutboundConfig.credential_id, OutboundConfig.name, OutboundConfig.id).where(
        OutboundConfig.workspace_id == workspace_id, OutboundConfig.credential_id.is_not(None)
    )
    uses: dict[uuid.UUID, list[Use]] = {}
    for credential_id, name, config_id in session.execute(wanted.order_by(OutboundConfig.name)):
        if credential_id:
            uses.setdefault(credential_id, []).append(Use(name, f"/outbound/{config_id}"))
    return uses


def probe_stopped(session: Session, credential: Credential) -> None:
    """A credential has a new version: setups that had stopped with it are tried again at once."""
    wanted = select(OutboundConfig).where(
        OutboundConfig.credential_id == credential.id, OutboundConfig.health == BROKEN
    )
    for config in session.scalars(wanted):
        start_probe(session, config)


def ask_again(session: Session, credential: Credential) -> None:
    """What Microsoft said of an app was about its former values."""
    check = app_checks.check_of(session, credential)
    if check is not None and app_checks.is_app(credential):
        app_answers.start(session, credential, check.kind)


def register() -> None:
    """Makes both known; doing it twice changes nothing."""
    usage.register(find_uses)
    for hear in (probe_stopped, credential_renewed, ask_again):
        if hear not in usage.changed:
            usage.changed.append(hear)


register()
