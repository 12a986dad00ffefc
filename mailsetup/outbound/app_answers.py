"""The check we do ourselves as soon as an app is known: does Microsoft know its directory, the app, its proof, consent?

One token request answers all four: Microsoft looks at them in this order and names the first that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.core import queues
from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import permissions
from mailsetup.outbound import app_checks
from mailsetup.outbound.models import AppCheck

PASSED, FAILED, PENDING, UNKNOWN = "passed", "failed", "pending", "unknown"
WORDS = (
    "The directory exists at Microsoft",
    "The app exists in that directory",
    "Microsoft takes its client secret or certificate",
    "An admin has granted the permission to send",
)
GIVES_UP = timedelta(seconds=60)
_TENANT = {"tenant_not_found", "tenant_id_missing", "wrong_cloud", "app_in_other_cloud", "tenant_mismatch"}
_APP = {"app_not_found", "app_not_in_tenant", "app_disabled", "app_single_tenant", "app_not_allowed"}
_PROOF = {
    "client_secret_wrong",
    "client_secret_expired",
    "client_secret_missing",
    "client_refused",
    "app_is_public",
} | {
    "certificate_not_registered",
    "certificate_expired",
    "signature_malformed",
    "our_clock_wrong",
}
_CONSENT = {"permission_missing", "admin_consent_missing", "exchange_not_in_tenant", "conditional_access"}
_PLACES = (_TENANT, _APP, _PROOF, _CONSENT)


@dataclass(frozen=True)
class Answers:
    """What is known of an app: each question with its state, the explanation of a refusal, the verdict on consent."""

    check: AppCheck
    running: bool
    states: tuple[str, ...]
    explained: dict[str, Any]
    audit: permissions.Audit | None

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Each question in words, and its state."""
        return tuple(zip(WORDS, self.states, strict=True))

    @property
    def good(self) -> bool:
        """Whether nothing is left to do."""
        return set(self.states) == {PASSED}


def start(session: Session, credential: Credential, kind: str) -> None:
    """Has a worker ask Microsoft after commit, for a setup of this kind."""
    row = app_checks.row_of(session, credential)
    row.tried_at = utcnow()
    queues.enqueue_after_commit(session, app_checks.JOB, str(credential.id), kind)


def answers(session: Session, credential: Credential) -> Answers | None:
    """What the last check of this version of the credential found; None when nobody ever asked."""
    check = app_checks.check_of(session, credential)
    if check is None or not app_checks.can_check(credential):
        return None
    if _running(check):
        return Answers(check, True, (PENDING,) * len(WORDS), {}, None)
    if check.answered_at is None or check.version != credential.version:
        return Answers(check, False, (UNKNOWN,) * len(WORDS), {}, None)
    if check.failure:
        return Answers(check, False, _after_refusal(str(check.failure.get("cause", ""))), check.failure, None)
    audit = app_checks.audit_of(check, credential.type, app_checks.question(session, credential).more)
    return Answers(check, False, (PASSED,) * 3 + (_consent(audit),), {}, audit)


def _running(check: AppCheck) -> bool:
    """Asked and not answered yet; a worker that never came is not waited for."""
    if check.tried_at is None or utcnow() - check.tried_at > GIVES_UP:
        return False
    return check.answered_at is None or check.answered_at < check.tried_at


def _after_refusal(cause: str) -> tuple[str, ...]:
    """Everything before what was refused is right; when Microsoft was not reached, nothing is known."""
    place = next((number for number, causes in enumerate(_PLACES) if cause in causes), None)
    if place is None:
        return (UNKNOWN,) * len(WORDS)
    return (PASSED,) * place + (FAILED,) + (UNKNOWN,) * (len(WORDS) - place - 1)


def _consent(audit: permissions.Audit) -> str:
    if audit.state == permissions.MISSING:
        return FAILED
    return UNKNOWN if audit.state == permissions.LIMITED else PASSED
