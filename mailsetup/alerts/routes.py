"""Who is told: the address of the setup, and the further addresses of the workspace."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mailsetup.alerts.models import PENDING, SENDING, TESTED, Alert, AlertNotice, AlertRoute
from mailsetup.core.db import fetch_owned
from mailsetup.core.errors import InvalidInput
from mailsetup.mail_services import values
from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor

ROUTE_LIMIT = 20
_MISSING = "Type the address that should hear of alerts, like name@example.com."


@dataclass(frozen=True)
class SetupAddress:
    """The alerts address of a saved setup, and which setup that is."""

    address: str
    label: str


@dataclass(frozen=True)
class Listener:
    """One address that hears of alerts: why, and the route to remove where it is a further address."""

    address: str
    reasons: tuple[str, ...]
    route_id: uuid.UUID | None
    last_notice: AlertNotice | None


AddressFinder = Callable[[Session, uuid.UUID], Iterable[SetupAddress]]
_finders: list[AddressFinder] = []


def register(finder: AddressFinder) -> AddressFinder:
    """Adds a source of setups' alerts addresses; registering it again changes nothing."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def recipients(session: Session, alert: Alert) -> list[str]:
    """Every address that hears of this alert, each once, the setup's own first."""
    return unique_addresses(
        [alert.notify_address, *(route.target for route in list_routes(session, alert.workspace_id))]
    )


def unique_addresses(addresses: Iterable[str]) -> list[str]:
    """The addresses without blanks and repeats; upper and lower case are the same mailbox to us."""
    found: dict[str, str] = {}
    for address in filter(None, addresses):
        found.setdefault(address.lower(), address)
    return list(found.values())


def list_routes(session: Session, workspace_id: uuid.UUID) -> list[AlertRoute]:
    """The further addresses of a workspace, oldest first."""
    wanted = select(AlertRoute).where(AlertRoute.workspace_id == workspace_id, AlertRoute.channel == "email")
    return list(session.scalars(wanted.order_by(AlertRoute.created_at, AlertRoute.id)))


def listeners(session: Session, workspace_id: uuid.UUID) -> list[Listener]:
    """Everyone who would be told if a setup of this workspace stopped now."""
    setups = [found for finder in _finders for found in finder(session, workspace_id) if found.address]
    routes = {route.target.lower(): route for route in list_routes(session, workspace_id)}
    addresses = unique_addresses([*(setup.address for setup in setups), *(route.target for route in routes.values())])
    latest = _latest_notices(session, workspace_id)
    return [
        Listener(
            address=address,
            reasons=tuple(setup.label for setup in setups if setup.address.lower() == address.lower()),
            route_id=routes[address.lower()].id if address.lower() in routes else None,
            last_notice=latest.get(address.lower()),
        )
        for address in addresses
    ]


def _latest_notices(session: Session, workspace_id: uuid.UUID) -> dict[str, AlertNotice]:
    newest_first = func.row_number().over(
        partition_by=func.lower(AlertNotice.target), order_by=(AlertNotice.created_at.desc(), AlertNotice.id.desc())
    )
    ranked = select(AlertNotice.id, newest_first.label("rank")).where(AlertNotice.workspace_id == workspace_id)
    latest = ranked.subquery()
    rows = session.scalars(select(AlertNotice).join(latest, latest.c.id == AlertNotice.id).where(latest.c.rank == 1))
    return {row.target.lower(): row for row in rows}


def add_route(session: Session, *, workspace_id: uuid.UUID, actor: Actor, address: str) -> AlertRoute:
    """Adds a further address. Raises InvalidInput at `address`."""
    target = _checked(session, workspace_id, address)
    route = AlertRoute(workspace_id=workspace_id, target=target)
    try:
        with session.begin_nested():
            session.add(route)
    except IntegrityError:
        raise InvalidInput({"address": f"{target} is on the list already."}) from None
    audit.record(session, workspace_id, actor=actor, action="alert_route:add", subject=target, subject_id=route.id)
    return route


def _checked(session: Session, workspace_id: uuid.UUID, address: str) -> str:
    try:
        target = values.email_address(address.strip()) if address.strip() else ""
    except ValueError as error:
        raise InvalidInput({"address": str(error)}) from None
    if not target:
        raise InvalidInput({"address": _MISSING})
    known = list_routes(session, workspace_id)
    if target.lower() in {route.target.lower() for route in known}:
        raise InvalidInput({"address": f"{target} is on the list already."})
    if len(known) >= ROUTE_LIMIT:
        raise InvalidInput({"address": f"At most {ROUTE_LIMIT} further addresses; use a distribution list instead."})
    return target


def remove_route(session: Session, *, workspace_id: uuid.UUID, actor: Actor, route_id: uuid.UUID) -> AlertRoute:
    """Removes a further address. Raises NotFound."""
    route = fetch_owned(session, AlertRoute, workspace_id, route_id)
    session.execute(delete(AlertRoute).where(AlertRoute.id == route.id))
    audit.record(
        session, workspace_id, actor=actor, action="alert_route:remove", subject=route.target, subject_id=route.id
    )
    return route


def test_running(listener: Listener) -> bool:
    """Whether a test mail to this address has not come to an end yet."""
    notice = listener.last_notice
    return notice is not None and notice.event == TESTED and notice.state in {PENDING, SENDING}
