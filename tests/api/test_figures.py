"""What Prometheus reads, and the dashboard that is drawn from it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session

from mailsetup.core import tallies
from mailsetup.outbox import queue_mail
from mailsetup.outbox.timing import STAGE_SECONDS, TRIES
from tests import factories
from tests.outbox.conftest import mail

DOCS = Path(__file__).parent.parent.parent / "docs"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def read(client: FlaskClient) -> dict[tuple[str, str], float]:
    """Each sample by name and labels."""
    families = text_string_to_metric_families(client.get("/metrics").get_data(as_text=True))
    samples = [sample for family in families for sample in family.samples]
    return {(one.name, ",".join(f"{key}={value}" for key, value in one.labels.items())): one.value for one in samples}


@pytest.fixture
def figures(client: FlaskClient) -> set[str]:
    """Every name that a query may ask for."""
    families = text_string_to_metric_families(client.get("/metrics").get_data(as_text=True))
    return {family.name + suffix for family in families for suffix in SUFFIXES[family.type]}


def test_it_counts_the_mail_of_every_workspace(client: FlaskClient, session: Session) -> None:
    for _ in range(2):
        workspace = factories.make_workspace(session)
        factories.make_config(session, workspace)
        queue_mail(session, workspace, mail())
    session.commit()
    found = read(client)
    assert found["mailsetup_messages", "status=queued"] == 2
    assert found["mailsetup_messages_accepted", ""] == 2
    assert found["mailsetup_ledger_difference", ""] == 0


def test_it_adds_up_what_processes_counted(client: FlaskClient, session: Session) -> None:
    for seconds in (0.02, 0.03, 700.0):
        watches = tallies.Stopwatches(STAGE_SECONDS)
        watches.note("connect", seconds)
        watches.hand_over()
        tallies.add(TRIES, "accepted", 10)
        tallies.flush()
    found = read(client)
    assert found["mailsetup_tries_total", "outcome=accepted"] == 30
    assert found["mailsetup_stage_seconds_bucket", "le=0.025,stage=connect"] == 1
    assert found["mailsetup_stage_seconds_bucket", "le=0.05,stage=connect"] == 2
    assert found["mailsetup_stage_seconds_count", "stage=connect"] == 3
    assert found["mailsetup_stage_seconds_sum", "stage=connect"] == pytest.approx(700.05)


def test_it_draws_only_figures_that_exist(figures: set[str]) -> None:
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    assert set(re.findall(r"mailsetup_\w+", asked)) <= figures


def test_it_explains_every_figure(figures: set[str]) -> None:
    text = (DOCS / "operations.md").read_text()
    explained = set(re.findall(r"^\| `(mailsetup_\w+)", text, re.MULTILINE))
    assert explained == {re.sub("_(bucket|sum|count|total)$", "", name) for name in figures}
