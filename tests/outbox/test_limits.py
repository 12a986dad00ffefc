"""What one mailbox takes, whoever sends through it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mailsetup.alerts.models import Alert
from mailsetup.core.clock import utcnow
from mailsetup.core.db import session_scope
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import judged
from mailsetup.mail_services.kinds.smtp_basic import SMTPBasic
from mailsetup.mail_services.limits import Limits
from mailsetup.outbound import health, mailboxes
from mailsetup.outbound.models import BROKEN, HEALTHY, Mailbox, MailboxLane, OutboundConfig
from mailsetup.outbox import claim
from mailsetup.outbox.attempts import judge_setup
from mailsetup.outbox.models import FAILED, QUEUED, SENT
from mailsetup.outbox.ready import ready_setups
from tests import factories
from tests.outbox.conftest import Queue, mail
from tests.outbox.smtp_server import Server

Send = Callable[[], None]


@pytest.fixture
def other(session: Session, config: OutboundConfig) -> OutboundConfig:
    """Another setup, of another workspace, through the same mailbox."""
    return factories.make_config(session, factories.make_workspace(session), settings=config.settings)


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def limited(**values: int) -> None:
        monkeypatch.setattr(SMTPBasic, "limits", Limits(**values))

    return limited


def claimed(config: OutboundConfig, lane: str = "") -> list[claim.Claimed]:
    with session_scope() as session:
        return claim.claim(session, config.id, utcnow(), lane=lane).mails


def queued(session: Session, config: OutboundConfig, number: int) -> None:
    for _ in range(number):
        factories.make_message(session, config)


def pause(session: Session, config: OutboundConfig) -> mailboxes.Pause | None:
    session.expire_all()
    return mailboxes.pause_of(session, config)


def test_it_counts_the_minute_over_all_setups_of_a_mailbox(
    session: Session, config: OutboundConfig, other: OutboundConfig, limits: Callable[..., None]
) -> None:
    limits(per_minute=7)
    queued(session, config, 5)
    queued(session, other, 5)
    assert (len(claimed(config)), len(claimed(other)), len(claimed(other))) == (5, 2, 0)
    found = pause(session, other)
    assert found is not None
    assert found.reason == mailboxes.MINUTE_FULL
    assert timedelta(seconds=30) < found.until - utcnow() <= timedelta(seconds=66)
    assert ready_setups(session, utcnow(), after=None)[0] == []
    assert len(ready_setups(session, found.until + timedelta(seconds=1), after=None)[0]) == 1


def test_it_lowers_a_limit_for_one_setup(session: Session, config: OutboundConfig, limits: Callable[..., None]) -> None:
    limits(per_minute=7)
    config.limit_per_minute = 2
    queued(session, config, 5)
    assert len(claimed(config)) == 2
    config.limit_per_minute = 100
    assert mailboxes.limits_of(config).per_minute == 7


def test_it_stops_for_the_day_before_the_recipients_run_out(
    session: Session, config: OutboundConfig, queue: Queue, limits: Callable[..., None]
) -> None:
    limits(recipients_a_day=10)
    for _ in range(4):
        queue(mail(To="a@fabrikam.example, b@fabrikam.example, c@fabrikam.example"))
    assert (len(claimed(config)), len(claimed(config))) == (3, 1)
    assert claimed(config) == []
    found = pause(session, config)
    assert found is not None
    assert found.reason == mailboxes.DAY_FULL
    assert found.until - utcnow() > timedelta(hours=23)


def test_it_counts_back_what_never_went(
    session: Session, config: OutboundConfig, queue: Queue, send: Send, smtp: Server, limits: Callable[..., None]
) -> None:
    limits(per_minute=3, recipients_a_day=50)
    for _ in range(3):
        queue()
    smtp.answers["MAIL"] = ["421 4.3.0 closing"] * 2
    send()
    box = session.get_one(Mailbox, config.mailbox_key)
    assert sum(number for _start, number in box.minute) == 1
    assert sum(number for _start, number in box.day) == 1


def test_it_shares_connections_over_all_workers(
    session: Session, config: OutboundConfig, other: OutboundConfig, limits: Callable[..., None]
) -> None:
    limits(connections=2)
    queued(session, config, 120)
    queued(session, other, 50)
    assert [bool(claimed(config, "a")), bool(claimed(config, "b")), bool(claimed(other, "c"))] == [True, True, False]
    assert claimed(config, "a"), "a lane that has its connection keeps it"
    with session_scope() as own:
        mailboxes.leave_lane(own, "a")
    assert claimed(other, "c")


def test_a_connection_of_a_dead_worker_is_free_a_minute_later(
    session: Session, config: OutboundConfig, other: OutboundConfig, limits: Callable[..., None]
) -> None:
    limits(connections=1)
    queued(session, config, 1)
    queued(session, other, 1)
    assert claimed(config, "dead")
    assert not claimed(other, "b")
    session.get_one(MailboxLane, "dead").until = utcnow()
    session.commit()
    assert claimed(other, "b")


def test_a_lane_gives_its_connection_back(
    config: OutboundConfig, queue: Queue, send: Send, session: Session, limits: Callable[..., None]
) -> None:
    limits(connections=1)
    rows = [queue() for _ in range(3)]
    send()
    assert {row.status for row in rows} == {SENT}
    assert session.scalar(select(func.count()).select_from(MailboxLane)) == 0


def crowded(raw: str, code: str, channel: str = "smtp_reply") -> TransportError:
    return judged(TransportError(raw, channel=channel, code=code, stage="accept"))


@pytest.mark.parametrize(
    "error",
    [
        crowded("432 4.3.2 Concurrent connections limit exceeded", "432 4.3.2"),
        crowded("Application is over its MailboxConcurrency limit.", "ApplicationThrottled", "graph"),
    ],
    ids=["smtp", "graph"],
)
def test_it_uses_fewer_connections_when_the_service_asks(
    error: TransportError, session: Session, config: OutboundConfig, limits: Callable[..., None]
) -> None:
    limits(connections=3)
    queued(session, config, 200)
    judge_setup(session, config, error, utcnow())
    judge_setup(session, config, error, utcnow())
    session.commit()
    assert (config.health, mailboxes.lanes_now(session, config)) == (HEALTHY, 1)
    session.get_one(Mailbox, config.mailbox_key).paused_until = None
    session.commit()
    assert [bool(claimed(config, lane)) for lane in "ab"] == [True, False]
    judge_setup(session, config, error, utcnow())
    assert config.health != HEALTHY, "with one connection left it is a failure like others"


def test_a_pause_is_everybodys_and_outlives_an_acceptance(
    session: Session, config: OutboundConfig, other: OutboundConfig
) -> None:
    error = judged(TransportError("", channel="graph", stage="authenticate", http_status=429, retry_after=120))
    judge_setup(session, config, error, utcnow())
    health.accepted(session, config)
    session.commit()
    queued(session, other, 1)
    assert claimed(other) == []
    assert (config.failures_in_row, other.health) == (0, HEALTHY)
    found = pause(session, other)
    assert found is not None
    assert timedelta(seconds=90) < found.until - utcnow() <= timedelta(seconds=120)


def refused_mails(smtp: Server, number: int) -> None:
    smtp.answers["RCPT"] = ["550 5.1.10 Recipient not found"] * number


def test_it_stops_a_setup_before_repeated_refusals_cost_the_mailbox(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session, limits: Callable[..., None]
) -> None:
    limits(refusals_in_row=4, connections=1)
    rows = [queue() for _ in range(9)]
    refused_mails(smtp, 9)
    send()
    states = sorted(row.status for row in rows)
    assert (config.health, config.health_cause, config.next_probe_at) == (BROKEN, "repeated_refusals", None)
    assert states == [FAILED] * 4 + [QUEUED] * 5
    alert = session.scalars(select(Alert)).one()
    assert "refused" in alert.title
    assert config.explanation["steps"]


def test_an_accepted_mail_ends_the_row_of_refusals(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session, limits: Callable[..., None]
) -> None:
    limits(refusals_in_row=3)
    for _ in range(3):
        refused_mails(smtp, 2)
        for _ in range(3):
            queue()
        send()
    assert (config.health, config.refusals_in_row) == (HEALTHY, 0)


def test_other_servers_may_refuse_as_often_as_they_like(
    config: OutboundConfig, queue: Queue, send: Send, smtp: Server, session: Session
) -> None:
    refused_mails(smtp, 12)
    for _ in range(12):
        queue()
    send()
    assert config.health == HEALTHY


def test_one_mailbox_has_one_name_whichever_way_mail_goes() -> None:
    from mailsetup.mail_services.kinds.graph_delegated import GraphDelegated
    from mailsetup.mail_services.kinds.smtp_xoauth2 import SMTPXOAuth2

    settings = {"username": "AR@Northwind.example", "host": "smtp.office365.com", "from_address": "x@y.example"}
    names = {kind.mailbox_of(settings, {}) for kind in (GraphDelegated, SMTPXOAuth2)}
    names.add(SMTPBasic.mailbox_of(settings, {"username": "ar@northwind.example"}))
    assert names == {"exchange:ar@northwind.example"}
    assert SMTPBasic.limits_of(settings).connections == 3
    assert SMTPBasic.limits_of({"host": "mail.notoffice365.com"}) == Limits()


def test_a_mail_without_a_login_is_on_nobodys_count() -> None:
    settings = {"host": "mx.fabrikam.example", "from_address": "ar@fabrikam.example"}
    assert SMTPBasic.mailbox_of(settings, {}) != SMTPBasic.mailbox_of(settings, {"username": "ar@fabrikam.example"})


def big(people: int) -> EmailMessage:
    return mail(To=", ".join(f"p{number}@fabrikam.example" for number in range(people)))


def test_a_mail_to_more_people_than_are_left_is_not_stuck_for_ever(
    config: OutboundConfig, queue: Queue, limits: Callable[..., None]
) -> None:
    limits(recipients_a_day=5)
    queue(big(8))
    assert len(claimed(config)) == 1
