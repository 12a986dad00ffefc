"""While a setup is broken, the one that somebody chose carries its mail, and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from mailsetup.alerts.facts import gather
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.outbound import health
from mailsetup.outbound.alerting import another_way
from mailsetup.outbound.configs import set_fallback
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, OutboundConfig
from mailsetup.outbox.fallback import carry
from mailsetup.outbox.ledger import ledger
from mailsetup.outbox.models import QUEUED, SENT
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.outbound.conftest import refused
from tests.outbox.conftest import Queue, setup_settings
from tests.outbox.smtp_server import Server
from tests.people import Person

CARRIES = "While it is broken, “Spare” carries its mail."
Send = Callable[[], None]


@pytest.fixture
def second(session: Session, workspace: Workspace, config: OutboundConfig, smtp: Server) -> OutboundConfig:
    """Another setup with the same From address, chosen to help out."""
    settings = setup_settings(smtp)
    found = factories.make_config(session, workspace, name="Spare", settings=settings, is_default=False)
    set_fallback(session, config, str(found.id), actor=SYSTEM)
    return found


@pytest.fixture
def stopped(session: Session, config: OutboundConfig) -> OutboundConfig:
    health.backend_failed(session, config, refused())
    session.commit()
    return config


def test_it_sends_through_the_other_setup_and_says_so(
    session: Session, second: OutboundConfig, stopped: OutboundConfig, queue: Queue, send: Send
) -> None:
    row = queue()
    assert carry(session) == 1
    send()
    assert (row.status, row.config_id, row.rerouted_from_id) == (SENT, second.id, stopped.id)
    alert = session.query(Alert).one()
    assert alert.resolved_at is None
    assert another_way(session, alert) == f"{CARRIES} 1 mail went out through “Spare”."
    assert ledger(session).balances
    health.test_passed(session, stopped, config_fingerprint(stopped))
    session.refresh(alert)
    assert alert.resolution.endswith("1 mail went out through “Spare”.")


def test_every_page_about_it_says_which_way_mail_went(session: Session, alice: Person, smtp: Server) -> None:
    settings = setup_settings(smtp)
    first, spare = (
        factories.make_config(session, alice.workspace, name=name, settings=settings, is_default=name == "Invoices")
        for name in ("Invoices", "Spare")
    )
    set_fallback(session, first, str(spare.id), actor=SYSTEM)
    health.backend_failed(session, first, refused())
    went = {"config_id": spare.id, "rerouted_from_id": first.id}
    row = factories.make_message(session, first, status=SENT, finished_at=utcnow(), **went)
    factories.make_message(session, first, **went)
    [alert] = session.query(Alert).all()
    words = "1 mail went out through “Spare”, 1 more on the way."
    for path, said in (
        (f"/alerts/{alert.id}", words),
        ("/alerts", words),
        (f"/outbound/{first.id}", words),
        (f"/messages/{row.id}", "which had stopped; the setup above carried it instead"),
    ):
        assert said in alice.client.get(path).get_data(as_text=True), path
    [notice] = session.query(AlertNotice).all()
    assert gather(session, notice).mail_line == f"{CARRIES} {words}"


@pytest.mark.parametrize("changed", ["healed", "paused", "unchosen"])
def test_it_takes_back_what_has_not_left(
    session: Session, second: OutboundConfig, stopped: OutboundConfig, queue: Queue, changed: str
) -> None:
    row = queue()
    carry(session)
    if changed == "healed":
        stopped.health = DEGRADED
    elif changed == "paused":
        second.health = PAUSED
    else:
        set_fallback(session, stopped, "", actor=SYSTEM)
    session.flush()
    assert carry(session) == 1
    session.refresh(row)
    assert (row.status, row.config_id, row.rerouted_from_id) == (QUEUED, stopped.id, None)


@pytest.mark.parametrize("state", [HEALTHY, DEGRADED, PAUSED, "unverified"])
def test_it_moves_nothing_of_a_setup_that_is_not_broken(
    session: Session, second: OutboundConfig, config: OutboundConfig, queue: Queue, state: str
) -> None:
    config.health = state
    session.flush()
    queue()
    assert carry(session) == 0


def test_it_moves_nothing_without_being_asked_to(session: Session, stopped: OutboundConfig, queue: Queue) -> None:
    factories.make_config(session, session.get_one(Workspace, stopped.workspace_id), is_default=False)
    queue()
    assert carry(session) == 0


def test_it_keeps_to_the_same_from_address(
    session: Session, workspace: Workspace, second: OutboundConfig, config: OutboundConfig, queue: Queue
) -> None:
    other = factories.make_config(
        session, workspace, settings=factories.smtp_settings(from_address="shop@northwind.example"), is_default=False
    )
    with pytest.raises(InvalidInput):
        set_fallback(session, config, str(other.id), actor=SYSTEM)
    config.health, second.from_address = BROKEN, "shop@northwind.example"
    queue()
    assert carry(session) == 0
