"""The kinds of cause that a route can be limited to."""

from __future__ import annotations

STOPPED, EARLY, EXPIRY, TELLING, OTHER = "stopped", "early", "expiry", "telling", "other"
GROUPS = (
    (STOPPED, "Mail has stopped"),
    (EARLY, "Early signs: mail waits long, much is refused, a limit is near"),
    (EXPIRY, "Something expires"),
    (TELLING, "A notice could not be delivered"),
    (OTHER, "Everything else"),
)
_GROUP_OF = {
    "mail_stopped": STOPPED,
    "queue_age": EARLY,
    "falling_acceptance": EARLY,
    "daily_limit": EARLY,
    "quota": EARLY,
    "way_failed": TELLING,
}


def group_of(cause: str) -> str:
    """The kind that a cause belongs to."""
    return _GROUP_OF.get(cause) or (EXPIRY if "expir" in cause or "_ends_" in cause else OTHER)
