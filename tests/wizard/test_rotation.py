"""A second secret beside the old one: added, tested, promoted, and the old one ended when a person says so."""

import pytest
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import CredentialVersion
from mailsetup.credentials.vault import credential_value, update_credential
from mailsetup.outbound.models import HEALTHY, OutboundConfig
from mailsetup.outbound.renewal import run_renewal
from mailsetup.workspaces.audit import SYSTEM
from tests.outbound.conftest import box
from tests.outbound.microsoft_world import make_app_credential, make_setup, settings_for

__all__ = ["box"]


@pytest.fixture
def settings_changes(box):
    return settings_for(box)


@pytest.fixture
def credential(session, alice, box):
    return make_app_credential(session, alice.workspace, box)


@pytest.fixture
def config(session, credential) -> OutboundConfig:
    return make_setup(session, credential, "ar@contoso.com", "graph_client_credentials")


@pytest.fixture
def rotate(alice, credential):
    """One step of the rotation, as its page sends it."""

    def rotate(step, **form):
        return alice.client.post(f"/setup/rotate/{credential.id}/{step}", data=form)

    return rotate


def secret_in_use(session, credential) -> str:
    session.expire_all()
    return credential_value(session, credential).secrets["client_secret"].reveal()


def versions(session, credential) -> list[int]:
    session.rollback()
    wanted = select(CredentialVersion.version).where(CredentialVersion.credential_id == credential.id)
    return sorted(session.scalars(wanted))


def test_it_walks_from_the_old_secret_to_the_new_one_without_a_gap(box, session, credential, config, rotate, alice):
    old, new = box.world.app.secret, box.world.add_secret()
    day = utcnow().date().replace(year=utcnow().year + 1)
    assert rotate("add", client_secret=new, expires_on=day.isoformat()).status_code == 302
    assert (secret_in_use(session, credential), versions(session, credential)) == (old, [1, 2])
    assert rotate("promote").status_code == 302
    assert (secret_in_use(session, credential), credential.expires_on) == (new, day)
    box.world.remove_secret(old)
    run_renewal(credential.id)
    assert session.get_one(OutboundConfig, config.id, populate_existing=True).health == HEALTHY
    page = alice.client.get(f"/setup/rotate/{credential.id}").text
    assert "End the old one" in page
    assert new not in page
    rotate("end")
    assert versions(session, credential) == [2]


def test_it_keeps_the_old_one_while_the_new_one_is_refused(box, session, credential, config, rotate):
    answer = rotate("add", client_secret="wrong~value-of-another-app", expires_on="")
    assert answer.status_code == 422
    assert "explanation-steps" in answer.text
    assert rotate("promote").status_code == 409
    assert secret_in_use(session, credential) == box.world.app.secret
    rotate("discard")
    assert versions(session, credential) == [1]


def test_it_goes_back_to_the_old_one_through_the_same_test(box, session, credential, rotate):
    old = box.world.app.secret
    rotate("add", client_secret=box.world.add_secret(), expires_on="")
    rotate("promote")
    assert rotate("back").status_code == 302
    assert secret_in_use(session, credential) != old
    rotate("promote")
    assert secret_in_use(session, credential) == old


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"client_secret": "11111111-2222-3333-4444-555555555555"}, "client_secret"),
        ({"client_secret": "new~value-of-the-app", "expires_on": "2020-01-01"}, "expires_on"),
        ({"client_secret": "new~value-of-the-app", "expires_on": "soon"}, "expires_on"),
    ],
)
def test_it_says_at_the_field_what_cannot_be_added(session, credential, rotate, form, field):
    answer = rotate("add", **{"expires_on": "", **form})
    assert (answer.status_code, f'id="f-{field}-error"' in answer.text) == (422, True)
    assert versions(session, credential) == [1]


def test_it_wants_another_one_than_the_one_in_use(box, rotate):
    answer = rotate("add", client_secret=box.world.app.secret, expires_on="")
    assert "This is the one that is in use already" in answer.text


def test_it_lets_an_edit_of_the_credential_win_over_what_waits(box, session, credential, rotate, config):
    rotate("add", client_secret=box.world.add_secret(), expires_on="")
    session.rollback()
    session.refresh(credential)
    raw = {**credential_value(session, credential).public, "client_secret": "typed~by-another-admin"}
    update_credential(session, credential, actor=SYSTEM, user_id=None, name=credential.name, raw=raw)
    session.commit()
    assert secret_in_use(session, credential) == "typed~by-another-admin"
    assert rotate("promote").status_code == 409


def test_it_is_for_an_app_with_a_secret_and_for_admins(alice, bob, charlie, session, credential):
    from tests import factories

    typed = factories.make_credential(session, alice.workspace)
    assert alice.client.get(f"/setup/rotate/{typed.id}").status_code == 409
    assert bob.client.get(f"/setup/rotate/{credential.id}").status_code == 403
    assert charlie.client.post(f"/setup/rotate/{credential.id}/promote").status_code == 404


def test_it_makes_a_certificate_that_is_uploaded_before_it_is_tested(box, session, credential, config, rotate, alice):
    assert rotate("add", make_certificate="true", expires_on="").status_code == 302
    assert "Download the certificate" in alice.client.get(f"/setup/rotate/{credential.id}").text
    assert rotate("test").status_code == 422
    file = alice.client.get(f"/setup/rotate/{credential.id}/certificate.cer").text
    box.world.add_certificate(file)
    assert rotate("test").status_code == 302
    rotate("promote")
    run_renewal(credential.id)
    assert session.get_one(OutboundConfig, config.id, populate_existing=True).health == HEALTHY
