"""A few seconds of the outbox driven at random; `make test-faults` takes 10,000 steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from mailsetup.settings import Settings
from tests.outbox.machine import Outbox

STEPS_EACH = 50


def driven(examples: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Runs that many lives of an outbox; how many steps they took."""
    monkeypatch.setattr(Outbox, "folder", folder, raising=False)
    monkeypatch.setattr(Outbox, "steps", 0)
    chosen = settings(
        max_examples=examples,
        stateful_step_count=STEPS_EACH,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink),
    )
    run_state_machine_as_test(Outbox, settings=chosen)
    return Outbox.steps


def test_it_keeps_its_promises_in_any_order(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert driven(6, tmp_path / "journals", monkeypatch) > 6 * STEPS_EACH / 2
