"""Says above every page that a setup has stopped, or waits for its test while mail waits too."""

from __future__ import annotations

from flask import request, url_for

from mailsetup.outbound.listing import SetupEntry, needing_a_person
from mailsetup.outbound.models import BROKEN
from mailsetup.web.frame import Banner, FrameData
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_workspace, may
from mailsetup.workspaces.models import MEMBER


def stopped_setups() -> FrameData:
    """One banner, and the number of setups that need a person beside the navigation."""
    if not may(MEMBER):
        return {}
    entries = needing_a_person(db_session(), current_workspace().id)
    data: FrameData = {"counts": {"outbound.index": len(entries)}}
    # Its own page says so by itself.
    entries = [entry for entry in entries if (request.view_args or {}).get("config_id") != entry.config.id]
    if entries:
        data["banners"] = [_banner(entries)]
    return data


def _banner(entries: list[SetupEntry]) -> Banner:
    if len(entries) > 1:
        waiting = sum(entry.waiting for entry in entries)
        text = f"{len(entries)} setups of outbound mail need attention{_and_waiting(waiting)}."
        return Banner(text, href=url_for("outbound.index"), button="See which")
    return _about(entries[0])


def _about(entry: SetupEntry) -> Banner:
    config = entry.config
    href = url_for("outbound.show", config_id=config.id)
    if config.health == BROKEN:
        text = (
            f"Mail through “{config.name}” has stopped: {_lowered(config.health_reason)}{_and_waiting(entry.waiting)}."
        )
        return Banner(text, href=href, button="See what to do")
    text = f"“{config.name}” has not passed a test yet{_and_waiting(entry.waiting)}."
    return Banner(text, href=href, button="Test it", level="warn")


def _lowered(sentence: str) -> str:
    """The sentence as the second half of another one; a name such as Microsoft keeps its capital."""
    first = sentence.partition(" ")[0]
    usual = {"The", "This", "There", "Your", "A", "Nobody", "User", "Signing", "Some", "No"}
    return sentence[:1].lower() + sentence[1:] if first in usual else sentence


def _and_waiting(count: int) -> str:
    return f"; {count:,} mail{' waits' if count == 1 else 's wait'}" if count else ""
