"""Every call of the API, told once: the OpenAPI document and the docs page are made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mailsetup.outbox.models import STATUSES


@dataclass(frozen=True)
class Call:
    """One call: where, with what, for whom, and what comes back."""

    method: str
    path: str
    name: str
    summary: str
    scope: str
    status: int = 200
    answer: str = "Message"
    body: str = ""
    detail: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    refusals: tuple[int, ...] = (401, 403)
    raw_mail: bool = False
    example: Any = field(default=None)


IDEMPOTENCY = ("Idempotency-Key", "A repeat with the same key and the same body returns the first answer, for 7 days.")
RAW_OPTIONS = (
    ("X-Mailsetup-To", "With message/rfc822: the recipients, comma-separated, instead of To, Cc and Bcc."),
    ("X-Mailsetup-Config", "With message/rfc822: as config."),
    ("X-Mailsetup-Priority", "With message/rfc822: as priority."),
    ("X-Mailsetup-Send-At", "With message/rfc822: as send_at."),
    ("X-Mailsetup-Expires-At", "With message/rfc822: as expires_at."),
)
FILTERS = (
    ("status", f"One of {', '.join(STATUSES)}."),
    ("config", "Id or name of a setup."),
    ("text", "Part of a recipient or subject, an id, or a Message-ID in angle brackets."),
    ("since", "A date, or a time with its zone."),
    ("until", "A date, or a time with its zone."),
    ("cursor", "The next_cursor of the page before."),
    ("limit", "1 to 200; 50 when left out."),
)
MAIL_EXAMPLE = {
    "to": "customer@example.com",
    "subject": "Your invoice 42",
    "text": "Hello,\n\nyour invoice is attached.\n",
    "metadata": {"order": "42"},
}
CALLS = (
    Call(
        "POST",
        "/api/v1/messages",
        "create",
        "Queue a mail",
        "send",
        status=202,
        answer="Accepted",
        body="Mail",
        detail="The answer comes once the mail is on disk. From then on it is tried until the mail service accepts "
        "or refuses it, you cancel it, or it expires.",
        headers=(IDEMPOTENCY, *RAW_OPTIONS),
        refusals=(400, 401, 403, 409, 413, 415, 422, 429, 503),
        raw_mail=True,
        example=MAIL_EXAMPLE,
    ),
    Call(
        "POST",
        "/api/v1/messages/batch",
        "create_batch",
        "Queue up to 500 mails",
        "send",
        status=202,
        answer="BatchAnswer",
        body="Batch",
        detail="One result for each message, in order; a wrong one stops no other. Each may have an idempotency_key.",
        refusals=(400, 401, 403, 413, 415, 422, 429, 503),
        example={"messages": [MAIL_EXAMPLE]},
    ),
    Call(
        "GET",
        "/api/v1/messages",
        "index",
        "List messages",
        "read",
        answer="MessageList",
        detail="Newest first. A query value named metadata.order=42 finds messages by their metadata.",
        query=FILTERS,
        refusals=(401, 403, 422, 429, 503),
    ),
    Call(
        "GET",
        "/api/v1/messages/{message_id}",
        "show",
        "One message with every attempt",
        "read",
        refusals=(401, 403, 404),
    ),
    Call(
        "POST",
        "/api/v1/messages/{message_id}/cancel",
        "cancel",
        "Cancel a message",
        "send",
        detail="Possible until it is on its way.",
        refusals=(401, 403, 404, 409),
    ),
    Call(
        "POST",
        "/api/v1/messages/{message_id}/retry",
        "retry",
        "Send a message as soon as possible",
        "send",
        detail="One that waits, or once more one that failed, expired or was cancelled.",
        refusals=(401, 403, 404, 409),
    ),
    Call(
        "POST",
        "/api/v1/messages/{message_id}/resolve",
        "resolve",
        "Say what became of a message of unknown outcome",
        "send",
        body="Resolution",
        refusals=(400, 401, 403, 404, 409, 415, 422),
        example={"outcome": "sent"},
    ),
    Call("GET", "/api/v1/outbound", "list_setups", "List setups with their health", "read", answer="SetupList"),
    Call(
        "POST",
        "/api/v1/outbound/{config_id}/tests",
        "start_test",
        "Test a setup",
        "test",
        status=202,
        answer="TestRun",
        body="TestRequest",
        detail="Sends a test mail through the saved setup, or with depth check only goes as far as it can without. "
        "Ask for the test until its state is passed, failed or cancelled.",
        refusals=(400, 401, 403, 404, 415, 422, 429),
        example={"recipient": "me@example.com"},
    ),
    Call(
        "GET",
        "/api/v1/tests/{run_id}",
        "show_test",
        "One test with its stages",
        "read",
        answer="TestRun",
        refusals=(401, 403, 404),
    ),
)
