"""What the queue named alerts runs for people's accounts."""

from __future__ import annotations

from mailsetup.core import queues
from mailsetup.workspaces import post
from mailsetup.workspaces.letters import JOB


def send_letters() -> None:
    """Sends the letters that are due."""
    queues.answered(JOB)
    post.send_due()
