"""Queued mail. `queue_mail` is the public door."""
