"""A typed password goes to the server it was typed for, and nowhere else (CVE-2024-5967, CVE-2026-84721).

Whoever may change a setup must not be able to have the stored password sent to a server of their own.
The first sign-in that works, or the first save, ties that version of the password to the host; for another host
it must be typed again.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.models import Credential
from mailsetup.outbound.models import CredentialBinding

TYPED_FOR_A_HOST = frozenset({"smtp_login"})
OPEN = " without encryption"
UNSETTLED = (
    "It is not known yet for which server the password in “{name}” is, so only an admin may use it first: "
    "ask one to test or save a setup with it."
)
_LEARNT = "mailsetup_binding_targets"
Version = tuple[uuid.UUID, int]


def bound_target(session: Session, credential: Credential) -> str:
    """Where the newest version of this credential may go; empty while that is open."""
    known: Mapping[Version, str] = session.info.get(_LEARNT, {})
    if (version := (credential.id, credential.version)) in known:
        return known[version]
    found = session.scalar(
        select(CredentialBinding.target).where(
            CredentialBinding.credential_id == credential.id, CredentialBinding.version == credential.version
        )
    )
    return found or ""


def is_settled(session: Session, credential: Credential) -> bool:
    """Whether it is known where the credential may go: only then is it safe with somebody who cannot change it."""
    return credential.type not in TYPED_FOR_A_HOST or bool(bound_target(session, credential))


def learn_targets(session: Session, credentials: Collection[Credential]) -> None:
    """Reads for many credentials at once where they may go, for this session, which binds none anew."""
    typed = [one for one in credentials if one.type in TYPED_FOR_A_HOST]
    if not typed:
        return
    columns = CredentialBinding.credential_id, CredentialBinding.version, CredentialBinding.target
    rows = session.execute(select(*columns).where(CredentialBinding.credential_id.in_([one.id for one in typed])))
    found = {(row.credential_id, row.version): row.target for row in rows}
    session.info[_LEARNT] = {(one.id, one.version): found.get((one.id, one.version), "") for one in typed}


def may_go(session: Session, credential: Credential | None, settings: Mapping[str, Any]) -> bool:
    """Whether the credential may be sent to the server of these settings."""
    if credential is None or credential.type not in TYPED_FOR_A_HOST:
        return True
    bound = bound_target(session, credential)
    # Turning encryption on is no new place; turning it off is.
    return not bound or _target(settings) in {bound, bound.removesuffix(OPEN)}


def check(session: Session, credential: Credential | None, settings: Mapping[str, Any]) -> None:
    """Raises InvalidInput at `host` when the credential belongs to another server."""
    if credential is not None and not may_go(session, credential, settings):
        raise InvalidInput({"host": _refusal(credential, bound_target(session, credential))})


def bind(session: Session, credential: Credential | None, settings: Mapping[str, Any]) -> None:
    """Ties the credential to the server that took it. Raises InvalidInput at `host` when it belongs elsewhere."""
    check(session, credential, settings)
    if credential is None or credential.type not in TYPED_FOR_A_HOST or bound_target(session, credential):
        return
    session.add(
        CredentialBinding(
            workspace_id=credential.workspace_id,
            credential_id=credential.id,
            version=credential.version,
            target=_target(settings),
        )
    )
    session.flush()


def _target(settings: Mapping[str, Any]) -> str:
    host = str(settings.get("host", "")).lower()
    return f"{host}{OPEN}" if settings.get("tls") == "none" else host


def _refusal(credential: Credential, bound: str) -> str:
    return (
        f"The password in “{credential.name}” was typed for {bound}, and we never send a stored password to another "
        "place. For this host, go back to the step Credential and make one with the password typed again."
    )
