"""What both workspaces have: setups, mails and tests, each with the side's own word in it."""

from __future__ import annotations

import requests

from mailsetup.core import db
from mailsetup.core.db import Base
from tests import factories
from tests.security.scan.target import Side, Target, known

MAILS = 5
ASKED_OF_THE_API = ("config_id", "message_id", "run_id")
# What time changes by itself: when a key was used, when somebody was seen, how a mail and its setup fare.
LEFT_ALONE = {"outbound_configs", "messages", "test_runs", "credentials", "alert_routes", "event_endpoints", "members"}


def fill(target: Target, side: Side) -> dict[str, list[str]]:
    """The ids of what there is now, by the name that the API's document gives them."""
    host, port = target.box.smtp_plain
    with db.sessions()() as session:
        where = factories.smtp_settings(host=host, port=port)
        factories.make_config(session, side.person(session).workspace, name=f"Setup {side.word}", settings=where)
        ids = {name: [str(value)] for name, value in known(session, side).items()}
    mails = [_send(target, side, number) for number in range(MAILS)]
    ids["message_id"] += mails
    return {name: ids[name] for name in ASKED_OF_THE_API}


def _send(target: Target, side: Side, number: int) -> str:
    mail = {
        "to": [f"{side.word}@customer.example"],
        "subject": f"{side.word} {number}",
        "text": f"For {side.word} alone.",
        "metadata": {"order": f"{side.word}-{number}"},
    }
    headers = {"Authorization": f"Bearer {side.key}"}
    answer = requests.post(f"{target.url}/api/v1/messages", json=mail, headers=headers, timeout=30)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def rows(side: Side) -> dict[str, list[str]]:
    """Which things a side has, and what it made of them: the rows that no other workspace may touch."""
    found = {}
    with db.sessions()() as session:
        for table in Base.metadata.sorted_tables:
            if "workspace_id" in table.c and "id" in table.c and table.name in LEFT_ALONE:
                mine = table.select().where(table.c.workspace_id == side.workspace_id)
                found[table.name] = sorted(str(row.id) for row in session.execute(mine))
    return found
