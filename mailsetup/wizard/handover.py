"""A link that a customer hands to their Microsoft admin: made, found, ended, and what the admin does with it.

Nothing that comes over the link is believed: which tenant it is, and what is allowed there, a token has to prove.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import Conflict, NotFound
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.credentials.usage import uses_of
from mailsetup.mail_services import credential_types, permissions, registry
from mailsetup.mail_services.base import Consent, CredentialValue, Token
from mailsetup.mail_services.clouds import cloud_of
from mailsetup.mail_services.credential_types import is_guid
from mailsetup.outbound.renewal import kind_for
from mailsetup.platform import current_platform
from mailsetup.wizard.models import Handover, SetupDraft
from mailsetup.wizard.renewing import service_for
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.tokens import new_token, token_hash

LIFETIME = timedelta(days=14)
APP = credential_types.MICROSOFT_APP
ASKED = ("cloud", "tenant_id", "client_id")
BY_LINK = Actor("Microsoft admin, by the hand-over link")


@dataclass(frozen=True)
class Progress:
    """How far the Microsoft admin is, as both sides see it."""

    handover: Handover
    audit: permissions.Audit | None

    @property
    def steps(self) -> tuple[tuple[str, bool], ...]:
        """Each step in words, and whether it is done."""
        row = self.handover
        if self.ours:
            return (
                ("Link opened", row.opened_at is not None),
                ("Consent granted, as Microsoft says", row.consented_at is not None),
                ("Proved: Microsoft gave us a token for that directory", row.proved_at is not None),
            )
        return (
            ("Link opened", row.opened_at is not None),
            ("App registered, its two ids given", row.credential_id is not None),
            ("Certificate uploaded: Microsoft gave us a token", row.proved_at is not None),
            *([("Permission to send granted", self.granted)] if self.app_only else ()),
        )

    @property
    def app_only(self) -> bool:
        """Whether the app itself will send, so that its own token says what it may do."""
        return self.handover.credential_type == APP.name

    @property
    def ours(self) -> bool:
        """Whether the admin has only to allow our own app, that people sign in through."""
        return not self.app_only and bool(current_platform().client_id)

    @property
    def finished(self) -> bool:
        """Whether every step is done."""
        return all(done for _words, done in self.steps)

    @property
    def granted(self) -> bool:
        """Whether the token names the permission; with a limit in Exchange it need not."""
        return self.audit is not None and self.audit.state in {permissions.TENANT_WIDE, permissions.TOO_MUCH}


def can_hand_over(kind: str, type_name: str) -> bool:
    """Whether a Microsoft admin has something to do: for an app of its own, or before people may sign in."""
    return (
        type_name in registry.get(kind).credential_types and credential_types.get(type_name).consent is not Consent.NONE
    )


def make(session: Session, draft: SetupDraft, type_name: str, *, actor: Actor) -> str:
    """A new link for this draft; the one before ends. Its secret can be shown now and never again."""
    if not can_hand_over(draft.kind, type_name):
        raise Conflict("This mail service needs nothing from a Microsoft admin.")
    session.execute(delete(Handover).where(Handover.draft_id == draft.id))
    secret = new_token()
    row = Handover(
        workspace_id=draft.workspace_id,
        draft_id=draft.id,
        kind=draft.kind,
        credential_type=type_name,
        secret_hash=token_hash(secret),
        created_by_id=actor.user_id,
        expires_at=utcnow() + LIFETIME,
    )
    session.add(row)
    session.flush()
    _record(session, row, actor, "create")
    return secret


def end(session: Session, draft: SetupDraft, *, actor: Actor) -> None:
    """The link stops working. Raises NotFound when there is none."""
    row = _of(session, draft)
    if row is None:
        raise NotFound("no hand-over link")
    _record(session, row, actor, "revoke")
    session.delete(row)
    session.flush()


def progress_of(session: Session, draft: SetupDraft) -> Progress | None:
    """How far the admin with the draft's link is; None without a link that still works."""
    row = _of(session, draft)
    return progress(row) if row is not None and row.expires_at > utcnow() else None


def progress(row: Handover) -> Progress:
    """How far the admin with this link is."""
    if row.proved_at is None or row.credential_type != APP.name:
        return Progress(row, None)
    return Progress(row, permissions.audit(registry.get(row.kind).app_permission, row.granted.split()))


def _of(session: Session, draft: SetupDraft) -> Handover | None:
    return session.scalar(select(Handover).where(Handover.draft_id == draft.id))


def find(session: Session, secret: str) -> Handover:
    """The hand-over behind a link. Raises NotFound when it is unknown, ended or too old."""
    wanted = token_hash(secret)
    row = session.scalar(select(Handover).where(Handover.secret_hash == wanted)) if wanted else None
    return _usable(row)


def return_with(session: Session, state: str) -> Handover:
    """The hand-over whose admin comes back from Microsoft with this `state`, which is used up. Raises NotFound."""
    row = session.scalar(select(Handover).where(Handover.state_hash == _hash(state))) if state else None
    found = _usable(row)
    found.state_hash = ""
    return found


def _usable(row: Handover | None) -> Handover:
    if row is None or row.expires_at <= utcnow():
        raise NotFound("no such hand-over link")
    return row


def opened(row: Handover) -> None:
    """Somebody looks at it; the first time counts."""
    row.opened_at = row.opened_at or utcnow()


def consented(row: Handover, tenant: str) -> None:
    """Microsoft sent the admin back without an error; `tenant` is where to ask for the proof, and proves nothing."""
    row.consented_at = utcnow()
    row.claimed_tenant = tenant.lower() if is_guid(tenant) else ""


