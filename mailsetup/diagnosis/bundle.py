"""What support needs to know about a test, as plain text and as JSON; never a secret, never a token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import metadata
from typing import Any

from mailsetup.core.redact import scrub
from mailsetup.diagnosis.models import TestRun, TestStage
from mailsetup.web.filters import machine_time

LIMIT = 12_000
_SETTINGS = ("host", "port", "tls", "username", "from_address")
_LIBRARIES = ("msal", "flask", "cryptography")


def support_facts(run: TestRun) -> dict[str, Any]:
    """Ids, values, stages with their evidence, and the service's own words."""
    explanation = run.explanation or {}
    token = next((stage.evidence for stage in run.stages if stage.name == "token"), {})
    return {
        "test": str(run.id),
        "workspace": str(run.workspace_id),
        "setup": str(run.config_id or "not saved yet"),
        "kind": run.kind,
        "depth": "checked without sending" if run.check_only else "sent a test mail",
        "settings": {name: str(run.settings[name]) for name in _SETTINGS if run.settings.get(name)},
        "recipient": run.recipient,
        "credential": f"{run.credential_id or 'none'} version {run.credential_version or '-'}",
        "app": str(token.get("app") or (explanation.get("app") or "")),
        "fingerprint": run.fingerprint,
        "started": machine_time(run.started_at or run.created_at),
        "ended": machine_time(run.finished_at) or "not yet",
        "worker": f"{run.worker} since {_moment(run.worker_since)}" if run.worker else "none yet",
        "result": f"{run.state} {explanation.get('cause', '')}".rstrip(),
        "message_id": run.message_id,
        "service_id": run.service_id,
        "arrived": run.arrived or str((run.arrival or {}).get("state", "")),
        "stages": [_stage(stage) for stage in run.stages],
        "said": str(explanation.get("raw") or ""),
        "versions": _versions(),
    }


def _moment(value: datetime | None) -> str:
    return machine_time(value) if value else "-"


def _stage(stage: TestStage) -> dict[str, Any]:
    facts = {name: str(value) for name, value in stage.evidence.items()}
    return {"name": stage.name, "state": stage.state, "milliseconds": stage.milliseconds, "evidence": facts}


@cache
def _versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in _LIBRARIES}


def support_json(run: TestRun) -> str:
    """The facts as JSON, every text scrubbed."""
    return json.dumps(_scrubbed(support_facts(run)), indent=2, ensure_ascii=False)


def _scrubbed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _scrubbed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_scrubbed(one) for one in value]
    return scrub(value) if isinstance(value, str) else value


def support_bundle(run: TestRun) -> str:
    """The facts as text to read and to send."""
    facts = support_facts(run)
    lines = ["mailsetup test"]
    for name, value in facts.items():
        if name == "stages":
            lines += ["stages:", *(_stage_line(stage) for stage in value)]
        elif name == "said":
            lines += ["the service's own words:", value] if value else []
        elif isinstance(value, Mapping):
            lines += [f"{inner}: {text}" for inner, text in value.items()]
        elif value:
            lines.append(f"{name.replace('_', ' ')}: {value}")
    return "\n".join(scrub(line) for line in lines)[:LIMIT]


def _stage_line(stage: Mapping[str, Any]) -> str:
    took = f" {stage['milliseconds']} ms" if stage["milliseconds"] is not None else ""
    facts = ", ".join(f"{name}={value}" for name, value in stage["evidence"].items())
    return f"  {stage['name']}: {stage['state']}{took}" + (f" ({facts})" if facts else "")
