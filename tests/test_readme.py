"""What the README says about settings and files is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]
README = (TOP / "README.md").read_text()
SETTINGS = (TOP / "mailsetup" / "settings.py").read_text()


@pytest.mark.parametrize("name", sorted(set(re.findall(r'"(MAILSETUP_[A-Z_]+)"', SETTINGS))))
def test_it_names_every_setting(name: str) -> None:
    assert f"`{name}`" in README


def test_it_leads_to_files_that_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert [link for link in links if not (TOP / link).exists()] == []


def test_it_shows_a_picture_that_loads_fast() -> None:
    assert (TOP / "docs" / "screenshot.png").stat().st_size < 300_000
