"""Leaving password sign-in: Graph beside the old way, a switch, and a way back."""

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.diagnosis.models import TestRun
from mailsetup.outbound.models import OutboundConfig
from mailsetup.wizard.models import SetupDraft
from tests import factories
from tests.outbound.microsoft_fixtures import box, settings_changes
from tests.outbound.microsoft_world import make_app_credential, make_grant, make_setup, new_mailbox

__all__ = ["box", "settings_changes"]


@pytest.fixture
def config(session, alice):
    settings = factories.smtp_settings(host="smtp.office365.com", from_address="ar@contoso.com")
    credential = factories.make_credential(session, alice.workspace)
    return factories.make_config(session, alice.workspace, settings=settings, credential=credential)


def draft_of(session) -> SetupDraft:
    session.rollback()
    found: SetupDraft = session.scalars(select(SetupDraft)).one()
    return found


def save(alice, draft):
    """Sender and save, as the wizard sends them."""
    form = {**draft.settings, "name": "Moved", "alerts_address": "it@northwind.example", "action": "next"}
    assert alice.client.post(f"/setup/{draft.id}/sender", data=form).status_code == 302
    return alice.client.post(f"/setup/{draft.id}/save", data={"untested": "true", "anyway": "true"})


def test_it_shows_the_timetable_for_an_exchange_host_alone(alice, session, config):
    page = alice.client.get(f"/outbound/{config.id}").text
    assert "end of December 2026" in page
    assert "Move to Graph" in page
    other = factories.make_config(session, alice.workspace, name="Other", is_default=False)
    assert "Move to Graph" not in alice.client.get(f"/outbound/{other.id}").text


def test_it_moves_beside_the_old_way_and_back(alice, session, box, config):
    old = (config.kind, config.settings, config.credential_id)
    assert alice.client.post(f"/setup/move/{config.id}").status_code == 302
    draft = draft_of(session)
    assert (draft.kind, draft.settings["from_address"]) == ("graph_client_credentials", "ar@contoso.com")
    session.refresh(config)
    assert (config.kind, config.settings, config.credential_id) == old
    app = make_app_credential(session, alice.workspace, box)
    alice.client.post(f"/setup/{draft.id}/credential", data={"credential_id": str(app.id)})
    save(alice, draft)
    session.refresh(config)
    assert (config.kind, config.credential_id) == ("graph_client_credentials", app.id)
    assert "Switch back" in alice.client.get(f"/outbound/{config.id}").text
    alice.client.post(f"/setup/back/{config.id}")
    back = draft_of(session)
    assert (back.kind, back.credential_id, back.settings["host"]) == (old[0], old[2], "smtp.office365.com")


@pytest.mark.parametrize("cause", ["smtp_auth_off_tenant", "smtp_auth_off_mailbox"])
def test_it_leads_from_smtp_that_is_switched_off_to_graph_with_its_values(alice, session, box, cause):
    app = make_app_credential(session, alice.workspace, box)
    config = make_setup(session, app, "ar@contoso.com", "smtp_xoauth2", health="broken", health_cause=cause)
    alice.client.post(f"/setup/move/{config.id}")
    draft = draft_of(session)
    assert (draft.kind, draft.credential_id) == ("graph_client_credentials", app.id)
    assert draft.settings["username"] == draft.settings["from_address"] == "ar@contoso.com"


@pytest.fixture
def refused_draft(alice, session, box, begin):
    """Answers for SMTP whose test found SMTP sign-in switched off."""
    app = make_app_credential(session, alice.workspace, box)
    draft = begin("smtp_xoauth2")
    draft.credential_id, draft.settings = app.id, {"from_address": "ar@contoso.com", "username": "ar@contoso.com"}
    draft.name, draft.alerts_address = "Invoices", "it@northwind.example"
    facts = {"kind": draft.kind, "settings": dict(draft.settings), "fingerprint": "0" * 64, "recipient": "x@y.example"}
    run = TestRun(workspace_id=alice.workspace.id, state="failed", finished_at=utcnow(), **facts)
    session.add(run)
    session.flush()
    draft.test_run_id = run.id
    session.commit()
    return draft, run


@pytest.mark.parametrize("cause", ["smtp_auth_off_tenant", "smtp_auth_off_mailbox", "password_wrong"])
def test_it_leaves_from_a_failed_test_with_one_click_and_all_values(alice, session, refused_draft, cause):
    draft, run = refused_draft
    run.explanation = {"cause": cause, "title": "", "steps": []}
    session.commit()
    offered = "Move to Graph" in alice.client.get(f"/setup/{draft.id}/test/outcome").text
    answer = alice.client.post(f"/setup/{draft.id}/move")
    session.refresh(draft)
    if cause == "password_wrong":
        assert (offered, answer.status_code, draft.kind) == (False, 409, "smtp_xoauth2")
        return
    assert (offered, answer.location) == (True, f"/setup/{draft.id}/test")
    assert (draft.kind, draft.settings["from_address"]) == ("graph_client_credentials", "ar@contoso.com")


def test_a_sign_in_for_smtp_is_not_taken_for_graph(alice, session, box, begin):
    grant = make_grant(session, alice.workspace, new_mailbox(box), "smtp_xoauth2")
    draft = begin("graph_delegated")
    assert grant.name not in alice.client.get(f"/setup/{draft.id}/credential").text
    answer = alice.client.post(f"/setup/{draft.id}/credential", data={"credential_id": str(grant.id)})
    assert answer.status_code == 422
    config = make_setup(session, grant, grant.name, "smtp_xoauth2", health_cause="smtp_auth_off_mailbox")
    alice.client.post(f"/setup/move/{config.id}")
    moved = session.scalars(select(SetupDraft).where(SetupDraft.config_id == config.id)).one()
    assert (moved.kind, moved.credential_id) == ("graph_delegated", None)


def test_it_moves_nothing_that_does_not_end_and_is_for_admins(alice, bob, charlie, session, config):
    other = factories.make_config(session, alice.workspace, name="Other", is_default=False)
    assert alice.client.post(f"/setup/move/{other.id}").status_code == 409
    assert alice.client.post(f"/setup/back/{other.id}").status_code == 409
    assert [one.client.post(f"/setup/move/{config.id}").status_code for one in (bob, charlie)] == [403, 404]
    assert session.scalars(select(OutboundConfig.moved_from)).all() == [{}, {}]