def credential_of(session: Session, row: Handover) -> Credential | None:
    """The credential that was made over the link."""
    return session.get(Credential, row.credential_id) if row.credential_id else None


def give_app(session: Session, row: Handover, raw: Mapping[str, str]) -> None:
    """Makes the credential of the app with a certificate made here, or takes other ids. Raises InvalidInput."""
    wanted = {name: raw.get(name, "") for name in ASKED} | {"make_certificate": "true"}
    credential = credential_of(session, row)
    if credential is None:
        name = _free_name(session, row.workspace_id)
        made = vault.create_credential(
            session, workspace_id=row.workspace_id, actor=BY_LINK, user_id=None, type=APP.name, name=name, raw=wanted
        )
        row.credential_id = made.id
    else:
        _change(session, credential, wanted)
    row.proved_at, row.proved_tenant, row.granted = None, "", ""


def _change(session: Session, credential: Credential, wanted: Mapping[str, str]) -> None:
    """Mail may run through it already: then only somebody of the workspace may send it elsewhere."""
    if uses_of(session, credential):
        raise Conflict("The app is in use already. Ask whoever sent you the link to change it.")
    vault.update_credential(session, credential, actor=BY_LINK, user_id=None, name=credential.name, raw=wanted)


def _free_name(session: Session, workspace_id: uuid.UUID) -> str:
    taken = {one.name.casefold() for one in vault.list_credentials(session, workspace_id)}
    names = ("Microsoft app", *(f"Microsoft app {number}" for number in range(2, 1000)))
    return next(name for name in names if name.casefold() not in taken)


def consent_address(session: Session, row: Handover, redirect_uri: str) -> tuple[str, str]:
    """Where the admin allows what is needed, and the `state` to come back with. Raises Conflict."""
    state = secrets.token_urlsafe(32)
    row.state_hash = _hash(state)
    query = {"redirect_uri": redirect_uri, "state": state}
    if progress(row).ours:
        return _consent_to_ours(row, session.get_one(SetupDraft, row.draft_id), query), state
    public = vault.public_facts(session, _needed(session, row))
    login = cloud_of(public.get("cloud", ""), current_platform()).login_url.rstrip("/")
    query |= {"client_id": public["client_id"]}
    return f"{login}/{quote(public['tenant_id'], safe='')}/adminconsent?{urlencode(query)}", state


def scopes_of(row: Handover, draft: SetupDraft) -> tuple[str, ...]:
    """What a person would be asked for who signs in for this draft."""
    wanted = credential_types.SHARED.name
    public, service = {wanted: str(draft.settings.get(wanted) or "")}, registry.get(row.kind)
    platform = current_platform()
    return service.sign_in_scopes(public, platform) + service.profile_scopes(public, platform)


def _consent_to_ours(row: Handover, draft: SetupDraft, query: Mapping[str, str]) -> str:
    """For the whole organisation, exactly what a person would be asked for (Microsoft, "Admin consent", v2)."""
    platform = current_platform()
    scopes = " ".join((*scopes_of(row, draft), "offline_access"))
    asked = {**query, "client_id": platform.client_id, "scope": scopes}
    return f"{platform.login_url.rstrip('/')}/organizations/v2.0/adminconsent?{urlencode(asked)}"


def _needed(session: Session, row: Handover) -> Credential:
    credential = credential_of(session, row)
    if credential is None:
        raise Conflict("Give the app's two ids first.")
    return credential


def prove(session: Session, row: Handover) -> None:
    """Gets an app's token, which proves tenant, app and certificate, and names permissions. Raises TransportError."""
    if progress(row).ours:
        value, version = _ours_in(row.claimed_tenant), 0
    else:
        credential = _needed(session, row)
        value, version = vault.credential_value(session, credential), credential.version
    row_id, kind, app_only = row.id, row.kind, progress(row).app_only
    session.commit()  # no transaction stays open while Microsoft is asked
    service = service_for(kind if app_only else kind_for(APP.name), {}, value)
    _keep_proof(session, row_id, version, service.tokens.token_for(service))


def _ours_in(tenant: str) -> CredentialValue:
    """Our own app, in the directory that the admin came back from."""
    if not tenant:
        raise Conflict("Grant the consent first.")
    platform = current_platform()
    pem = platform.client_certificate_pem
    held = {"private_key": pem, "certificate": pem} if pem else {"client_secret": platform.client_secret}
    return CredentialValue(APP.name, {"client_id": platform.client_id, "tenant_id": tenant}, held, version_key="ours")


def _keep_proof(session: Session, row_id: uuid.UUID, version: int, token: Token) -> None:
    """Unless the link, or the app that was asked about, is another one by now."""
    row = session.get(Handover, row_id, populate_existing=True)
    credential = credential_of(session, row) if row is not None else None
    if row is not None and (credential.version if credential else 0) == version:
        row.proved_at, row.proved_tenant = utcnow(), str(token.evidence.get("tenant", ""))
        row.granted, row.object_id = (str(token.evidence.get(name, "")) for name in ("permissions", "object_id"))


def handed_app(session: Session, draft: SetupDraft) -> CredentialValue | None:
    """The app that the admin set up for signing in, once it is proved."""
    found = progress_of(session, draft)
    if found is None or found.app_only or found.ours or found.handover.proved_at is None:
        return None
    credential = credential_of(session, found.handover)
    return vault.credential_value(session, credential) if credential else None


def _record(session: Session, row: Handover, actor: Actor, action: str) -> None:
    audit.record(
        session,
        row.workspace_id,
        actor=actor,
        action=f"handover:{action}",
        subject="Link for a Microsoft admin",
        subject_id=row.id,
    )


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
