"""What a sign-in may do, read from its token (`scp`): shown, judged, repeated, and never lost."""

import pytest
from sqlalchemy import select

from mailsetup.alerts.models import Alert
from mailsetup.credentials import token_cache
from mailsetup.outbound import app_checks
from tests.outbound.microsoft_fixtures import grant, mailbox, settings_changes
from tests.outbound.microsoft_world import make_setup

__all__ = ["grant", "mailbox", "settings_changes"]


@pytest.fixture
def allowed(box, mailbox, grant):
    """What the person allowed the platform's app."""
    return box.world.consent(box.world.platform_app.client_id, box.world.contoso.tenant_id).people[mailbox.object_id]


def test_it_shows_the_permissions_of_a_sign_in(alice, grant):
    assert f"/setup/permissions/{grant.id}" in alice.client.get(f"/credentials/{grant.id}").text
    page = alice.client.post(f"/setup/permissions/{grant.id}/check", follow_redirects=True).text
    assert "The sign-in allows Mail.Send and nothing more than it needs." in page
    assert "<dd>Mail.Send User.Read</dd>" in page
    assert "Prove the limit" not in page
    answer = alice.client.post(f"/setup/permissions/{grant.id}/limit", data={"mailbox": "admin@contoso.com"})
    assert answer.status_code == 409


def test_it_warns_of_a_sign_in_that_may_do_too_much(session, grant, mailbox, allowed):
    make_setup(session, grant, mailbox.address)
    allowed.append("graph/Mail.ReadWrite")
    assert app_checks.check_due(session) == 1
    session.commit()
    app_checks.run_check(grant.id)
    [alert] = session.scalars(select(Alert))
    assert alert.title == "The sign-in may do more than send mail: Mail.ReadWrite."


def test_it_keeps_what_renews_the_sign_in(session, grant):
    before = token_cache.load(session, grant.id, grant.version)
    app_checks.run_check(grant.id)
    session.rollback()
    after = token_cache.load(session, grant.id, grant.version)
    assert before is not None
    assert after is not None
    assert after.blob != before.blob
