"""Fourteen ways in which Microsoft says no: each ends in one sentence of its own, the same on page, alert and API."""

from __future__ import annotations

import html
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from mailsetup.alerts.models import Alert
from mailsetup.diagnosis.jobs import run_test
from mailsetup.mail_services import hints
from mailsetup.mail_services.base import Mail, NullReport
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints.words import WHO
from mailsetup.outbound import health
from mailsetup.outbound.connect import connect_config
from mailsetup.outbound.models import BROKEN
from mailsetup.sandbox.people import App
from mailsetup.wizard import drafts
from tests.api.conftest import call
from tests.outbound.microsoft_fixtures import settings_changes
from tests.outbound.microsoft_world import make_app_credential, make_grant, make_setup, new_mailbox

__all__ = ["call", "settings_changes"]
MAIL = Mail(
    "ar@contoso.com",
    ("me@example.org",),
    b"From: ar@contoso.com\r\nTo: me@example.org\r\n\r\nHello\r\n",
    "<1@mailsetup>",
)
ADMIN, OWNER, US = "microsoft_admin", "mailbox_user", "workspace_admin"
APP, PERSON = "graph_client_credentials", "graph_delegated"
# What is wrong, for which kind, which cause it ends in, and who can act.
CASES = {
    "wrong secret": (APP, "client_secret_wrong", ADMIN),
    "expired secret": (APP, "client_secret_expired", ADMIN),
    "wrong tenant": (APP, "tenant_not_found", US),
    "wrong cloud": (APP, "wrong_cloud", US),
    "missing consent": (APP, "app_not_in_tenant", ADMIN),
    "missing role": (APP, "graph_access_denied", ADMIN),
    "app limited to others": (APP, "app_limited_to_other_mailboxes", ADMIN),
    "blocked sign-in": (PERSON, "account_disabled", ADMIN),
    "MFA demanded": (PERSON, "mfa_needed", OWNER),
    "revoked grant": (PERSON, "grant_revoked", OWNER),
    "deleted app": (APP, "app_not_found", ADMIN),
    "disabled mailbox": (APP, "mailbox_missing", ADMIN),
    "unlicensed mailbox": (APP, "mailbox_without_licence", ADMIN),
    "foreign tid": (APP, "tenant_mismatch", US),
}
SWITCHES = {
    "wrong cloud": "AADSTS90038",
    "MFA demanded": "AADSTS50076",
    "disabled mailbox": "graph:MailboxNotEnabledForRESTAPI",
    "unlicensed mailbox": "graph:ErrorInvalidLicense",
}


@pytest.fixture
def own_app(box) -> App:
    """An app that no other test uses, with its consent."""
    made: App = replace(box.world.app, client_id=str(uuid.uuid4()), name="Outbound mail")
    box.world.apps.append(made)
    box.world.grant_consent(made.client_id, box.world.contoso.tenant_id)
    return made


@contextmanager
def broken(box, case: str, mailbox, app: App) -> Iterator[None]:
    """The world of Microsoft with this one fault in it."""
    world = box.world
    if case in SWITCHES:
        box.switch(SWITCHES[case])
    faults: dict[str, Any] = {
        "expired secret": lambda: world.expire_secret(app.client_id),
        "missing consent": lambda: world.consents.remove(world.consent(app.client_id, world.contoso.tenant_id)),
        "missing role": world.consent(app.client_id, world.contoso.tenant_id).roles.clear,
        "app limited to others": lambda: world.limit_app_to(["admin@contoso.com"], app.client_id),
        "blocked sign-in": lambda: world.change_mailbox(mailbox.address, blocked=True),
        "revoked grant": lambda: world.revoke_sessions(mailbox.address),
        "deleted app": lambda: world.delete_app(app.client_id),
        "foreign tid": lambda: world.change_organisation("contoso.com", answers_for=str(uuid.uuid4())),
    }
    faults.get(case, lambda: None)()
    try:
        yield
    finally:
        world.change_organisation("contoso.com", answers_for="")
        for name in SWITCHES.values():
            box.switch(name, on=False)


def setup_of(session, alice, box, case, mailbox, app):
    kind = CASES[case][0]
    if kind == PERSON:
        return make_setup(session, make_grant(session, alice.workspace, mailbox), mailbox.address)
    changes = {"client_id": app.client_id, "client_secret": app.secret}
    if case == "wrong secret":
        changes["client_secret"] = f"{app.secret[:-6]}AAAAAA"
    if case == "wrong tenant":
        changes["tenant_id"] = str(uuid.uuid4())
    credential = make_app_credential(session, alice.workspace, box, **changes)
    return make_setup(session, credential, mailbox.address, kind)


def outcome(call, config) -> dict[str, Any]:
    """What the API says of a test of the setup."""
    run = call("POST", f"/outbound/{config.id}/tests", json={"recipient": "me@fabrikam.example"}).get_json()
    run_test(run["id"])
    found: dict[str, Any] = call("GET", f"/tests/{run['id']}").get_json()
    return found


def in_the_wizard(session, alice, config, run) -> uuid.UUID:
    """A draft that changes the setup, with this test of it."""
    draft = drafts.draft_of_config(session, config, alice.user)
    draft.test_run_id = uuid.UUID(run["id"])
    session.commit()
    return draft.id


def alert_about(session, config) -> Alert:
    """What a mail that meets the fault leaves behind."""
    service = connect_config(session, config, fresh=True)
    session.commit()
    with pytest.raises(TransportError) as failed:
        service.deliver(MAIL, NullReport())
    service.close()
    health.backend_failed(session, config, failed.value)
    session.commit()
    found: Alert = session.scalars(select(Alert)).one()
    return found


@pytest.mark.parametrize("case", CASES)
def test_it_says_the_same_on_page_alert_and_api(alice, session, box, own_app, call, case):
    mailbox = new_mailbox(box)
    config = setup_of(session, alice, box, case, mailbox, own_app)
    _kind, cause, who = CASES[case]
    with broken(box, case, mailbox, own_app):
        run = outcome(call, config)
        alert = alert_about(session, config)
    said = run["explanation"]
    assert (run["state"], said["cause"], said["who"]) == ("failed", cause, WHO[who])
    wizard = f"/setup/{in_the_wizard(session, alice, config, run)}/test"
    for page in (wizard, f"/tests/{run['id']}", f"/alerts/{alert.id}", f"/outbound/{config.id}"):
        text = html.unescape(alice.client.get(page).text)
        assert (said["title"] in text, said["who"] in text) == (True, True), page
    text = re.sub(r"<[^>]+>", "", html.unescape(alice.client.get(wizard).text))
    assert [step for step in said["steps"] if step.partition("http")[0] not in text] == []
    assert alert.explanation["steps"] == said["steps"] != []
    assert config.health == BROKEN


def test_it_has_a_cause_of_its_own_for_each():
    found = [hints.CAUSES[cause] for _kind, cause, _who in CASES.values()]
    for words in ({cause.slug for cause in found}, {cause.title for cause in found}, {cause.steps for cause in found}):
        assert len(words) == len(CASES) == 14
