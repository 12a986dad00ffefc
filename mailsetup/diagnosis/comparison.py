"""What is different between the last test that passed and the first one that failed after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mailsetup.diagnosis.models import FAILED, PASSED, TestRun
from mailsetup.mail_services import hints

_SETTINGS = {
    "host": "Host",
    "port": "Port",
    "tls": "TLS",
    "username": "Username",
    "from_address": "From email address",
    "from_name": "From name",
}
# Facts of a stage that say something when they change; ids and times of one run do not.
_FACTS = {
    ("token", "permissions"): "Permissions",
    ("token", "tenant"): "Directory",
    ("token", "app"): "App",
    ("resolve", "addresses"): "Addresses of the server",
    ("connect", "greeting"): "How the server introduces itself",
    ("tls", "version"): "Encryption",
    ("tls", "issuer"): "Certificate issued by",
    ("tls", "certificate_until"): "Certificate holds until",
    ("authenticate", "mechanism"): "Way of signing in",
}


@dataclass(frozen=True)
class Difference:
    """One value then and now."""

    label: str
    good: str
    bad: str


@dataclass(frozen=True)
class Comparison:
    """The two tests, the stage that fails now, and every difference that we can see."""

    good: TestRun
    bad: TestRun
    stage: str
    differences: tuple[Difference, ...]


def compare(runs: list[TestRun]) -> Comparison | None:
    """Out of tests of one setup, the newest first; None while the newest verdict is good, or there is none."""
    told = [run for run in runs if run.state in {PASSED, FAILED}]
    good = next((number for number, run in enumerate(told) if run.state == PASSED), None)
    if not good:
        return None
    return _compared(told[good], told[good - 1])


def _compared(good: TestRun, bad: TestRun) -> Comparison:
    stage = next((stage.name for stage in bad.stages if stage.state == FAILED), "")
    found = [*_of_settings(good, bad), *_of_credential(good, bad), *_of_evidence(good, bad), *_of_worker(good, bad)]
    return Comparison(good, bad, hints.stage_label(stage, bad.settings) if stage else "", tuple(found))


def _of_settings(good: TestRun, bad: TestRun) -> Iterator[Difference]:
    if good.kind != bad.kind:
        yield Difference("Mail service", good.kind.replace("_", " "), bad.kind.replace("_", " "))
    for name, label in _SETTINGS.items():
        yield from _changed(label, good.settings.get(name), bad.settings.get(name))


def _of_credential(good: TestRun, bad: TestRun) -> Iterator[Difference]:
    if good.credential_id != bad.credential_id:
        yield Difference("Credential", "another one", "this one")
    elif good.credential_version != bad.credential_version:
        yield Difference("Credential", f"version {good.credential_version}", f"version {bad.credential_version}")


def _of_evidence(good: TestRun, bad: TestRun) -> Iterator[Difference]:
    then, now = _evidence(good), _evidence(bad)
    for (stage, fact), label in _FACTS.items():
        before, after = then.get(stage, {}).get(fact), now.get(stage, {}).get(fact)
        if fact == "addresses":
            before, after = _sorted(before), _sorted(after)
        if before and after:
            yield from _changed(label, before, after)


def _of_worker(good: TestRun, bad: TestRun) -> Iterator[Difference]:
    """Another machine may have another way out."""
    yield from _changed("Run by", good.worker.partition(",")[0], bad.worker.partition(",")[0])


def _evidence(run: TestRun) -> dict[str, Mapping[str, Any]]:
    return {stage.name: stage.evidence for stage in run.stages}


def _sorted(addresses: object) -> str:
    return ", ".join(sorted(str(addresses).split(", "))) if addresses else ""


def _changed(label: str, before: object, after: object) -> Iterator[Difference]:
    if (before or "") != (after or ""):
        yield Difference(label, str(before or "nothing"), str(after or "nothing"))
