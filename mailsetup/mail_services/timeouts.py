"""How long a conversation with a mail service may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Timeouts:
    """How long a conversation may take, in seconds; a test run uses `TEST_TIMEOUTS`.

    `final` is the wait for the answer to a whole mail (RFC 5321 4.5.3.2.6: 10 minutes, as an early
    hang-up there makes duplicates); `session` bounds everything said for one mail.
    """

    resolve: float = 10.0
    connect: float = 30.0
    command: float = 120.0
    final: float = 600.0
    session: float = 840.0


TEST_TIMEOUTS = Timeouts(resolve=10.0, connect=10.0, command=15.0, final=30.0, session=50.0)
