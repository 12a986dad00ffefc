"""The address and secret behind a way, opened just before use."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.alerts.models import AlertNotice, AlertRoute
from mailsetup.alerts.recipients import EMAIL, OPERATOR_WEBHOOK
from mailsetup.core.crypto import Place
from mailsetup.core.redact import Secret
from mailsetup.workspaces.sealing import register, seal, unseal


@dataclass(frozen=True)
class Way:
    """Where a notice goes: an address for mail, a URL for all else; blank when it was deleted meanwhile."""

    channel: str
    address: Secret
    secrets: tuple[Secret, ...] = ()


def way_of(session: Session, notice: AlertNotice) -> Way:
    """What sending this notice needs. Raises UnsealError."""
    if notice.channel == EMAIL:
        return Way(EMAIL, Secret(notice.target))
    if notice.channel == OPERATOR_WEBHOOK:
        current = settings.current()
        return Way(OPERATOR_WEBHOOK, current.operator_webhook_url, (current.operator_webhook_secret,))
    if notice.route is None:
        return Way(notice.channel, Secret(""))
    held = open_route(session, notice.route)
    secret = held.get("secret", "")
    return Way(notice.channel, Secret(held["url"]), (Secret(secret),) if secret else ())


def open_route(session: Session, route: AlertRoute) -> dict[str, str]:
    """The URL of a route, and the secret it signs with. Raises UnsealError."""
    opened: dict[str, str] = json.loads(unseal(session, _place(route.workspace_id, route.id), route.sealed))
    return opened


def seal_route(session: Session, workspace_id: uuid.UUID, route_id: uuid.UUID, held: Mapping[str, str]) -> str:
    """The same, sealed to its row."""
    return seal(session, _place(workspace_id, route_id), json.dumps(dict(held)))


def _place(workspace_id: uuid.UUID, route_id: uuid.UUID) -> Place:
    return Place(str(workspace_id), AlertRoute.__tablename__, str(route_id), "sealed")


register(AlertRoute.sealed, lambda row: _place(row.workspace_id, row.id))
