"""Health of a setup: what makes it worse, what makes it better, and who is told."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.alerts.models import Alert
from mailsetup.alerts.open import open_alerts
from mailsetup.core.clock import utcnow
from mailsetup.outbound import health, waiting
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import BROKEN, DEGRADED, HEALTHY, PAUSED, UNVERIFIED
from tests.outbound.conftest import refused, unreachable

DRAIN = ("mailsetup.outbox.jobs.drain", ())


def pending(session):
    return session.info.get("mailsetup.jobs_after_commit", [])


def test_it_slows_down_at_a_failure_that_may_pass(session, config):
    health.backend_failed(session, config, unreachable())
    assert (config.health, config.failures_in_row) == (DEGRADED, 1)
    assert config.health_reason
    assert open_alerts(session, config.workspace_id) == []


def test_it_stops_at_once_when_only_a_person_can_help(session, config):
    health.backend_failed(session, config, refused())
    assert config.health == BROKEN
    assert config.next_probe_at is None
    [alert] = open_alerts(session, config.workspace_id)
    assert alert.subject_key == f"outbound:{config.id}"
    assert alert.fix_path == f"/outbound/{config.id}"
    assert alert.notify_address == config.alerts_address
    assert alert.explanation["steps"]


def test_it_stops_after_five_times_unreachable_and_plans_a_probe(session, config):
    for _ in range(health.FAILURES_UNTIL_STOPPED):
        assert config.health != BROKEN
        health.backend_failed(session, config, unreachable())
    assert config.health == BROKEN
    assert timedelta(minutes=4) < config.next_probe_at - utcnow() <= timedelta(minutes=5)


def test_it_does_not_count_a_mail_that_is_put_off_as_unreachable(session, config):
    for _ in range(9):
        health.backend_failed(session, config, refused("recipient", code="451 4.7.1", permanent=False))
    assert (config.health, config.failures_in_row) == (DEGRADED, 0)


def test_it_stops_when_nothing_was_accepted_for_an_hour(session, config):
    health.backend_failed(session, config, refused("accept", code="451 4.3.0", permanent=False))
    config.health_since = utcnow() - timedelta(minutes=61)
    health.backend_failed(session, config, refused("accept", code="451 4.3.0", permanent=False))
    assert config.health == BROKEN


def test_it_opens_one_alert_however_often_the_service_fails(session, config):
    for error in (refused(), refused(code="535 5.7.139"), unreachable()):
        health.backend_failed(session, config, error)
    assert len(open_alerts(session, config.workspace_id)) == 1


def test_it_says_how_many_mails_wait(session, config, monkeypatch):
    monkeypatch.setattr(waiting, "_counters", [lambda _session, ids: dict.fromkeys(ids, 12)])
    health.backend_failed(session, config, refused())
    assert open_alerts(session, config.workspace_id)[0].waiting == 12


@pytest.mark.parametrize(("asked", "kept"), [(30, 30), (-5, 1), (10**9, 3600)])
def test_it_waits_as_long_as_the_service_asks_within_reason(session, config, asked, kept):
    health.backend_failed(session, config, unreachable(retry_after=asked))
    assert kept - 20 < (config.blocked_until - utcnow()).total_seconds() < kept + 2


def test_it_recovers_with_the_first_accepted_mail(session, config):
    health.backend_failed(session, config, unreachable(retry_after=60))
    health.accepted(session, config)
    assert (config.health, config.failures_in_row, config.blocked_until) == (HEALTHY, 0, None)


def test_it_resolves_its_alert_and_lets_mail_flow_when_a_test_passes(session, config):
    health.backend_failed(session, config, refused())
    session.commit()
    assert health.test_passed(session, config, config_fingerprint(config))
    assert config.health == HEALTHY
    assert open_alerts(session, config.workspace_id) == []
    assert session.scalar(select(Alert)).resolution
    assert DRAIN in pending(session)


def test_it_believes_only_a_test_of_the_saved_values(session, config):
    health.values_changed(session, config)
    assert not health.test_passed(session, config, "0" * 64)
    assert config.health == UNVERIFIED


def test_it_ignores_mail_that_was_on_its_way_with_the_values_before(session, config):
    health.values_changed(session, config)
    health.accepted(session, config)
    health.backend_failed(session, config, refused())
    assert config.health == UNVERIFIED
    assert open_alerts(session, config.workspace_id) == []


def test_it_lets_mail_through_after_a_probe_and_stops_it_at_the_first_failure(session, config):
    health.backend_failed(session, config, refused())
    health.probe_passed(session, config)
    assert config.health == DEGRADED
    assert open_alerts(session, config.workspace_id)
    assert DRAIN in pending(session)
    health.backend_failed(session, config, unreachable())
    assert config.health == BROKEN


def test_it_probes_less_often_while_the_service_stays_away(session, config):
    for _ in range(5):
        health.backend_failed(session, config, unreachable())
    waits = []
    for _ in range(3):
        waits.append(round((config.next_probe_at - utcnow()).total_seconds() / 60))
        health.probe_failed(session, config, unreachable())
    assert waits == [5, 15, 60]


def test_it_gives_up_probing_when_the_cause_needs_a_person(session, config):
    for _ in range(5):
        health.backend_failed(session, config, unreachable())
    health.probe_failed(session, config, refused())
    assert (config.health, config.next_probe_at) == (BROKEN, None)


@pytest.mark.parametrize(("before", "after"), [("tested", HEALTHY), ("changed", UNVERIFIED), ("stopped", DEGRADED)])
def test_it_resumes_to_what_is_true_now(session, config, before, after):
    if before == "changed":
        config.tested_fingerprint = "0" * 64
    if before == "stopped":
        health.backend_failed(session, config, refused())
    health.pause(session, config)
    assert config.health == PAUSED
    health.resume(session, config)
    assert config.health == after


def test_it_tells_nobody_while_a_person_has_paused_it(session, config):
    health.pause(session, config)
    health.backend_failed(session, config, refused())
    assert config.health == PAUSED
    assert open_alerts(session, config.workspace_id) == []


def test_it_resolves_the_alert_of_a_setup_that_goes(session, config):
    health.backend_failed(session, config, refused())
    health.gone(session, config)
    assert open_alerts(session, config.workspace_id) == []


def test_it_costs_a_healthy_setup_nothing_when_mail_is_accepted(session, config):
    session.expunge(config)
    health.accepted(session, config)
    assert config.health == HEALTHY
