"""The first page without anything, with one setup and with 200, on a desk and on a phone: axe finds nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Browser
from sqlalchemy import insert
from sqlalchemy.orm import Session

from mailsetup.alerts.open import open_alert
from mailsetup.core.clock import utcnow
from mailsetup.core.ids import new_id
from mailsetup.outbound.models import OutboundConfig
from mailsetup.outbox.hours import MARK, hour_of
from mailsetup.outbox.models import MailHour, Mark
from tests import factories
from tests.alerts.conftest import facts_of_stop
from tests.browsers import sign_in
from tests.paths.album import Album
from tests.people import Person

pytestmark = [pytest.mark.browser, pytest.mark.looks]
_TITLE = "Mail through “{}” has stopped: The client secret has expired"
HEALTHS = ("healthy", "healthy", "broken", "degraded", "unverified", "paused")


def filled(session: Session, person: Person, setups: int) -> None:
    """So many setups, some in trouble, with alerts, a month of mail and something that ends soon."""
    if not setups:
        return
    first = factories.make_config(session, person.workspace, name="Invoices", is_default=True)
    values = {"kind": first.kind, "settings": first.settings, "from_address": first.from_address}
    shared = {**values, "workspace_id": person.workspace.id, "alerts_address": first.alerts_address}
    rows = [
        {"id": new_id(), "name": f"Setup {number}", "health": HEALTHS[number % 6], "health_reason": "It is refused."}
        for number in range(1, setups)
    ]
    if rows:
        session.execute(insert(OutboundConfig), [{**shared, **row} for row in rows])
    for row in rows[:7]:
        open_alert(
            session,
            **facts_of_stop(person.workspace, subject_key=f"outbound:{row['id']}", title=_TITLE.format(row["name"])),
        )
    factories.make_credential(session, person.workspace, name="Old app", expires_on=utcnow().date() + timedelta(9))
    session.merge(Mark(name=MARK, until=hour_of(utcnow())))
    for back in range(3, 700, 5):
        moment = hour_of(utcnow() - timedelta(hours=back))
        session.add(MailHour(workspace_id=person.workspace.id, hour=moment, accepted=90 * back % 700, failed=back % 7))
    session.commit()


@pytest.mark.parametrize("setups", [0, 1, 200])
def test_it_is_open_to_everybody(browser: Browser, address: str, alice: Person, session: Session, setups: int) -> None:
    filled(session, alice, setups)
    context = browser.new_context(base_url=address, locale="en-US")
    sign_in(context, address, alice)
    album, page = Album(), context.new_page()
    album.watch(page)
    album.open(page, "/", f"overview-of-{setups}")
    context.close()
    assert album.violations + album.too_wide + album.errors + album.unexpected == []
