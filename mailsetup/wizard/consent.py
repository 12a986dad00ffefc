"""Signing in at Microsoft to connect a mailbox, connecting it again, and an admin's consent."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.core.redact import Secret, scrub
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import credential_types, microsoft, registry
from mailsetup.mail_services.base import CredentialValue, MailService
from mailsetup.mail_services.clouds import cloud_of
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import judged
from mailsetup.mail_services.microsoft import SignIn
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbound.renewal import kind_for
from mailsetup.platform import current_platform
from mailsetup.wizard import other_account
from mailsetup.wizard.flows import ADMIN_CONSENT, OTHER_ACCOUNT, SIGN_IN, Returned, Traveller, keep_flow
from mailsetup.workspaces.audit import Actor

GRANT = credential_types.MICROSOFT_GRANT.name
_NUMBER = re.compile(r"AADSTS\d{3,8}")


class OtherAccount(Conflict):
    """The person signed in as somebody else than the credential belongs to; `kept` is what a change would store."""

    def __init__(self, signed_in: str, expected: str, kept: dict[str, Any]) -> None:
        super().__init__(
            f"You signed in as {signed_in or 'another account'}, but this credential belongs to {expected}. "
            "Nothing was changed."
        )
        self.signed_in, self.expected, self.kept = signed_in, expected, kept


def clean_app(raw: Mapping[str, str]) -> CredentialValue:
    """The app to sign in through: ours, or the organisation's own. Raises InvalidInput by field."""
    platform = current_platform()
    if raw.get("app", "platform") == "platform" and not platform.client_id:
        raise InvalidInput({"app": "Our own app is not set up here. Choose your organisation's own app."})
    found = credential_types.MICROSOFT_GRANT.clean(raw, {}, None)
    return CredentialValue(GRANT, found.public, found.secrets, version_key="new")


def through_app(app: CredentialValue) -> CredentialValue:
    """An app of the organisation's own, that there is already, to sign in through."""
    return CredentialValue(GRANT, {**app.public, "app": "own"}, app.secrets, version_key="new")


def leave_to_sign_in(
    session: Session,
    traveller: Traveller,
    *,
    value: CredentialValue,
    service: type[MailService],
    login_hint: str,
    draft_id: uuid.UUID | None = None,
    credential_id: uuid.UUID | None = None,
) -> str:
    """Where to send the person; what is needed when they come back is kept. Raises TransportError."""
    platform = current_platform()
    scopes = service.sign_in_scopes(value.public, platform) + service.profile_scopes(value.public, platform)
    flow = microsoft.start_sign_in(platform, value, scopes, login_hint=login_hint)
    kept = {
        "flow": flow,
        "kind": service.kind,
        "public": dict(value.public),
        "secrets": {name: secret.reveal() for name, secret in value.secrets.items()},
    }
    keep_flow(
        session,
        traveller,
        purpose=SIGN_IN,
        state=str(flow["state"]),
        kept=kept,
        draft_id=draft_id,
        credential_id=credential_id,
    )
    return str(flow["auth_uri"])


def return_from_sign_in(
    session: Session,
    returned: Returned,
    params: Mapping[str, str],
    *,
    workspace_id: uuid.UUID,
    actor: Actor,
    chosen: uuid.UUID | None = None,
) -> Credential:
    """The credential that the sign-in made or renewed; `chosen` is what the draft has. Raises TransportError,
    OtherAccount."""
    found = _signed_in(returned, params)
    credential_id = returned.credential_id
    if credential_id is not None:
        _refuse_other_account(session, workspace_id, credential_id, found)
    elif chosen is not None and _same_sign_in(session, workspace_id, chosen, found["public"]):
        credential_id = chosen  # another tab was faster, or somebody signs in once more
    return _store(session, found, workspace_id=workspace_id, actor=actor, credential_id=credential_id)


def _signed_in(returned: Returned, params: Mapping[str, str]) -> dict[str, Any]:
    """What the sign-in gave, as it is stored or, for another account, kept until somebody confirms."""
    kept, platform = returned.kept, current_platform()
    sealed = {name: Secret(text) for name, text in kept["secrets"].items()}
    value = CredentialValue(GRANT, kept["public"], sealed, version_key="new")
    service = registry.get(kept["kind"])
    scopes = service.sign_in_scopes(kept["public"], platform)
    found = microsoft.finish_sign_in(platform, value, kept["flow"], params, scopes=scopes)
    account = {**found.account, "account_addresses": " ".join(_addresses(service, value, found))[:2000]}
    return {"public": {**app_facts(kept["public"]), **account}, "secrets": kept["secrets"], "cache": found.cache.blob}


def _addresses(service: type[MailService], value: CredentialValue, found: SignIn) -> tuple[str, ...]:
    """The person's own; none when Microsoft does not say: a sign-in never fails for that."""
    platform, token = current_platform(), found.token
    beside = service.profile_scopes(value.public, platform)
    if beside:
        account = CredentialValue(GRANT, {**value.public, **found.account}, value.secrets, version_key="new")
        try:
            token = microsoft.acquire_user_token(platform, account, beside, found.cache)
        except TransportError:
            return ()
    return service.addresses_of(value.public, platform, token)


