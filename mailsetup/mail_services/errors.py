"""How a mail service says no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from mailsetup.core.errors import MailsetupError

Scope = Literal["message", "backend"]


class TransportError(MailsetupError):
    """A mail service refused or failed, as facts; what a person reads comes from `hints.explain`.

    `raw` is the service's own answer, already scrubbed and capped. `scope` says who is at fault:
    the message (it ends) or the backend (mail waits). `ambiguous` means the mail may have been
    accepted although no answer says so. `retry_after` is in seconds. `claims` is what Microsoft
    demands of the next token or sign-in (JSON), handed back to it unchanged.
    `crowded` means that the mailbox has more connections at once than the service wants.
    `looks_up` means that the next try finds out what became of this one before it sends anything.
    """

    claims: str = ""
    crowded: bool = False
    looks_up: bool = False

    def __init__(  # noqa: PLR0913 - the facts of a refusal, each named
        self,
        raw: str,
        *,
        channel: str,
        stage: str = "",
        code: str = "",
        http_status: int | None = None,
        scope: Scope = "backend",
        permanent: bool = False,
        ambiguous: bool = False,
        retry_after: float | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{channel} {code}".strip())
        self.raw = raw
        self.channel = channel
        self.stage = stage
        self.code = code
        self.http_status = http_status
        self.scope: Scope = scope
        self.permanent = permanent
        self.ambiguous = ambiguous
        self.retry_after = retry_after
        self.context: dict[str, Any] = dict(context or {})
