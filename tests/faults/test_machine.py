"""The outbox driven at random for 10,000 steps (tests/outbox/machine.py says what may happen in which order)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsetup.settings import Settings
from tests.outbox.test_machine import STEPS_EACH, driven

# A life may end early, so there are some more of them.
STEPS = 10_000


@pytest.mark.timeout(900)
def test_it_keeps_its_promises_for_ten_thousand_steps(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert driven(STEPS // STEPS_EACH + 80, tmp_path / "journals", monkeypatch) >= STEPS
