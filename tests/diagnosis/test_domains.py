"""The daily look at the DNS of senders' domains, and what is told of a change."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.alerts.models import Alert
from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.diagnosis import domains
from mailsetup.diagnosis.jobs import check_domain
from mailsetup.diagnosis.models import DomainReport
from tests import factories

GOOD = """
    northwind.example TXT v=spf1 ip4:203.0.113.7 -all
    mail.northwind.example A 203.0.113.7
    _dmarc.northwind.example TXT v=DMARC1; p=none
"""


@pytest.fixture
def config(session, workspace):
    return factories.make_config(session, workspace, settings=factories.smtp_settings(host="mail.northwind.example"))


@pytest.fixture
def checked(session, config, names):
    """Looks at the domain of the setup and reads what was found."""

    def check() -> DomainReport:
        place = domains.sender_of(config.kind, config.settings)
        row = domains.find(session, config.workspace_id, *place) or domains.want(session, config.workspace_id, *place)
        session.commit()
        assert row is not None
        check_domain(str(row.id))
        session.expire_all()
        return row

    return check


def states(row) -> list[str]:
    return [one["state"] for one in row.report["advice"]]


def alerts(session) -> list[tuple[str, bool]]:
    return [(alert.cause, alert.resolved_at is None) for alert in session.scalars(select(Alert))]


def test_it_keeps_what_the_dns_said(checked, names):
    names.has(GOOD)
    row = checked()
    assert states(row) == ["good", "unknown", "good"]
    assert (row.checked_at is not None, row.changed_at) == (True, None)


def test_it_tells_when_a_record_got_worse_and_when_it_is_right_again(checked, names, session, config):
    names.has(GOOD)
    checked()
    assert alerts(session) == []
    names.clear()
    row = checked()
    assert states(row)[0] == "missing"
    assert row.changed_at is not None
    assert alerts(session) == [("sender_dns", True)]
    alert = session.scalars(select(Alert)).one()
    assert "northwind.example has no SPF record" in alert.title
    names.has(GOOD)
    checked()
    assert alerts(session) == [("sender_dns", False)]


def test_it_raises_no_alarm_about_what_was_never_right(checked, session):
    assert states(checked())[0] == "missing"
    assert alerts(session) == []


def test_it_takes_nothing_back_when_the_dns_is_silent(checked, names, session):
    names.has(GOOD)
    checked()
    names.failing.update({"northwind.example", "_dmarc.northwind.example"})
    row = checked()
    assert states(row) == ["good", "unknown", "good"]
    assert alerts(session) == []


def test_it_asks_every_day_and_forgets_what_nobody_uses(checked, names, session, config):
    row = checked()
    assert domains.check_due(session) == 0
    row.wanted_at = utcnow() - timedelta(days=1, minutes=1)
    queues.connection().flushall()
    assert domains.check_due(session) == 1
    session.commit()
    assert [job.args for job in queues.queue(queues.TESTS).jobs] == [[str(row.id)]]
    session.delete(config)
    row.wanted_at = utcnow() - timedelta(days=1, minutes=1)
    session.flush()
    domains.check_due(session)
    session.commit()
    assert session.scalars(select(DomainReport)).all() == []


def test_it_begins_with_setups_that_were_there_before(session, config):
    assert domains.adopt(session) == 1
    session.commit()
    assert domains.adopt(session) == 0


@pytest.mark.parametrize(("address", "wanted"), [("ar@localhost", False), ("ar@bücher.example", True)])
def test_it_asks_about_domains_alone(session, workspace, address, wanted):
    place = domains.sender_of("smtp_basic", {"from_address": address, "host": "mail.example"})
    row = domains.want(session, workspace.id, *place)
    assert (row is not None) is wanted
    assert row is None or row.domain == "xn--bcher-kva.example"


def test_it_looks_at_microsoft_s_records_for_kinds_that_send_there():
    place = domains.sender_of("graph_client_credentials", {"from_address": "ar@contoso.com", "host": "localhost"})
    assert place == ("contoso.com", "smtp.office365.com")