def _store(
    session: Session,
    found: Mapping[str, Any],
    *,
    workspace_id: uuid.UUID,
    actor: Actor,
    credential_id: uuid.UUID | None,
) -> Credential:
    return vault.store_grant(
        session,
        workspace_id=workspace_id,
        actor=actor,
        user_id=actor.user_id,
        name=found["public"]["account_username"] or "Microsoft sign-in",
        public=found["public"],
        secrets={name: Secret(text) for name, text in found["secrets"].items()},
        token_cache=found["cache"],
        credential_id=credential_id,
    )


def app_facts(public: Mapping[str, str]) -> dict[str, str]:
    """What is known of the app, without the account."""
    return {name: value for name, value in public.items() if name not in credential_types.ACCOUNT_FACTS}


def _refuse_other_account(
    session: Session, workspace_id: uuid.UUID, credential_id: uuid.UUID, found: dict[str, Any]
) -> None:
    """An account is its directory and object id; names and addresses change and prove nothing."""
    known = vault.public_facts(session, fetch_owned(session, Credential, workspace_id, credential_id))
    account = found["public"]
    same = all(known.get(name) == account[name] for name in ("account_tid", "account_oid"))
    if known.get("account_oid") and not same:
        raise OtherAccount(account["account_username"], known.get("account_username", "another account"), found)


def _same_sign_in(
    session: Session, workspace_id: uuid.UUID, credential_id: uuid.UUID, account: Mapping[str, str]
) -> bool:
    """Whether a credential is of this very account, through this very app."""
    chosen = fetch_owned(session, Credential, workspace_id, credential_id)
    known = vault.public_facts(session, chosen)
    names = ("account_tid", "account_oid", "app", "cloud", "client_id")
    return chosen.type == GRANT and all(known.get(name, "") == account.get(name, "") for name in names)


def keep_other_account(
    session: Session, traveller: Traveller, credential_id: uuid.UUID | None, refused: OtherAccount
) -> str:
    """Keeps the sign-in for ten minutes, for whoever confirms that the credential shall change; the `state` for it."""
    state = secrets.token_urlsafe(32)
    keep_flow(session, traveller, purpose=OTHER_ACCOUNT, state=state, kept=refused.kept, credential_id=credential_id)
    return state


def change_account(
    session: Session, returned: Returned, *, workspace_id: uuid.UUID, actor: Actor, new_from: bool
) -> tuple[Credential, list[OutboundConfig]]:
    """The credential belongs to the other account from now on; its setups send nothing until they pass a test.

    `new_from` changes the From of setups that sent as the former account. Returns those whose From cannot work too.
    """
    former = fetch_owned(session, Credential, workspace_id, returned.credential_id or uuid.UUID(int=0))
    senders = other_account.own_senders(session, former) if new_from else []
    credential = _store(session, returned.kept, workspace_id=workspace_id, actor=actor, credential_id=former.id)
    return credential, other_account.follow(session, credential, new_from=senders, actor=actor)


def service_to_sign_in_for(session: Session, credential: Credential) -> type[MailService]:
    """For which kind the credential signs in: that of a setup which uses it, else the one it was made for."""
    used = select(OutboundConfig.kind).where(OutboundConfig.credential_id == credential.id).limit(1)
    return registry.get(session.scalar(used) or kind_for(GRANT, vault.public_facts(session, credential)))


def leave_to_consent(
    session: Session, traveller: Traveller, credential: Credential, *, draft_id: uuid.UUID | None
) -> str:
    """Where an admin allows everything that the app's registration lists (Microsoft, "Admin consent").

    The tenant that comes back proves nothing: only a token for the tenant does, and a test gets one.
    """
    platform, public = current_platform(), vault.public_facts(session, credential)
    state = secrets.token_urlsafe(32)
    keep_flow(
        session,
        traveller,
        purpose=ADMIN_CONSENT,
        state=state,
        kept={"public": {name: public.get(name, "") for name in ("cloud", "tenant_id", "client_id")}},
        draft_id=draft_id,
        credential_id=credential.id,
    )
    query = {"client_id": public.get("client_id", ""), "redirect_uri": platform.redirect_uri, "state": state}
    login = cloud_of(public.get("cloud", ""), platform).login_url.rstrip("/")
    return f"{login}/{quote(public.get('tenant_id', ''), safe='')}/adminconsent?{urlencode(query)}"


def consent_refusal(params: Mapping[str, str], kept: Mapping[str, Any]) -> TransportError | None:
    """Why the admin's consent failed, if it did; `admin_consent=True` comes with errors too."""
    error = params.get("error", "")
    if not error:
        return None
    return _refusal(params.get("error_description", "") or error, scrub(error, limit=80), kept)


def pasted_refusal(said: str, kept: Mapping[str, Any]) -> TransportError:
    """What Microsoft's own error page said, as the person copied it. Raises InvalidInput at `said` without a number."""
    if not _NUMBER.search(said):
        raise InvalidInput({"said": "Copy the number from Microsoft's page; it looks like AADSTS50011."})
    return _refusal(said, "", kept)


def _refusal(said: str, word: str, kept: Mapping[str, Any]) -> TransportError:
    said = scrub(said)
    number = _NUMBER.search(said)
    code = f"{word} {number.group() if number else ''}".strip()
    context = {**kept.get("public", {}), "redirect_uri": current_platform().redirect_uri}
    return judged(TransportError(said, channel="entra_authorize", stage="token", code=code, context=context))
