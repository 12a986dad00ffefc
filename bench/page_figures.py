"""P11: the pages a person opens every day, in a workspace with 200 setups and 1,000,000 messages."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from bench.world import World, vacuum
from mailsetup import settings
from mailsetup.alerts.open import open_alert
from mailsetup.application import create_app
from mailsetup.core import db
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox import hours
from mailsetup.workspaces.models import User
from tests import factories
from tests.databases import create_tables
from tests.people import signed_in_client

MESSAGES, SETUPS, OPENED = 1_000_000, 200, 100
HEALTHS = ("broken", "degraded", "unverified", "paused")

# 35 days of mail, evenly: 1 % failed, 5 % wait (for the setups that do not send as for the others).
_ROWS = """
INSERT INTO messages (id, workspace_id, config_id, status, priority, next_attempt_at, expires_at, attempt_count,
    retry_step, crash_count, possible_duplicate, message_id, from_address, envelope_sender, recipients,
    recipients_text, subject, size, frozen, request_hash, metadata, service_id, created_by, created_at, finished_at)
SELECT {id}, c.workspace_id, c.id, CASE WHEN n % 20 = 0 THEN 'queued' WHEN n % 100 = 1 THEN 'failed' ELSE 'sent' END, 5,
    {at}, {later}, 0, 0, 0, false, '<m@x>', 'a@x', 'a@x', '[{{"address": "b@y.example", "state": "waiting"}}]',
    'b@y.example', 'Your invoice', 300, true, '', '{{}}', '', '', {at}, CASE WHEN n % 20 = 0 THEN NULL ELSE {at} END
FROM {series}, outbound_configs c WHERE c.name = 'Setup ' || (n % :setups)
"""
_POSTGRESQL = _ROWS.format(
    id="gen_random_uuid()",
    at="now() - n * interval '3 seconds'",
    later="now() + interval '5 days'",
    series="generate_series(1, :messages) n",
)
_SQLITE = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :messages)" + _ROWS.format(
    id="lower(hex(randomblob(16)))",
    at="strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || (n * 3) || ' seconds')",
    later="strftime('%Y-%m-%d %H:%M:%f000', 'now', '+5 days')",
    series="s",
)


def overview_postgresql(world: World) -> tuple[float, float]:
    """Milliseconds, the 95th percentile of the first page."""
    world.fresh()
    return percentile(opened(filled()), "/"), 1.0


def messages_postgresql(world: World) -> tuple[float, float]:
    """The same of the list of messages."""
    world.fresh()
    return percentile(opened(filled()), "/messages"), 1.0


def overview_sqlite(world: World) -> tuple[float, float]:
    """The first page on the embedded database."""
    with tempfile.TemporaryDirectory(prefix="mailsetup-bench-") as folder:
        on_sqlite(world, Path(folder))
        return percentile(opened(filled()), "/"), 1.0


def messages_sqlite(world: World) -> tuple[float, float]:
    """The list of messages on the embedded database."""
    with tempfile.TemporaryDirectory(prefix="mailsetup-bench-") as folder:
        on_sqlite(world, Path(folder))
        return percentile(opened(filled()), "/messages"), 1.0


def on_sqlite(world: World, folder: Path) -> None:
    """The world's settings, with an empty file as database."""
    world.fresh()
    url = f"sqlite:///{folder / 'bench.db'}"
    create_tables(url)
    settings.start(settings.load({**world.environ, "MAILSETUP_DATABASE_URL": url}))


def filled(*, messages: int = MESSAGES, setups: int = SETUPS) -> str:
    """A workspace with all of it; the address of its owner."""
    with db.sessions()() as session:
        owner = factories.make_user(session, name="Alice", email="alice@northwind.example")
        workspace = factories.make_workspace(session, owner=owner)
        for number in range(setups):
            health = HEALTHS[number // 10 % 4] if number % 10 == 3 else "healthy"
            reason = "User name or password is not right." if health == "broken" else ""
            config = factories.make_config(
                session, workspace, name=f"Setup {number}", is_default=not number, health=health, health_reason=reason
            )
            if health == "broken":
                _alert(session, config)
        statement = _SQLITE if db.engine().dialect.name == "sqlite" else _POSTGRESQL
        session.execute(text(statement), {"messages": messages, "setups": max(setups, 1)})
        # What the scheduler does every minute.
        hours.roll_up(session)
        session.commit()
    vacuum()
    return owner.email


def _alert(session: Session, config: OutboundConfig) -> None:
    open_alert(
        session,
        workspace_id=config.workspace_id,
        subject_key=f"outbound:{config.id}",
        subject_label=config.name,
        cause="mail_stopped",
        title=f"Mail through “{config.name}” has stopped: {config.health_reason}",
        explanation={},
        fix_path=f"/outbound/{config.id}",
        notify_address=config.alerts_address,
    )


def opened(email: str) -> FlaskClient:
    """A browser of this person."""
    app = create_app(settings.current())
    session = db.sessions()()
    app.extensions["tests.session"] = session
    user = session.query(User).filter_by(email=email).one()
    client = signed_in_client(app, user)
    session.close()
    return client


def percentile(client: FlaskClient, path: str) -> float:
    """Milliseconds of the server alone, the 95th percentile of 100 after 5 to warm up."""
    took = []
    for _ in range(OPENED + 5):
        began = time.perf_counter()
        answer = client.get(path)
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, (path, answer.status_code)
    return sorted(took[5:])[int(OPENED * 0.95)]
