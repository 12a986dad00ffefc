"""A credential changes hands: another person signed in, and somebody confirmed it. Its setups follow."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import registry
from mailsetup.outbound import configs, health
from mailsetup.outbound.models import OutboundConfig
from mailsetup.workspaces.audit import Actor


def mailbox_of(public: Mapping[str, str]) -> str:
    """The main address of who signed in; the name at sign-in where Microsoft tells none."""
    return (public.get("account_addresses", "").partition(" ")[0] or public.get("account_username", "")).lower()


def own_senders(session: Session, credential: Credential) -> list[OutboundConfig]:
    """The setups that send as an address of the account itself: who follows it has no right to that."""
    public = vault.public_facts(session, credential)
    own = {*public.get("account_addresses", "").lower().split(), public.get("account_username", "").lower()}
    return [config for config in _setups(session, credential) if config.from_address.lower() in own]


def follow(
    session: Session, credential: Credential, *, new_from: list[OutboundConfig], actor: Actor
) -> list[OutboundConfig]:
    """The setups sign in to the new account's mailbox; `new_from` send as it too. Those whose From cannot work."""
    public = vault.public_facts(session, credential)
    mailbox, left = mailbox_of(public), []
    for config in _setups(session, credential):
        sender = mailbox if config in new_from else config.from_address
        configs.change_mailbox(session, config, mailbox, sender, actor=actor)
        health.values_changed(session, config)
        if "from_address" in registry.get(config.kind).refusals(config.settings, public):
            left.append(config)
    return left


def told(credential: Credential, account: str, left: list[OutboundConfig]) -> str:
    """What happened and what is still to be done, in sentences."""
    done = f"“{credential.name}” belongs to {account} now. Its setups send again when they pass a test."
    todo = [
        f"“{config.name}” still sends as {config.from_address}, which is no address of {account}: choose Edit on its "
        "page and type another From address."
        for config in left
    ]
    return " ".join([done, *todo])


def _setups(session: Session, credential: Credential) -> list[OutboundConfig]:
    used = select(OutboundConfig).where(OutboundConfig.credential_id == credential.id)
    return list(session.scalars(used.order_by(OutboundConfig.name)))
