"""What the alerts learn from the setups."""

import uuid
from typing import Any

from mailsetup.alerts.listeners import listeners
from mailsetup.alerts.open import open_alert
from mailsetup.alerts.waiting import waiting_now
from mailsetup.outbound import alerting
from mailsetup.outbound.health import subject_key
from tests import factories


def test_it_lists_the_alerts_address_of_each_setup_as_told(session, workspace, config):
    [listener] = listeners(session, workspace.id)
    assert (listener.address, listener.reasons) == (config.alerts_address, ("Invoices",))


def test_it_counts_the_mail_that_waits_now_not_when_the_alert_opened(session, workspace, config):
    facts: dict[str, Any] = {
        "subject_label": "Invoices",
        "cause": "mail_stopped",
        "title": "Stopped",
        "explanation": {},
    }
    alert = open_alert(
        session, workspace_id=workspace.id, subject_key=subject_key(config), fix_path="/", notify_address="", **facts
    )
    for _ in range(3):
        factories.make_message(session, config)
    assert waiting_now(session, alert) == 3


def test_it_counts_nothing_for_alerts_about_something_else(session):
    for key in ("credential:1", "outbound:none"):
        assert alerting.waiting_for(session, uuid.uuid4(), key) is None
