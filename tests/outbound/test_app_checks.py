"""What an app may do at Microsoft: judged monthly from its token, and proved at a control mailbox."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from mailsetup.alerts.models import Alert
from mailsetup.core.clock import utcnow
from mailsetup.outbound import app_checks
from mailsetup.outbound.models import AppCheck
from tests.outbound.microsoft_fixtures import settings_changes
from tests.outbound.microsoft_world import make_app_credential, make_setup

__all__ = ["settings_changes"]

ROLES = ["graph/Mail.Send", "outlook/SMTP.SendAsApp"]


@pytest.fixture
def consent(box):
    """What Contoso granted to the app; as it was again afterwards."""
    found = box.world.consent(box.world.app.client_id, box.world.contoso.tenant_id)
    yield found
    found.roles, found.limited_to, found.in_exchange = list(ROLES), [], []


@pytest.fixture
def credential(session, alice, box, consent):
    return make_app_credential(session, alice.workspace, box)


@pytest.fixture(params=["graph_client_credentials", "smtp_xoauth2"])
def any_kind(request):
    return request.param


@pytest.fixture
def config(session, credential):
    return make_setup(session, credential, "ar@contoso.com", "graph_client_credentials")


def check(session) -> AppCheck:
    session.rollback()
    found: AppCheck = session.scalars(select(AppCheck), execution_options={"populate_existing": True}).one()
    return found


def started(session):
    return [
        args for function, args in session.info.pop("mailsetup.jobs_after_commit", []) if function == app_checks.JOB
    ]


def test_it_warns_of_too_much_and_notices_when_it_is_gone(session, consent, credential, config):
    consent.roles = [*ROLES, "graph/Mail.ReadWrite"]
    app_checks.run_check(credential.id)
    [alert] = session.scalars(select(Alert))
    assert (alert.severity, "Mail.ReadWrite" in alert.title) == ("warning", True)
    consent.roles = list(ROLES)
    app_checks.run_check(credential.id)
    session.rollback()
    session.refresh(alert)
    assert alert.resolved_at is not None


def test_it_is_repeated_monthly_for_what_is_used(session, credential, config):
    assert app_checks.check_due(session) == 1
    assert started(session) == [(str(credential.id),)]
    session.commit()
    app_checks.run_check(credential.id)
    assert app_checks.check_due(session) == 0
    with time_machine.travel(utcnow() + timedelta(days=31)):
        assert app_checks.check_due(session) == 1
        session.rollback()


def test_it_starts_nothing_for_an_app_that_no_setup_uses(session, credential):
    assert app_checks.check_due(session) == 0


def test_it_keeps_quiet_about_what_sending_tells_anyway(session, box, credential, config):
    box.switch("AADSTS7000215")
    app_checks.run_check(credential.id)
    box.switch("AADSTS7000215", on=False)
    assert session.scalars(select(Alert)).all() == []


def test_it_accepts_a_limit_in_exchange_without_any_role(session, alice, box, consent, credential, config):
    consent.roles = []
    box.world.allow_in_exchange(["ar@contoso.com"])
    page = alice.client.post(f"/setup/permissions/{credential.id}/check", follow_redirects=True).text
    assert "The token names no permission." in page
    assert f"-ObjectId {consent.object_id} " in page
    proved = alice.client.post(
        f"/setup/permissions/{credential.id}/limit", data={"mailbox": "admin@contoso.com"}, follow_redirects=True
    )
    assert "The limit holds." in proved.text
    assert session.scalars(select(Alert)).all() == []


def test_it_names_the_hole_that_a_permission_leaves_beside_the_limit(session, alice, box, credential, any_kind):
    make_setup(session, credential, "ar@contoso.com", any_kind)
    box.world.allow_in_exchange(["ar@contoso.com"])
    before = len(box.inbox())
    page = alice.client.post(
        f"/setup/permissions/{credential.id}/limit", data={"mailbox": "admin@contoso.com"}, follow_redirects=True
    )
    assert "The limit does not hold." in page.text
    assert (check(session).control_state, len(box.inbox())) == ("allowed", before)


def test_it_calls_no_app_open_to_every_mailbox_that_was_refused_at_one(session, alice, box, credential, any_kind):
    make_setup(session, credential, "ar@contoso.com", any_kind)
    box.world.limit_app_to(["ar@contoso.com"])
    path = f"/setup/permissions/{credential.id}"
    open_door = alice.client.post(f"{path}/check", follow_redirects=True).text
    proved = alice.client.post(f"{path}/limit", data={"mailbox": "admin@contoso.com"}, follow_redirects=True).text
    wide = "for every mailbox of the organisation."
    assert (wide in open_door, wide in proved, "The limit holds." in proved) == (True, False, True)
    assert "refused the app at admin@contoso.com. No token says when" in proved


def test_a_proof_ends_with_the_permissions_that_it_was_made_for(session, alice, box, consent, credential, config):
    consent.roles = []
    box.world.allow_in_exchange(["ar@contoso.com"])
    path = f"/setup/permissions/{credential.id}"
    alice.client.post(f"{path}/check")
    alice.client.post(f"{path}/limit", data={"mailbox": "admin@contoso.com"})
    consent.roles = list(ROLES)
    page = alice.client.post(f"{path}/check", follow_redirects=True).text
    assert ("for every mailbox of the organisation." in page, "The limit holds." in page) == (True, False)


@pytest.mark.parametrize("typed", ["", "nobody", "ar@contoso.com"])
def test_it_wants_another_mailbox_for_the_proof(alice, credential, config, typed):
    answer = alice.client.post(f"/setup/permissions/{credential.id}/limit", data={"mailbox": typed})
    assert (answer.status_code, 'id="f-mailbox-error"' in answer.text) == (422, True)


def test_it_says_when_the_control_mailbox_is_unknown_or_the_secret_is_wrong(alice, box, credential, config):
    path = f"/setup/permissions/{credential.id}"
    assert alice.client.post(f"{path}/limit", data={"mailbox": "nobody.here@contoso.com"}).status_code == 422
    box.switch("AADSTS7000222", times=1)
    answer = alice.client.post(f"{path}/check")
    assert (answer.status_code, "The client secret has expired" in answer.text) == (422, True)
