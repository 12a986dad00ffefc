"""Says above every page that a credential in use is about to expire."""

from __future__ import annotations

from flask import request, url_for

from mailsetup.credentials.expiry import EXPIRED
from mailsetup.credentials.listing import Listed, needing_renewal
from mailsetup.web.frame import Banner, FrameData
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_workspace, may
from mailsetup.workspaces.models import MEMBER


def expiring_credentials() -> FrameData:
    """One banner for the most urgent credential of the current workspace."""
    if not may(MEMBER):
        return {}
    entries = needing_renewal(db_session(), current_workspace().id)
    # Its own page says so by itself.
    entries = [entry for entry in entries if (request.view_args or {}).get("credential_id") != entry.credential.id]
    return {"banners": [_banner(entries)]} if entries else {}


def _banner(entries: list[Listed]) -> Banner:
    first = entries[0]
    expired = first.expiry.state == EXPIRED
    text = f"The credential “{first.credential.name}” {_when(first)}."
    if len(entries) > 1:
        text += f" {len(entries) - 1} more {'needs' if len(entries) == 2 else 'need'} renewing too."
    href = url_for("credentials.show", credential_id=first.credential.id)
    return Banner(text, href=href, button="Renew it", level="bad" if expired else "warn")


def _when(entry: Listed) -> str:
    # Counted in days, because the locale for a date is part of the frame that is being gathered here.
    left = entry.expiry.days_left or 0
    if left < 0:
        return f"expired {_days(-left)} ago; mail that uses it may have stopped"
    if left == 0:
        return "expires today"
    return f"expires in {_days(left)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
