"""A server that does not answer is tried by one, for everybody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import hosts, mailboxes
from mailsetup.outbound.models import BROKEN, DEGRADED, MailHost, OutboundConfig
from mailsetup.outbound.probe import probe_due
from mailsetup.outbox import claim
from mailsetup.outbox.attempts import judge_setup
from mailsetup.outbox.ready import ready_setups
from mailsetup.outbox.sweep import sweep
from tests import factories


@pytest.fixture
def setups(session: Session) -> list[OutboundConfig]:
    """Mailboxes of several workspaces behind one server, each with mail."""
    made = []
    for number in range(5):
        settings = factories.smtp_settings(host="mail.fabrikam.example", from_address=f"p{number}@fabrikam.example")
        made.append(factories.make_config(session, factories.make_workspace(session), settings=settings))
        factories.make_message(session, made[-1])
    return made


def unreachable() -> TransportError:
    return TransportError("timed out", channel="tcp", stage="connect", code="timeout")


def lose(session: Session, setups: list[OutboundConfig]) -> None:
    for config in setups:
        judge_setup(session, config, unreachable(), utcnow())
    session.commit()


def patient(session: Session, setups: list[OutboundConfig], *, circuit: bool = True) -> None:
    """Every pause is over."""
    for config in setups:
        config.blocked_until = None
    row = session.get(MailHost, setups[0].host_key)
    if row is not None and circuit:
        row.paused_until = utcnow()
    session.commit()


def claims(setups: list[OutboundConfig]) -> int:
    with session_scope() as session:
        return sum(bool(claim.claim(session, config.id, utcnow()).mails) for config in setups)


def test_one_lane_tries_a_server_that_several_setups_lost(session: Session, setups: list[OutboundConfig]) -> None:
    lose(session, setups[:3])
    patient(session, setups, circuit=False)
    assert ready_setups(session, utcnow(), after=None)[0] == []
    pause = mailboxes.pause_of(session, setups[4])
    assert pause is not None
    assert pause.reason == mailboxes.HOST_AWAY
    assert pause.until - utcnow() > timedelta(seconds=30)
    patient(session, setups)
    assert claims(setups) == 1


def test_a_setup_that_fails_alone_holds_nobody_up(session: Session, setups: list[OutboundConfig]) -> None:
    for _ in range(4):
        lose(session, setups[:1])
        patient(session, setups, circuit=False)
    assert claims(setups) == 5


def test_another_server_is_another_circuit(session: Session, setups: list[OutboundConfig]) -> None:
    lose(session, setups[:3])
    other = factories.make_config(session, factories.make_workspace(session))
    factories.make_message(session, other)
    assert claims([other]) == 1


def test_everybodys_mail_goes_on_when_it_answers(session: Session, setups: list[OutboundConfig]) -> None:
    lose(session, setups[:3])
    assert {config.health for config in setups[:3]} == {DEGRADED}
    hosts.answered(session, setups[0].host_key, utcnow())
    session.commit()
    assert {config.blocked_until for config in setups} == {None}
    assert claims(setups) == 5


def test_everybody_whose_mail_waits_is_told_after_five_tries(session: Session, setups: list[OutboundConfig]) -> None:
    lose(session, setups)
    with session_scope() as own:
        sweep(own)
    session.expire_all()
    assert {config.health for config in setups} == {BROKEN}
    assert len(session.scalars(select(Alert)).all()) == 5


def test_of_many_stopped_setups_one_is_probed(session: Session, setups: list[OutboundConfig]) -> None:
    lose(session, setups)
    for config in setups:
        config.health, config.next_probe_at = BROKEN, utcnow()
    session.commit()
    assert probe_due(session) == 0
    patient(session, setups)
    assert probe_due(session) == 1


def test_a_refused_login_says_that_the_server_is_there() -> None:
    assert not hosts.away(TransportError("", channel="smtp_reply", stage="authenticate", code="535 5.7.8"))
    assert not hosts.away(TransportError("", channel="tls", stage="tls", code="expired", permanent=True))
