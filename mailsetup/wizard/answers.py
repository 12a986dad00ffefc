"""What a draft's answers come to: the fields as shown, the cleaned settings, and whether a test covers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import public_facts
from mailsetup.diagnosis.models import PASSED, TestRun
from mailsetup.diagnosis.start import fingerprint, last_run
from mailsetup.mail_services.base import Field
from mailsetup.outbound import binding
from mailsetup.platform import current_platform
from mailsetup.wizard.drafts import credential_of, kind_of
from mailsetup.wizard.models import SetupDraft

TEST_COUNTS_FOR = timedelta(hours=24)
NOT_TESTED, CHANGED, TESTED, FAILED = "not_tested", "changed", "tested", "failed"


@dataclass(frozen=True)
class Tested:
    """Whether the values on screen passed a test: `tested`, `failed`, `changed` since the test, or `not_tested`."""

    state: str
    at: datetime | None = None
    run: TestRun | None = None

    @property
    def passed(self) -> bool:
        """Whether these very values passed, and not too long ago."""
        return self.state == TESTED


def shown_fields(draft: SetupDraft) -> tuple[Field, ...]:
    """The standard fields as this kind explains them."""
    return kind_of(draft).form_fields(current_platform())


def shown_values(session: Session, draft: SetupDraft) -> dict[str, str]:
    """What stands in the fields: what was typed, else what can be known, else nothing."""
    fixed = {field.name: field.default for field in shown_fields(draft) if field.fixed}
    return {**_known(session, draft), **draft.settings, **fixed}


def _known(session: Session, draft: SetupDraft) -> dict[str, str]:
    """The mailbox that somebody signed in with is most likely the one to send from."""
    credential = credential_of(session, draft)
    facts = public_facts(session, credential) if credential else {}
    account = facts.get("account_addresses", "").partition(" ")[0] or facts.get("account_username", "")
    return {"from_address": account, "username": account} if "@" in account else {}


def cleaned(session: Session, draft: SetupDraft) -> dict[str, Any]:
    """The settings, ready to test and to save. Raises InvalidInput by field."""
    typed = shown_values(session, draft)
    settings = kind_of(draft).clean(typed, platform=current_platform())
    credential = credential_of(session, draft)
    binding.check(session, credential, settings)
    refused = kind_of(draft).refusals(settings, public_facts(session, credential) if credential else {})
    if refused:
        raise InvalidInput(refused)
    return settings


def doubts(session: Session, draft: SetupDraft) -> tuple[str, ...]:
    """What only a test, and a look at its mail, can tell of the values."""
    credential = credential_of(session, draft)
    public = public_facts(session, credential) if credential else {}
    return kind_of(draft).doubts(shown_values(session, draft), public)


def tested(session: Session, draft: SetupDraft) -> Tested:
    """What the last test says about the values of the draft."""
    run = session.get(TestRun, draft.test_run_id) if draft.test_run_id else None
    mark = current_fingerprint(session, draft)
    same = last_run(session, draft.workspace_id, mark) if mark else None
    if same is not None and same.state == PASSED and same.finished_at and _recent(same.finished_at):
        return Tested(TESTED, same.finished_at, same)
    if run is None or run.finished_at is None:
        return Tested(NOT_TESTED, run=run)
    return Tested(FAILED if run.fingerprint == mark else CHANGED, run.finished_at, run)


def current_fingerprint(session: Session, draft: SetupDraft) -> str:
    """Stands for the values of the draft as they are now; empty while they cannot be used."""
    try:
        settings = cleaned(session, draft)
    except InvalidInput:
        return ""
    return fingerprint(draft.kind, settings, *_versioned(credential_of(session, draft)))


def _versioned(credential: Credential | None) -> tuple[Any, int | None]:
    return (credential.id, credential.version) if credential else (None, None)


def _recent(moment: datetime) -> bool:
    return utcnow() - moment < TEST_COUNTS_FOR
