"""The further ways by which a workspace is told: added, changed, deleted."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.alerts.causes import GROUPS
from mailsetup.alerts.channels import CHANNELS, channel_of
from mailsetup.alerts.models import AT_ONCE, DAILY, ERROR, HOURLY, WARNING, AlertRoute
from mailsetup.alerts.open import resolve_alerts
from mailsetup.alerts.recipients import EMAIL, routes_of, way_key
from mailsetup.alerts.ways import open_route, seal_route
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.core.ids import new_id
from mailsetup.core.redact import Secret
from mailsetup.mail_services import values, webhooks
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

ROUTE_LIMIT = 20
NAME_LIMIT = 80
_MISSING = "Type the address that should hear of alerts, like name@example.com."
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
DIGESTS = (AT_ONCE, HOURLY, DAILY)


@dataclass(frozen=True)
class Wishes:
    """What somebody asks of a route; a blank address keeps the one it has."""

    channel: str = EMAIL
    address: str = ""
    name: str = ""
    severity: str = WARNING
    groups: tuple[str, ...] = ()
    setups: tuple[str, ...] = ()
    quiet_from: str = ""
    quiet_until: str = ""
    quiet_errors: bool = False
    digest: str = AT_ONCE
    new_secret: bool = False


def add_route(
    session: Session, *, workspace_id: uuid.UUID, actor: Actor, wishes: Wishes
) -> tuple[AlertRoute, Secret | None]:
    """Adds a way, and makes the secret it signs with, if it signs. Raises InvalidInput."""
    if len(routes_of(session, workspace_id)) >= ROUTE_LIMIT:
        raise InvalidInput({"address": f"At most {ROUTE_LIMIT} further ways; use a distribution list instead."})
    route = AlertRoute(id=new_id(), workspace_id=workspace_id, channel=wishes.channel)
    return _saved(session, route, wishes, actor, action="alert_route:add")


def change_route(
    session: Session, route: AlertRoute, *, actor: Actor, wishes: Wishes
) -> tuple[AlertRoute, Secret | None]:
    """Changes a way; another host gets another secret. Raises InvalidInput."""
    return _saved(session, route, wishes, actor, action="alert_route:change")


def _saved(
    session: Session, route: AlertRoute, wishes: Wishes, actor: Actor, *, action: str
) -> tuple[AlertRoute, Secret | None]:
    _check(wishes)
    secret = _set_address(session, route, wishes)
    _refuse_repeat(session, route)
    route.name, route.severity, route.digest = wishes.name, wishes.severity, wishes.digest
    route.groups, route.setups = list(wishes.groups), list(wishes.setups)
    route.quiet_from, route.quiet_until = wishes.quiet_from, wishes.quiet_until
    route.quiet_errors = wishes.quiet_errors
    try:
        with session.begin_nested():
            session.add(route)
    except IntegrityError:
        raise InvalidInput({"address": f"{route.target} is on the list already."}) from None
    audit.record(
        session, route.workspace_id, actor=actor, action=action, subject=route.target, subject_id=route.id,
        channel=channel_of(route.channel).label,
    )  # fmt: skip
    return route, secret


def _check(wishes: Wishes) -> None:
    """Everything but the address. Raises InvalidInput."""
    errors: dict[str, str] = {}
    if len(wishes.name) > NAME_LIMIT:
        errors["name"] = f"A name has at most {NAME_LIMIT} characters."
    for field in ("quiet_from", "quiet_until"):
        if getattr(wishes, field) and not _TIME.fullmatch(getattr(wishes, field)):
            errors[field] = "Type a time of day, like 22:00."
    if bool(wishes.quiet_from) != bool(wishes.quiet_until):
        errors.setdefault("quiet_until" if wishes.quiet_from else "quiet_from", "Quiet hours need a begin and an end.")
    known = {slug for slug, _label in GROUPS}
    if wishes.severity not in {ERROR, WARNING} or wishes.digest not in DIGESTS or not set(wishes.groups) <= known:
        errors[""] = "Choose from the lists."
    if errors:
        raise InvalidInput(errors)


def _set_address(session: Session, route: AlertRoute, wishes: Wishes) -> Secret | None:
    """Sets where the route leads; the new secret, if it got one. Raises InvalidInput."""
    if route.channel not in CHANNELS:
        raise InvalidInput({"": "Choose from the lists."})
    if route.channel == EMAIL:
        if wishes.address or not route.target:
            route.target = _mail_address(wishes.address)
        return None
    held = open_route(session, route) if route.sealed else {}
    before = urlsplit(held.get("url", "")).hostname
    if wishes.address or not held:
        held = {**held, "url": _web_address(wishes.address)}
        route.target = _shown(held["url"])
    secret: Secret | None = None
    if channel_of(route.channel).signed and (wishes.new_secret or urlsplit(held["url"]).hostname != before):
        secret = webhooks.new_secret()
        held["secret"] = secret.reveal()
    route.sealed = seal_route(session, route.workspace_id, route.id, held)
    return secret


def _refuse_repeat(session: Session, route: AlertRoute) -> None:
    others = select(AlertRoute).where(AlertRoute.workspace_id == route.workspace_id, AlertRoute.id != route.id)
    with session.no_autoflush:
        known = {(other.channel, other.target.lower()) for other in session.scalars(others)}
    if (route.channel, route.target.lower()) in known:
        raise InvalidInput({"address": f"{route.target} is on the list already."})


def _mail_address(text: str) -> str:
    try:
        target = values.email_address(text.strip()) if text.strip() else ""
    except ValueError as error:
        raise InvalidInput({"address": str(error)}) from None
    if not target:
        raise InvalidInput({"address": _MISSING})
    return target


def _web_address(text: str) -> str:
    try:
        return webhooks.clean_url(text)
    except ValueError as error:
        raise InvalidInput({"address": str(error)}) from None


def _shown(url: str) -> str:
    """The host, and a mark to tell two addresses of one host apart; the rest of it may be a key."""
    mark = hashlib.sha256(url.encode()).hexdigest()[:6]
    return f"{(urlsplit(url).hostname or '')[:240]} ({mark})"


def remove_route(session: Session, *, workspace_id: uuid.UUID, actor: Actor, route_id: uuid.UUID) -> AlertRoute:
    """Deletes a way; what was said of its failures is over. Raises NotFound."""
    route = fetch_owned(session, AlertRoute, workspace_id, route_id)
    key = way_key(route.channel, route.target)
    resolve_alerts(session, workspace_id=workspace_id, subject_key=key, resolution="This way was deleted.")
    session.execute(delete(AlertRoute).where(AlertRoute.id == route.id))
    audit.record(
        session, workspace_id, actor=actor, action="alert_route:remove", subject=route.target, subject_id=route.id
    )
    return route
