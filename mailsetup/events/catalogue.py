"""Which events there are, in words."""

from __future__ import annotations

MESSAGE_SENT, MESSAGE_FAILED = "message.sent", "message.failed"
MESSAGE_EXPIRED, MESSAGE_UNKNOWN = "message.expired", "message.unknown"
SETUP_HEALTHY, SETUP_BROKEN, SETUP_RECOVERED = "setup.healthy", "setup.broken", "setup.recovered"
TEST = "endpoint.test"

WORDS = {
    MESSAGE_SENT: "A mail was accepted by the mail service",
    MESSAGE_FAILED: "A mail failed for good",
    MESSAGE_EXPIRED: "A mail's time ran out",
    MESSAGE_UNKNOWN: "Nobody knows whether a mail was accepted",
    SETUP_HEALTHY: "A setup works",
    SETUP_BROKEN: "A setup stopped; its mail waits",
    SETUP_RECOVERED: "A setup that had stopped works again",
}
ALL_WORDS = {**WORDS, TEST: "A test from the page of the webhook"}
