"""Queued mail. `queue_mail` is the public door; `compose` makes a mail of fields, `together` writes many at once."""

from mailsetup.outbound import detours, waiting
from mailsetup.outbox import fallback
from mailsetup.outbox.compose import compose
from mailsetup.outbox.ledger import count_waiting
from mailsetup.outbox.queue import queue_mail, together

__all__ = ["compose", "queue_mail", "together"]

waiting.register(count_waiting)
detours.register(fallback.detours)
