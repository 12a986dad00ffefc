"""Says above every page what is open, and when nobody could be told.

Setups that have stopped say so in a banner of their own, with the mail that waits, so alerts about them are not
repeated here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from flask import request, url_for

from mailsetup.alerts.causes import STOPPED, group_of
from mailsetup.alerts.history import failed_notices
from mailsetup.alerts.models import Alert, AlertNotice
from mailsetup.alerts.open import open_alerts
from mailsetup.core import walls
from mailsetup.web.frame import Banner, FrameData
from mailsetup.web.session import db_session
from mailsetup.workspaces.access import current_workspace, may
from mailsetup.workspaces.frame import is_operator
from mailsetup.workspaces.login import signed_in_user
from mailsetup.workspaces.models import MEMBER


def alerts_in_frame() -> FrameData:
    """Banners and the number of open alerts of the current workspace; nothing for a visitor."""
    if not may(MEMBER):
        return {}
    workspace_id = current_workspace().id
    alerts = open_alerts(db_session(), workspace_id)
    counts = {"alerts.index": len(alerts)}
    # The alerts pages say it all themselves, and at more length.
    if request.blueprint == "alerts":
        return {"counts": counts}
    others = [alert for alert in alerts if group_of(alert.cause) != STOPPED]
    failed = failed_notices(db_session(), workspace_id)
    return {"banners": [*_about_alerts(others), *_about_notices(failed)], "counts": counts}


def operator_in_frame() -> FrameData:
    """What concerns the whole installation, above every page of whoever runs it."""
    user = signed_in_user()
    if user is None or not is_operator(user) or request.blueprint == "operator_alerts":
        return {}
    with walls.across(db_session()):
        alerts = open_alerts(db_session(), None)
    if not alerts:
        return {}
    text = alerts[0].title if len(alerts) == 1 else f"{len(alerts)} alerts. The newest: {alerts[0].title}"
    href = url_for("operator_alerts.index")
    return {"banners": [Banner(f"For you as operator: {text}", href=href, button="See alerts", level=_level(alerts))]}


def _about_alerts(alerts: Sequence[Alert]) -> list[Banner]:
    if not alerts:
        return []
    if len(alerts) == 1:
        only = alerts[0]
        href = url_for("alerts.show", alert_id=only.id)
        return [Banner(only.title, href=href, button="See what to do", level=_level(alerts))]
    text = f"{len(alerts)} alerts are open. The newest: {alerts[0].title}"
    return [Banner(text, href=url_for("alerts.index"), button="See alerts", level=_level(alerts))]


def _level(alerts: Sequence[Alert]) -> Literal["bad", "warn"]:
    return "bad" if any(alert.severity == "error" for alert in alerts) else "warn"


def _about_notices(failed: Sequence[AlertNotice]) -> list[Banner]:
    if not failed:
        return []
    targets = {notice.target for notice in failed}
    who = f"{failed[0].target} was" if len(targets) == 1 else f"{len(targets)} addresses were"
    href = url_for("alerts.index")
    return [Banner(f"An alert could not be delivered: {who} not told.", href=href, button="See why")]
