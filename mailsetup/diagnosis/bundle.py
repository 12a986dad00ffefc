"""What support needs to know about a test, as one text to copy; never a secret."""

from __future__ import annotations

from mailsetup.core.redact import scrub
from mailsetup.diagnosis.models import TestRun, TestStage
from mailsetup.web.filters import machine_time

LIMIT = 8000
_SETTINGS = ("host", "port", "tls", "username", "from_address")


def support_bundle(run: TestRun) -> str:
    """Ids, values, stages with their evidence, and the service's own words."""
    explanation = run.explanation or {}
    lines = [
        "mailsetup test",
        f"test: {run.id}",
        f"workspace: {run.workspace_id}",
        f"kind: {run.kind}",
        *(f"{name}: {run.settings[name]}" for name in _SETTINGS if run.settings.get(name)),
        f"credential: {run.credential_id or 'none'} version {run.credential_version or '-'}",
        f"started: {machine_time(run.started_at or run.created_at)}",
        f"ended: {machine_time(run.finished_at) or 'not yet'}",
        f"result: {run.state} {explanation.get('cause', '')}".rstrip(),
        "stages:",
        *(_stage_line(stage) for stage in run.stages),
    ]
    if explanation.get("raw"):
        lines += ["the service's own words:", str(explanation["raw"])]
    return "\n".join(scrub(line) for line in lines)[:LIMIT]


def _stage_line(stage: TestStage) -> str:
    took = f" {stage.milliseconds} ms" if stage.milliseconds is not None else ""
    facts = ", ".join(f"{name}={value}" for name, value in stage.evidence.items())
    return f"  {stage.name}: {stage.state}{took}" + (f" ({facts})" if facts else "")
