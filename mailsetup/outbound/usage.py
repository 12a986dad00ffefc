"""Tells the credentials which setups use them, and hears when one of them changes."""

from __future__ import annotations

import uuid

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.credentials import usage
from mailsetup.credentials.models import Credential
from mailsetup.credentials.usage import Use
from mailsetup.outbound import app_answers, app_checks
from mailsetup.outbound.expiring import credential_renewed
from mailsetup.outbound.models import BROKEN, OutboundConfig
from mailsetup.outbound.probe import start_probe
from mailsetup.outbound.renewal import signed_in_again


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
    """What Microsoft said of an app or a sign-in was about its former values."""
    check = app_checks.check_of(session, credential)
    if check is not None:
        app_answers.start(session, credential, check.kind)


def rename_alerts(session: Session, credential: Credential) -> None:
    """What is open about a credential names it as it is called now."""
    about = (Alert.workspace_id == credential.workspace_id, Alert.subject_key == f"credential:{credential.id}")
    current = update(Alert).where(*about, Alert.resolved_at.is_(None), Alert.subject_label != credential.name)
    session.execute(current.values(subject_label=credential.name), execution_options={"synchronize_session": "fetch"})


def register() -> None:
    """Makes all of them known; doing it twice changes nothing."""
    usage.register(find_uses)
    for hear in (probe_stopped, credential_renewed, signed_in_again, rename_alerts, ask_again):
        if hear not in usage.changed:
            usage.changed.append(hear)


register()
