"""The check of an app right after it was saved: what Microsoft says of it, and who does what."""

import re
import secrets
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials.models import Credential
from mailsetup.outbound import app_checks
from tests.outbound.microsoft_fixtures import box, settings_changes

__all__ = ["box", "settings_changes"]


@pytest.fixture
def consent(box):
    found = box.world.consent(box.world.app.client_id, box.world.contoso.tenant_id)
    before = list(found.roles)
    yield found
    found.roles = before


@pytest.fixture
def kind():
    return "graph_client_credentials"


@pytest.fixture
def draft(begin, kind):
    return begin(kind)


@pytest.fixture
def save(alice, box, draft, session):
    """Saves an app at the step Credential as a person does, and gives the page after Microsoft was asked."""

    def save(*, asked=True, **changes) -> str:
        app = box.world.app
        form = {"type": "microsoft_app", "name": "Contoso app", "client_id": app.client_id, "client_secret": app.secret}
        form |= {"tenant_id": box.world.contoso.tenant_id, **changes}
        answer = alice.client.post(f"/setup/{draft.id}/credential/new?type=microsoft_app", data=form)
        assert answer.location == f"/setup/{draft.id}/credential", answer.text
        return look(alice, draft, session, asked=asked)

    return save


def look(alice, draft, session, *, asked=True) -> str:
    for credential in session.scalars(select(Credential)) if asked else []:
        app_checks.run_check(credential.id, draft.kind)
    session.rollback()
    page: str = alice.client.get(f"/setup/{draft.id}/credential").text
    return page[page.index('id="app-answers"') :]


def states(page: str) -> list[str]:
    found = re.findall(r'<span class="status status-\w+">.*?<span>([\w ]+)</span>', page)
    return found[:4]


@pytest.mark.parametrize("kind", ["graph_client_credentials", "smtp_xoauth2"])
def test_it_says_that_everything_is_in_place(save):
    page = save()
    assert states(page) == ["Yes"] * 4
    assert "Everything is in place at Microsoft." in page


def test_it_asks_live_and_holds_nobody_up(alice, draft, save):
    page = save(asked=False)
    assert states(page) == ["Working"] * 4
    assert 'hx-trigger="load delay:1s"' in page
    assert "See what it answered" in page
    assert alice.client.get(f"/setup/{draft.id}/sender").status_code == 200


def test_it_says_so_when_no_worker_came(alice, draft, save):
    save(asked=False)
    with time_machine.travel(utcnow() + timedelta(minutes=2)):
        page = alice.client.get(f"/setup/{draft.id}/credential").text
    assert "none of our workers came round to it" in page


WRONG = {
    "tenant": ({"tenant_id": "11111111-2222-4333-8444-555555555555"}, 0, "Microsoft does not know this tenant"),
    "app": ({"client_id": "11111111-2222-4333-8444-555555555555"}, 1, "Microsoft does not know this app"),
    "secret": ({"client_secret": f"wrong~{secrets.token_hex(16)}"}, 2, "Microsoft does not know this client secret"),
}


@pytest.mark.parametrize("what", WRONG)
def test_it_names_the_first_thing_that_is_wrong_and_who_acts(save, what):
    changes, place, title = WRONG[what]
    page = save(**changes)
    assert states(page) == ["Yes"] * place + ["No"] + ["Not known yet"] * (3 - place)
    assert title in page
    assert "Who can do it" in page


def test_it_says_that_consent_names_no_permission(save, consent):
    consent.roles = []
    page = save()
    assert states(page) == ["Yes"] * 3 + ["Not known yet"]
    assert "grant admin consent" in page


def test_it_says_that_a_certificate_made_here_waits_for_its_upload(alice, draft, save, session, box):
    page = save(make_certificate="true", client_secret="")
    assert states(page) == ["Yes", "Yes", "No", "Not known yet"]
    assert "is not uploaded yet" in page
    made = session.scalars(select(Credential)).one()
    box.world.add_certificate(alice.client.get(f"/credentials/{made.id}/certificate.cer").text)
    alice.client.post(f"/setup/{draft.id}/credential/check")
    assert states(look(alice, draft, session)) == ["Yes"] * 4


def test_it_knows_nothing_while_microsoft_is_away(save, box):
    box.switch("AADSTS90033", times=5)
    page = save()
    box.switch("AADSTS90033", on=False)
    assert states(page) == ["Not known yet"] * 4


def test_it_asks_again_when_the_credential_was_corrected(alice, box, draft, save, session):
    save(client_secret=f"wrong~{secrets.token_hex(16)}")
    made = session.scalars(select(Credential)).one()
    form = {"name": made.name, "revision": str(made.revision), "client_secret": box.world.app.secret}
    form |= {"tenant_id": box.world.contoso.tenant_id, "client_id": box.world.app.client_id}
    assert alice.client.post(f"/credentials/{made.id}/edit", data=form).status_code == 302
    assert states(look(alice, draft, session, asked=False)) == ["Working"] * 4
    assert states(look(alice, draft, session)) == ["Yes"] * 4


def test_it_fills_the_enterprise_apps_object_id_into_the_commands(alice, draft, save, consent):
    save()
    page = alice.client.get(f"/setup/{draft.id}/credential?type=microsoft_app").text
    assert f"-ObjectId {consent.object_id} " in page
