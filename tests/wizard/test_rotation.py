"""A second secret beside the old one: added, tested, promoted, and the old one ended when a person says so."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import CredentialVersion
from mailsetup.credentials.vault import credential_value, update_credential
from mailsetup.outbound.models import HEALTHY, OutboundConfig
from mailsetup.outbound.renewal import run_renewal
from mailsetup.workspaces.audit import SYSTEM
from tests.outbound.microsoft_fixtures import app_credential, app_setup, box, settings_changes

__all__ = ["app_credential", "app_setup", "box", "settings_changes"]


@pytest.fixture
def rotate(alice, app_credential):
    """One step of the rotation, as its page sends it."""

    def rotate(step, **form):
        return alice.client.post(f"/setup/rotate/{app_credential.id}/{step}", data=form)

    return rotate


def secret_in_use(session, credential) -> str:
    session.expire_all()
    return credential_value(session, credential).secrets["client_secret"].reveal()


def versions(session, credential) -> list[int]:
    session.rollback()
    wanted = select(CredentialVersion.version).where(CredentialVersion.credential_id == credential.id)
    return sorted(session.scalars(wanted))


def test_it_walks_from_the_old_secret_to_the_new_one_without_a_gap(
    box, session, app_credential, app_setup, rotate, alice
):
    old, new = box.world.app.secret, box.world.add_secret()
    day = utcnow().date() + timedelta(days=365)
    assert rotate("add", client_secret=new, expires_on=day.isoformat()).status_code == 302
    assert (secret_in_use(session, app_credential), versions(session, app_credential)) == (old, [1, 2])
    assert rotate("promote").status_code == 302
    assert (secret_in_use(session, app_credential), app_credential.expires_on) == (new, day)
    box.world.remove_secret(old)
    run_renewal(app_credential.id)
    assert session.get_one(OutboundConfig, app_setup.id, populate_existing=True).health == HEALTHY
    page = alice.client.get(f"/setup/rotate/{app_credential.id}").text
    assert "End the old one" in page
    assert new not in page
    rotate("end")
    assert versions(session, app_credential) == [2]


def test_it_keeps_the_old_one_while_the_new_one_is_refused(box, session, app_credential, app_setup, rotate):
    answer = rotate("add", client_secret="wrong~value-of-another-app", expires_on="")
    assert answer.status_code == 422
    assert "explanation-steps" in answer.text
    assert rotate("promote").status_code == 409
    assert secret_in_use(session, app_credential) == box.world.app.secret
    rotate("discard")
    assert versions(session, app_credential) == [1]


def test_it_goes_back_to_the_old_one_through_the_same_test(box, session, app_credential, rotate):
    old = box.world.app.secret
    rotate("add", client_secret=box.world.add_secret(), expires_on="")
    rotate("promote")
    assert rotate("back").status_code == 302
    assert secret_in_use(session, app_credential) != old
    rotate("promote")
    assert secret_in_use(session, app_credential) == old


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"client_secret": "11111111-2222-3333-4444-555555555555"}, "client_secret"),
        ({"client_secret": "new~value-of-the-app", "expires_on": "2020-01-01"}, "expires_on"),
        ({"client_secret": "new~value-of-the-app", "expires_on": "soon"}, "expires_on"),
    ],
)
def test_it_says_at_the_field_what_cannot_be_added(session, app_credential, rotate, form, field):
    answer = rotate("add", **{"expires_on": "", **form})
    assert (answer.status_code, f'id="f-{field}-error"' in answer.text) == (422, True)
    assert versions(session, app_credential) == [1]


def test_it_wants_another_one_than_the_one_in_use(box, rotate):
    answer = rotate("add", client_secret=box.world.app.secret, expires_on="")
    assert "This is the one that is in use already" in answer.text


def test_it_lets_an_edit_of_the_credential_win_over_what_waits(box, session, app_credential, rotate, app_setup):
    rotate("add", client_secret=box.world.add_secret(), expires_on="")
    session.rollback()
    session.refresh(app_credential)
    raw = {**credential_value(session, app_credential).public, "client_secret": "typed~by-another-admin"}
    update_credential(session, app_credential, actor=SYSTEM, user_id=None, name=app_credential.name, raw=raw)
    session.commit()
    assert secret_in_use(session, app_credential) == "typed~by-another-admin"
    assert rotate("promote").status_code == 409


def test_it_is_for_an_app_with_a_secret_and_for_admins(alice, bob, charlie, session, app_credential):
    from tests import factories

    typed = factories.make_credential(session, alice.workspace)
    assert alice.client.get(f"/setup/rotate/{typed.id}").status_code == 409
    assert bob.client.get(f"/setup/rotate/{app_credential.id}").status_code == 403
    assert charlie.client.post(f"/setup/rotate/{app_credential.id}/promote").status_code == 404


def test_it_makes_a_certificate_that_is_uploaded_before_it_is_tested(
    box, session, app_credential, app_setup, rotate, alice
):
    assert rotate("add", make_certificate="true", expires_on="").status_code == 302
    assert "Download the certificate" in alice.client.get(f"/setup/rotate/{app_credential.id}").text
    assert rotate("test").status_code == 422
    file = alice.client.get(f"/setup/rotate/{app_credential.id}/certificate.cer").text
    box.world.add_certificate(file)
    assert rotate("test").status_code == 302
    rotate("promote")
    run_renewal(app_credential.id)
    assert session.get_one(OutboundConfig, app_setup.id, populate_existing=True).health == HEALTHY
