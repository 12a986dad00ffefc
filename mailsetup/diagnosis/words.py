"""What a person reads about a test: stages, who accepted the mail, why something was skipped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mailsetup.core.errors import NotFound
from mailsetup.diagnosis.evidence import line_of
from mailsetup.diagnosis.models import FAILED, PASSED, TestRun
from mailsetup.mail_services import hints, registry
from mailsetup.mail_services.base import Consent

MICROSOFT = "Microsoft"


@dataclass(frozen=True)
class StageLine:
    """One stage as the list shows it."""

    name: str
    label: str
    state: str
    milliseconds: int | None
    started_at: datetime | None
    verdict: str


def stage_lines(run: TestRun) -> list[StageLine]:
    """The stages of a run, in plain words."""
    return [
        StageLine(
            stage.name,
            stage_label(run, stage.name),
            stage.state,
            stage.milliseconds,
            stage.started_at,
            stage.verdict or (line_of(stage.name, stage.evidence) if stage.state == PASSED else ""),
        )
        for stage in run.stages
    ]


def until_the_failed_one(lines: list[StageLine]) -> tuple[list[StageLine], list[StageLine]]:
    """The stages up to the one that failed, and those that were therefore not tried."""
    failed = next((number for number, line in enumerate(lines, 1) if line.state == FAILED), len(lines))
    return lines[:failed], lines[failed:]


def stage_label(run: TestRun, name: str) -> str:
    """What a stage of this run does."""
    return hints.stage_label(name, run.settings)


def kind_label(kind: str) -> str:
    """What a kind of mail service is called."""
    try:
        return registry.get(kind).label
    except NotFound:
        return kind


def accepted_by(run: TestRun) -> str:
    """Who takes the mail: Microsoft, or the mail server by its name."""
    try:
        at_microsoft = registry.get(run.kind).consent is not Consent.NONE
    except NotFound:
        at_microsoft = False
    return MICROSOFT if at_microsoft else str(run.settings.get("host") or "the mail server")


def skipped_because(run_state: str, failed_label: str, *, before: bool, check_only: bool = False) -> str:
    """Why a stage was not tried; `before` says that a later one was."""
    if run_state == PASSED and check_only and not before:
        return "Not done: this check sends nothing."
    if before or run_state == PASSED:
        return "Not needed here."
    return f"Not tried: “{failed_label}” failed." if failed_label else "Not tried: the test was stopped."
