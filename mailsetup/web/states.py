"""The word, the shape and the tone in which each state is shown."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Look(NamedTuple):
    """How a state looks: its word, its icon, its tone (good, warn, bad, busy, quiet)."""

    word: str
    icon: str
    tone: str


LOOKS = {
    # Health of a setup
    "healthy": Look("Healthy", "circle-check", "good"),
    "degraded": Look("Degraded", "contrast", "warn"),
    "broken": Look("Needs attention", "triangle-alert", "bad"),
    "unverified": Look("Not tested", "circle-dashed", "quiet"),
    "paused": Look("Paused", "circle-pause", "quiet"),
    # Messages and attempts
    "queued": Look("Waiting", "clock", "quiet"),
    "claimed": Look("Starting", "clock", "busy"),
    "sending": Look("Sending", "send", "busy"),
    "sent": Look("Accepted", "circle-check", "good"),
    "failed": Look("Failed", "circle-x", "bad"),
    "expired": Look("Expired", "timer-off", "bad"),
    "cancelled": Look("Cancelled", "ban", "quiet"),
    "unknown": Look("Outcome unknown", "circle-question-mark", "warn"),
    # Tests and their stages
    "waiting": Look("Waiting", "clock", "quiet"),
    "pending": Look("Waiting", "clock", "quiet"),
    "running": Look("Working", "loader-circle", "busy"),
    "passed": Look("Passed", "circle-check", "good"),
    "skipped": Look("Skipped", "circle-minus", "quiet"),
    # Alerts, credentials, keys
    "open": Look("Open", "triangle-alert", "bad"),
    "resolved": Look("Resolved", "circle-check", "good"),
    "active": Look("Active", "circle-check", "good"),
    "expiring": Look("Expires soon", "clock", "warn"),
    "failing": Look("Failing", "triangle-alert", "warn"),
    "revoked": Look("Revoked", "ban", "quiet"),
    # What is switched
    "on": Look("On", "circle-check", "good"),
    "off": Look("Off", "circle-dashed", "quiet"),
}


def look(state: object) -> Look:
    """How this state looks; a state without an entry is shown by its own name, quietly."""
    name = str(state.value if isinstance(state, Enum) else state)
    return LOOKS.get(name) or Look(name.replace("_", " ").capitalize(), "circle", "quiet")


# What each stage of a test is called when nobody has a better sentence, such as one with the server's name.
STAGE_WORDS = {
    "settings": "Checking the settings",
    "token": "Getting a token from Microsoft",
    "resolve": "Finding the mail server",
    "connect": "Connecting",
    "tls": "Securing the connection",
    "authenticate": "Signing in",
    "sender": "Sending from the From address",
    "recipient": "Writing to the recipient",
    "accept": "Message accepted",
}
