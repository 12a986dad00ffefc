"""Says above the first page that something a workspace may have so many of a day is nearly used up."""

from __future__ import annotations

from flask import request, url_for

from mailsetup.alerts.open import open_alerts
from mailsetup.outbox import quota as of_messages
from mailsetup.web.frame import Banner, FrameData
from mailsetup.web.session import db_session
from mailsetup.workspaces import quotas
from mailsetup.workspaces.access import current_workspace, may
from mailsetup.workspaces.models import MEMBER
from mailsetup.workspaces.quotas import Use


def near_quotas() -> FrameData:
    """One banner with everything that is near; the alert about messages has its own."""
    if request.endpoint != "overview.index" or not may(MEMBER):
        return {}
    session, workspace_id = db_session(), current_workspace().id
    near = [use for use in quotas.list_uses(session, workspace_id) if use.near and use.quota.a_day]
    if any(alert.cause == of_messages.CAUSE for alert in open_alerts(session, workspace_id)):
        near = [use for use in near if use.quota.name != quotas.MESSAGES]
    return {"banners": [_banner(near)]} if near else {}


def _banner(near: list[Use]) -> Banner:
    used = " and ".join(use.words for use in near)
    return Banner(f"This workspace has used {used}.", href=url_for("settings.index"), button="See quotas", level="warn")
