"""What changes secrets, keys, members or who is told asks first who is there; everything else is named here."""

from __future__ import annotations

import re

from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from mailsetup.core.clock import utcnow
from mailsetup.workspaces import sessions
from mailsetup.workspaces.access import API, PUBLIC
from mailsetup.workspaces.models import UserSession
from tests.people import Person

NO_ID = "00000000-0000-0000-0000-000000000000"
# Mail, tests, alerts and setups: everyday work, in which no secret changes and none goes to another server.
EVERYDAY = {
    "alert_ways": "test",
    "alerts": "acknowledge again close snooze test",
    "events": "again set_active test",
    "explain": "answer",
    "messages": "cancel resolve retry",
    "operator": "test_connections",
    "operator_alerts": "act again test",
    "outbound": "delete fallback limits make_default pause policy probe resume",
    "settings": "person workspace",
    "setup": "admin_consent check_credential check_permissions choose_credential choose_kind create discard edit"
    " explain explain_reconnect move move_back move_draft prove_limit run_test save_sender save_setup test_proof",
    "tests": "again arrived begin cancel look_at_domain",
    "workspaces": "create switch",
}
# These ask themselves, or take something away from nobody but the person, or from a copy.
OWN = {"exports": "delete", "members": "leave", "proof": "prove", "with_issuer": "leave_again"}
OWN["security"] = "end_others end_session password"


def posts(app: Flask, *, fresh: bool) -> set[str]:
    views = {rule.endpoint: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()
             if "POST" in (rule.methods or ())}  # fmt: skip
    asked = {name for name, view in views.items() if getattr(view, "access_rule", API) not in (PUBLIC, API)}
    return {name for name in asked if vars(views[name]).get("access_fresh", False) == fresh}


def test_it_knows_every_change_that_asks_nobody_anew(app: Flask) -> None:
    known = {f"{group}.{name}" for group, names in {**EVERYDAY, **OWN}.items() for name in names.split()}
    assert posts(app, fresh=False) == known


def test_it_asks_anew_before_every_other_change(app: Flask, alice: Person, session: Session) -> None:
    session.execute(update(UserSession).values(proved_at=utcnow() - sessions.PROOF_LASTS))
    session.commit()
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint in posts(app, fresh=True)]
    paths = {re.sub(r"<[^>]+>", NO_ID, rule.rule) for rule in rules if "POST" in (rule.methods or ())}
    assert len(paths) > 20
    for path in paths:
        assert alice.client.post(path).location.startswith("/sign-in/again"), path
