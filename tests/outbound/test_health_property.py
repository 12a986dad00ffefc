"""Whatever happens in whatever order, the promises of health hold."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailsetup.alerts.open import open_alerts
from mailsetup.outbound import health
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import BROKEN, HEALTHY, PAUSED, UNVERIFIED
from tests.outbound.conftest import refused, unreachable


def change(session, config):
    config.settings = {**config.settings, "port": config.settings["port"] % 60000 + 1}
    health.values_changed(session, config)


STEPS = {
    "accepted": health.accepted,
    "unreachable": lambda session, config: health.backend_failed(session, config, unreachable()),
    "refused": lambda session, config: health.backend_failed(session, config, refused()),
    "tested": lambda session, config: health.test_passed(session, config, config_fingerprint(config)),
    "changed": change,
    "probe_passed": health.probe_passed,
    "probe_failed": lambda session, config: health.probe_failed(session, config, unreachable()),
    "pause": health.pause,
    "resume": health.resume,
}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=25))
def test_it_keeps_its_promises(session, config, steps):
    # The promises: one alert at most; a stopped setup has one; a healthy one has none; untested values never send.
    session.rollback()
    for step in steps:
        before = config.health
        STEPS[step](session, config)
        alerts = open_alerts(session, config.workspace_id)
        assert len(alerts) <= 1
        assert bool(alerts) or config.health != BROKEN
        assert not alerts or config.health != HEALTHY
        assert config.health != UNVERIFIED or health.needs_test(session, config)
        assert config.health != HEALTHY or step != "resume" or before in {PAUSED, HEALTHY}
    session.rollback()
