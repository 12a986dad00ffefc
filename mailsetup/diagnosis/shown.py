"""A test as its pages show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import Credential
from mailsetup.diagnosis import domains, waiting
from mailsetup.diagnosis.arrival import is_looked_for
from mailsetup.diagnosis.bundle import support_bundle, support_json
from mailsetup.diagnosis.comparison import Comparison, compare
from mailsetup.diagnosis.models import FAILED, PASSED, DomainReport, TestRun
from mailsetup.diagnosis.words import StageLine, accepted_by, kind_label, stage_lines, until_the_failed_one
from mailsetup.mail_services import credential_types
from mailsetup.mail_services.base import Consent
from mailsetup.outbound.models import OutboundConfig
from mailsetup.web.htmx import page_path
from mailsetup.web.session import db_session

SIGNING_IN = frozenset({"token", "authenticate"})
HISTORY = 10
COMPARED = 50
YOUNG_SECONDS = 3.0


@dataclass(frozen=True)
class TestView:
    """A run as the pages show it."""

    __test__ = False

    lines: list[StageLine]
    untried: str
    kind_label: str
    accepted_by: str
    bundle: str
    bundle_json: str
    waits: str
    correct_path: str
    asks_again: str
    looked_for: bool
    received_at: datetime | None
    domain: DomainReport | None


def view_of(run: TestRun) -> TestView:
    """What the fragment `diagnosis/_stages.html` shows of a run."""
    lines, untried = until_the_failed_one(stage_lines(run))
    return TestView(
        lines=lines,
        untried=", ".join(line.label for line in untried),
        kind_label=kind_label(run.kind),
        accepted_by=accepted_by(run),
        bundle=support_bundle(run),
        bundle_json=support_json(run),
        waits=waiting.reason(db_session(), run),
        correct_path=_correct_path(run),
        asks_again=_asks_again(run),
        looked_for=is_looked_for(run),
        received_at=_received_at(run.arrival or {}),
        domain=_domain_after(run),
    )


def _asks_again(run: TestRun) -> str:
    """When the page asks for news, as htmx writes it: often at first, as most tests are over within a second."""
    if run.finished:
        return "5s"
    young = (utcnow() - run.created_at).total_seconds() < YOUNG_SECONDS
    return "60ms" if young else "400ms"


def _received_at(arrival: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(arrival.get("received_at", "")))
    except ValueError:
        return None


def _domain_after(run: TestRun) -> DomainReport | None:
    if run.state != PASSED or run.check_only:
        return None
    return domains.find(db_session(), run.workspace_id, *domains.sender_of(run.kind, run.settings))


def _correct_path(run: TestRun) -> str:
    """Where to correct the credential when it was refused: its form, which leads back to the page of the test."""
    credential = db_session().get(Credential, run.credential_id) if run.credential_id else None
    refused = any(stage.state == FAILED and stage.name in SIGNING_IN for stage in run.stages)
    if credential is None or not refused or credential_types.get(credential.type).consent is Consent.SIGN_IN:
        return ""
    return url_for("credentials.edit", credential_id=credential.id, next=page_path())


def history_of(config: OutboundConfig, limit: int = HISTORY) -> list[TestRun]:
    """The newest tests of a setup, for its page."""
    wanted = select(TestRun).where(TestRun.config_id == config.id, TestRun.workspace_id == config.workspace_id)
    return list(db_session().scalars(wanted.order_by(TestRun.created_at.desc()).limit(limit)))


def comparison_of(config: OutboundConfig) -> Comparison | None:
    """What changed between the last good and the first bad test of a setup."""
    return compare(history_of(config, COMPARED))


def domain_of(config: OutboundConfig) -> DomainReport | None:
    """What the DNS says of the setup's From domain; None until somebody has asked."""
    return domains.find(db_session(), config.workspace_id, *domains.sender_of(config.kind, config.settings))


TEMPLATE_GLOBALS: dict[str, Callable[..., Any]] = {
    "page_path": page_path,
    "test_view": view_of,
    "test_history": history_of,
    "test_comparison": comparison_of,
    "sender_domain": domain_of,
}
