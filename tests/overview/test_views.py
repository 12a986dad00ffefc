"""The first page says whether mail flows; the operator's page says it for all, and shows no content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from sqlalchemy.orm import Session

from mailsetup import settings as settings_module
from mailsetup.alerts.open import open_alert
from mailsetup.core.clock import utcnow
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import queue_mail
from mailsetup.settings import Settings
from mailsetup.wizard.drafts import new_draft
from tests import factories
from tests.outbox.conftest import mail
from tests.people import Person
from tests.valkey_server import ValkeyServer


@pytest.fixture
def config(session: Session, alice: Person) -> OutboundConfig:
    return factories.make_config(session, alice.workspace, name="Invoices")


def page(person: Person, path: str = "/") -> str:
    answer = person.client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_it_offers_the_setup_to_an_empty_workspace(alice: Person, bob: Person) -> None:
    assert 'href="/setup"' in page(alice)
    assert 'href="/setup"' not in page(bob)


def test_it_says_that_mail_waits_for_the_first_setup(alice: Person, session: Session) -> None:
    queue_mail(session, alice.workspace, mail())
    assert "1 mail waits" in page(alice)


def test_it_says_that_mail_flows(bob: Person, config: OutboundConfig) -> None:
    assert "Mail flows" in page(bob)


@pytest.mark.parametrize(
    ("health", "words"),
    [
        ("broken", "Mail through “Invoices” has stopped"),
        ("degraded", "Mail through “Invoices” is delayed"),
        ("unverified", "“Invoices” waits for a test"),
        ("paused", "“Invoices” is paused"),
    ],
)
def test_it_says_why_mail_does_not_flow(
    alice: Person, config: OutboundConfig, session: Session, health: str, words: str
) -> None:
    config.health = health
    factories.make_message(session, config)
    shown = page(alice)
    assert words in shown
    assert "1 mail waits." in shown


def test_it_counts_what_was_accepted_and_failed(alice: Person, config: OutboundConfig, session: Session) -> None:
    for status, hours in (("sent", 0), ("sent", 5), ("failed", 5), ("expired", 24 * 3), ("sent", 24 * 40)):
        factories.make_message(session, config, status=status, finished_at=utcnow() - timedelta(hours=hours))
    shown = page(alice)
    assert "2 accepted</span>" in shown
    assert "1 failed</span>" in shown
    assert "2 failed</span>" in shown
    assert "Mails of the last 30 days" in shown


def test_it_names_alerts_and_what_ends_soon(alice: Person, config: OutboundConfig, session: Session) -> None:
    factories.make_credential(session, alice.workspace, name="Old app", expires_on=utcnow().date() + timedelta(days=5))
    open_alert(
        session,
        workspace_id=alice.workspace.id,
        subject_key=f"outbound:{config.id}",
        subject_label="Invoices",
        cause="mail_stopped",
        title="Mail has stopped",
        explanation={},
        fix_path="/outbound",
        notify_address="it@northwind.example",
    )
    shown = page(alice)
    assert "Old app" in shown
    assert "Mail has stopped" in shown


def test_it_shows_nothing_of_other_workspaces(charlie: Person, config: OutboundConfig, session: Session) -> None:
    factories.make_config(session, charlie.workspace, name="Fabrikam mail")
    shown = page(charlie)
    assert "Fabrikam mail" in shown
    assert "Invoices" not in shown


@pytest.fixture
def olivia(alice: Person, settings: Settings) -> Iterator[Person]:
    """Alice, who runs this installation."""
    settings_module.start(replace(settings, operator_emails=(alice.user.email,)))
    yield alice
    settings_module.start(settings)


def test_it_shows_the_operator_every_workspace_and_no_content(
    olivia: Person, charlie: Person, session: Session, config: OutboundConfig
) -> None:
    other = factories.make_config(session, charlie.workspace, name="Fabrikam mail", health="broken")
    factories.make_message(session, other, subject="Secret plans")
    shown = page(olivia, "/operator")
    assert "Fabrikam" in shown
    assert "Needs attention" in shown
    assert "Secret plans" not in shown
    assert "customer" not in shown
    assert "Northwind" not in page(olivia, "/operator?q=fab").split("workspaces-title")[1]


def test_it_hides_the_operators_page_from_everybody_else(bob: Person, charlie: Person) -> None:
    for person in (bob, charlie):
        assert person.client.get("/operator").status_code == 404


def test_it_tells_the_operator_that_redis_is_away(olivia: Person, valkey: ValkeyServer) -> None:
    valkey.kill()
    assert "Redis does not answer" in page(olivia, "/operator")


def test_it_tells_the_operator_that_no_worker_runs(olivia: Person) -> None:
    assert "No worker" in page(olivia, "/operator")
    assert utcnow().tzinfo is UTC


def test_it_leads_back_to_an_unfinished_setup(alice: Person, bob: Person, session: Session) -> None:
    draft = new_draft(session, alice.workspace.id, alice.user, "smtp_basic")
    assert f'href="/setup/{draft.id}"' in page(alice)
    assert "Go on with your set-up" not in page(bob)
    factories.make_config(session, alice.workspace)
    assert "Go on with your set-up" in page(alice)


def test_it_shows_those_of_many_setups_that_need_somebody(alice: Person, session: Session) -> None:
    for number in range(30):
        health = {7: "paused", 8: "broken"}.get(number, "healthy")
        config = factories.make_config(
            session, alice.workspace, name=f"Shop {number:02}", is_default=not number, health=health
        )
    factories.make_message(session, config)
    shown = page(alice)
    cards = shown.split('class="setup-cards"')[1]
    assert shown.count('setup-card"') == 12
    assert cards.index("Shop 08") < cards.index("Shop 07") < cards.index("Shop 29") < cards.index("Shop 00")
    assert "All 30 setups" in shown
