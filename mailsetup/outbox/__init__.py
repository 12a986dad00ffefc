"""Queued mail. `queue_mail` is the public door."""

from mailsetup.outbound import detours, waiting
from mailsetup.outbox import fallback
from mailsetup.outbox.ledger import count_waiting
from mailsetup.outbox.queue import queue_mail

__all__ = ["queue_mail"]

waiting.register(count_waiting)
detours.register(fallback.detours)
