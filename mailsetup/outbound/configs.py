"""Saved setups: list, save, choose the default, delete."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, TypedDict, Unpack

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.credentials import rights
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import registry
from mailsetup.mail_services.values import email_address
from mailsetup.outbound import binding, health
from mailsetup.outbound.mailboxes import settle_keys
from mailsetup.outbound.models import OutboundConfig
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

NAME_LIMIT = 120
POLICIES = {"resend": "Send again", "hold": "Hold for a person"}


def list_configs(session: Session, workspace_id: uuid.UUID) -> list[OutboundConfig]:
    """The workspace's setups, the default first, then by name."""
    wanted = select(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id)
    return list(session.scalars(wanted.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)))


def setup_names(session: Session, workspace_id: uuid.UUID) -> dict[uuid.UUID, str]:
    """The names of the workspace's setups by id, in the order of `list_configs`."""
    wanted = select(OutboundConfig.id, OutboundConfig.name).where(OutboundConfig.workspace_id == workspace_id)
    ordered = wanted.order_by(OutboundConfig.is_default.desc(), OutboundConfig.name)
    return {row.id: row.name for row in session.execute(ordered)}


def default_config(session: Session, workspace_id: uuid.UUID) -> OutboundConfig | None:
    """The setup that sends mail for which none was named."""
    wanted = select(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id, OutboundConfig.is_default)
    return session.scalar(wanted)


class SetupValues(TypedDict):
    """What a saved setup is made of; `settings` are cleaned by their kind already.

    `tested` says that a test with this `fingerprint` passed, else its mail waits.
    """

    name: str
    kind: str
    settings: Mapping[str, Any]
    credential_id: uuid.UUID | None
    alerts_address: str
    tested: bool
    fingerprint: str


def save_config(
    session: Session,
    *,
    workspace_id: uuid.UUID,
    actor: Actor,
    user_id: uuid.UUID | None,
    config_id: uuid.UUID | None = None,
    **given: Unpack[SetupValues],
) -> OutboundConfig:
    """Makes or changes a setup. Raises InvalidInput by field, NotFound for ids of another workspace."""
    settings = given["settings"]
    credential = usable_credential(session, workspace_id, given["kind"], given["credential_id"], user_id)
    binding.bind(session, credential, settings)
    config = fetch_owned(session, OutboundConfig, workspace_id, config_id) if config_id else None
    values = {
        "name": free_name(session, workspace_id, given["name"], besides=config_id),
        "kind": given["kind"],
        "settings": dict(settings),
        "from_address": str(settings.get("from_address", "")),
        "credential_id": given["credential_id"],
        "alerts_address": clean_address(given["alerts_address"]),
    }
    changes = [field for field, value in values.items() if config is None or getattr(config, field) != value]
    fields = _names(changes, config.settings if config else {}, settings)
    action = "outbound:change" if config else "outbound:create"
    config = config or _new(session, workspace_id)
    _apply(session, config, values, credential, user_id)
    _judge(session, config, changes, given["fingerprint"] if given["tested"] else "")
    _record(session, config, actor, action, fields=fields)
    return config


