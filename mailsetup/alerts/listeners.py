"""Everyone who would be told if a setup stopped now, for the page."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import PENDING, SENDING, TESTED, AlertNotice, AlertRoute
from mailsetup.alerts.recipients import EMAIL, Recipient, operator_recipients, routes_of


@dataclass(frozen=True)
class SetupAddress:
    """The alerts address of a saved setup, and which setup that is."""

    address: str
    label: str
    setup_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Listener:
    """One way by which somebody hears of alerts: why, its route where it is a further one, its last notice."""

    recipient: Recipient
    reasons: tuple[str, ...]
    route: AlertRoute | None
    last_notice: AlertNotice | None

    @property
    def address(self) -> str:
        """What is shown of it."""
        return self.recipient.target

    @property
    def testing(self) -> bool:
        """Whether a test by this way has not come to an end yet."""
        notice = self.last_notice
        return notice is not None and notice.event == TESTED and notice.state in {PENDING, SENDING}


AddressFinder = Callable[[Session, uuid.UUID], Iterable[SetupAddress]]
_finders: list[AddressFinder] = []


def register(finder: AddressFinder) -> AddressFinder:
    """Adds a source of setups' alerts addresses; registering it again changes nothing."""
    if finder not in _finders:
        _finders.append(finder)
    return finder


def setup_addresses(session: Session, workspace_id: uuid.UUID) -> list[SetupAddress]:
    """The setups of a workspace with the address each names."""
    return [found for finder in _finders for found in finder(session, workspace_id)]


def listeners(session: Session, workspace_id: uuid.UUID) -> list[Listener]:
    """The setups' own addresses first, then the further ways."""
    named: dict[tuple[str, str], tuple[Recipient, list[str]]] = {}
    for setup in setup_addresses(session, workspace_id):
        if setup.address:
            recipient = Recipient(EMAIL, setup.address)
            named.setdefault(recipient.key, (recipient, []))[1].append(setup.label)
    latest = latest_notices(session, workspace_id)
    routes = {Recipient(route.channel, route.target).key: route for route in routes_of(session, workspace_id)}
    first = [
        Listener(recipient, tuple(labels), routes.pop(key, None), latest.get(key))
        for key, (recipient, labels) in named.items()
    ]
    further = [
        Listener(Recipient(route.channel, route.target, route.id), (), route, latest.get(key))
        for key, route in routes.items()
    ]
    return [*first, *further]


def operator_listeners(session: Session) -> list[Listener]:
    """The operator's own ways."""
    latest = latest_notices(session, None)
    return [Listener(recipient, (), None, latest.get(recipient.key)) for recipient in operator_recipients()]


def latest_notices(session: Session, workspace_id: uuid.UUID | None) -> dict[tuple[str, str], AlertNotice]:
    """The newest notice of each way; of none that is for somebody else."""
    newest_first = func.row_number().over(
        partition_by=(AlertNotice.channel, func.lower(AlertNotice.target)),
        order_by=(AlertNotice.created_at.desc(), AlertNotice.id.desc()),
    )
    ranked = select(AlertNotice.id, newest_first.label("rank")).where(AlertNotice.workspace_id == workspace_id)
    latest = ranked.subquery()
    rows = session.scalars(select(AlertNotice).join(latest, latest.c.id == AlertNotice.id).where(latest.c.rank == 1))
    return {Recipient(row.channel, row.target).key: row for row in rows}