def _names(changes: list[str], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What changed, each setting by its own name."""
    inside = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return list(dict.fromkeys([field for field in changes if field != "settings"] + inside))


def _new(session: Session, workspace_id: uuid.UUID) -> OutboundConfig:
    first = default_config(session, workspace_id) is None
    return OutboundConfig(workspace_id=workspace_id, is_default=first)


def _apply(
    session: Session,
    config: OutboundConfig,
    values: Mapping[str, Any],
    credential: Credential | None,
    user_id: uuid.UUID | None,
) -> None:
    if config.kind and config.kind != values["kind"]:
        config.moved_from = _as_it_was(config)
    for field, value in values.items():
        setattr(config, field, value)
    config.credential = credential
    config.updated_at, config.updated_by_id = utcnow(), user_id
    settle_keys(session, config)
    session.add(config)
    session.flush()


def _as_it_was(config: OutboundConfig) -> dict[str, Any]:
    """What somebody needs to switch back."""
    credential_id = str(config.credential_id) if config.credential_id else ""
    return {"kind": config.kind, "settings": dict(config.settings), "credential_id": credential_id}


def _judge(session: Session, config: OutboundConfig, changes: list[str], tested_fingerprint: str) -> None:
    """A setup that was only renamed keeps its health; changed values need a test to send."""
    if tested_fingerprint and health.test_passed(session, config, tested_fingerprint):
        return
    if {"kind", "settings", "credential_id"} & set(changes):
        health.values_changed(session, config)


def free_name(session: Session, workspace_id: uuid.UUID, name: str, *, besides: uuid.UUID | None) -> str:
    """The name for a setup, trimmed. Raises InvalidInput when it is missing, too long or taken."""
    name = " ".join(name.split())
    if not name:
        raise InvalidInput({"name": "Give the setup a name, like “Invoices”."})
    if len(name) > NAME_LIMIT:
        raise InvalidInput({"name": f"The name is too long: at most {NAME_LIMIT} characters."})
    same = select(OutboundConfig.id).where(OutboundConfig.workspace_id == workspace_id, OutboundConfig.name == name)
    if session.scalar(same.where(OutboundConfig.id != (besides or uuid.UUID(int=0)))):
        raise InvalidInput({"name": f"There is a setup named “{name}” already. Choose another name."})
    return name


def clean_address(raw: str) -> str:
    """The alerts address. Raises InvalidInput."""
    try:
        return email_address(raw.strip())
    except ValueError:
        sentence = "Type the address we write to when mail stops, like it@example.com."
        raise InvalidInput({"alerts_address": sentence}) from None


def usable_credential(
    session: Session, workspace_id: uuid.UUID, kind: str, credential_id: uuid.UUID | None, user_id: uuid.UUID | None
) -> Credential | None:
    """The credential, when this kind can use it, for this person. Raises InvalidInput at `credential_id`, NotFound."""
    service = registry.get(kind)
    restricted = rights.is_restricted(session, workspace_id, user_id)
    if credential_id is None:
        if service.credential_required or restricted:
            raise InvalidInput({"credential_id": "Choose a credential, or make one."})
        return None
    credential = fetch_owned(session, Credential, workspace_id, credential_id)
    if not rights.may_use(session, credential, user_id):
        raise InvalidInput({"credential_id": "Choose one of the credentials that are open to you."})
    if restricted and not binding.is_settled(session, credential):
        raise InvalidInput({"credential_id": binding.UNSETTLED.format(name=credential.name)})
    if credential.type not in service.credential_types:
        raise InvalidInput({"credential_id": f"“{credential.name}” is of a type that {service.label} cannot use."})
    return credential


def make_default(session: Session, config: OutboundConfig, *, actor: Actor) -> None:
    """Lets this setup send mail for which none was named."""
    others = update(OutboundConfig).where(OutboundConfig.workspace_id == config.workspace_id)
    session.execute(others.values(is_default=False), execution_options={"synchronize_session": "fetch"})
    config.is_default = True
    _record(session, config, actor, "outbound:make_default")


def set_policy(session: Session, config: OutboundConfig, policy: str, *, actor: Actor) -> None:
    """What happens to a mail of which nobody knows whether it was accepted. Raises InvalidInput."""
    if policy not in POLICIES:
        raise InvalidInput({"unknown_policy": "Choose one of the two."})
    config.unknown_policy = policy
    _record(session, config, actor, "outbound:change", fields=["unknown_policy"])


def possible_fallbacks(session: Session, config: OutboundConfig) -> list[OutboundConfig]:
    """The setups that could carry its mail: those that send as the same address."""
    others = list_configs(session, config.workspace_id)
    return [one for one in others if one.id != config.id and same_sender(one, config)]


def same_sender(one: OutboundConfig, other: OutboundConfig) -> bool:
    """Whether both send as the same address of the same workspace."""
    if one.workspace_id != other.workspace_id:
        return False
    return one.from_address.lower() == other.from_address.lower()


def set_fallback(session: Session, config: OutboundConfig, raw: str, *, actor: Actor) -> OutboundConfig | None:
    """Which setup carries its mail while it is broken; none when empty. Raises InvalidInput."""
    chosen = next((one for one in possible_fallbacks(session, config) if str(one.id) == raw), None)
    if raw and chosen is None:
        raise InvalidInput({"fallback": "Choose a setup that sends as the same address."})
    config.fallback_id = chosen.id if chosen else None
    _record(session, config, actor, "outbound:change", fields=["fallback"])
    return chosen


def change_mailbox(session: Session, config: OutboundConfig, mailbox: str, from_address: str, *, actor: Actor) -> None:
    """Signs in to another mailbox, and sends as this address, from now on."""
    config.settings = {**config.settings, "username": mailbox, "from_address": from_address}
    fields = ["username"] if config.from_address == from_address else ["username", "from_address"]
    config.from_address = from_address
    settle_keys(session, config)
    _record(session, config, actor, "outbound:change", fields=fields)


def delete_config(session: Session, config: OutboundConfig, *, actor: Actor) -> None:
    """Removes the setup; its waiting mail stays queued without one, and the oldest other setup becomes the default."""
    _record(session, config, actor, "outbound:delete")
    health.gone(session, config)
    was_default, workspace_id = config.is_default, config.workspace_id
    session.delete(config)
    session.flush()
    if was_default:
        _promote_oldest(session, workspace_id)


def _promote_oldest(session: Session, workspace_id: uuid.UUID) -> None:
    wanted = select(OutboundConfig).where(OutboundConfig.workspace_id == workspace_id)
    oldest = session.scalar(wanted.order_by(OutboundConfig.created_at).limit(1))
    if oldest is not None:
        oldest.is_default = True


def _record(session: Session, config: OutboundConfig, actor: Actor, action: str, **detail: Any) -> None:
    audit.record(
        session,
        config.workspace_id,
        actor=actor,
        action=action,
        subject=config.name,
        subject_id=config.id,
        **detail,
    )
