"""Advisories 17 to 26: where comparable products let secrets out, or let strangers in."""

from __future__ import annotations

import base64
import secrets
import uuid
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import select

from mailsetup.core import logs
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import NotFound
from mailsetup.core.redact import Secret, scrub
from mailsetup.mail_services.errors import TransportError
from mailsetup.workspaces.invitations import find_by_token
from mailsetup.workspaces.models import AuditEvent, Invitation, User
from tests import factories
from tests.api.conftest import caller, key_of

FAR = utcnow() + timedelta(days=1)
MAIL = {"to": "customer@fabrikam.example", "subject": "Reset", "text": "https://shop.example/reset/abc"}


def login_fails(secret: Secret) -> None:
    password = secret.reveal()
    if password:
        raise TransportError("535 no", channel="smtp", stage="authenticate", code="535")


def test_advisory_17_stack_traces_without_values(capsys):
    """GHSA-7wcq-2qmv-mvcm: a stored stack trace showed the password."""
    logs.configure()
    password = secrets.token_hex(16)
    try:
        login_fails(Secret(password))
    except TransportError as raised:
        structlog.get_logger().error("login_failed", exc_info=raised)
    written = capsys.readouterr().err
    assert "login_failed" in written
    assert password not in written


@pytest.mark.parametrize("form", ["plain", "base64", "auth plain"])
def test_advisory_18_server_echoes_the_login(form):
    """Own finding: a server repeats what was sent to it, and the exception carries it."""
    password = secrets.token_urlsafe(18)
    blob = {
        "plain": password,
        "base64": base64.b64encode(password.encode()).decode(),
        "auth plain": base64.b64encode(f"\0user\0{password}".encode()).decode(),
    }[form]
    known = [Secret(password), Secret(f"\0user\0{password}")]
    assert blob not in scrub(f"535 5.7.8 bad: {blob}", known)


def test_advisory_19_secrets_in_messages_of_errors():
    """GHSA-vrv8-j27g-g7cr, CVE-2026-84499: decrypted secrets in saved errors and validation messages."""
    value = secrets.token_hex(16)
    hidden = Secret(value)
    for text in (str(hidden), repr(hidden), f"{hidden}", repr({"password": hidden}), str(ValueError(hidden))):
        assert value not in text


def test_advisory_20_no_secret_in_a_form(alice, session):
    """GHSA-5c4v-vh95-c67c: the stored password was sent into the settings form."""
    password = secrets.token_urlsafe(18)
    raw = {"username": "mailer", "password": password}
    credential = factories.make_credential(session, alice.workspace, raw=raw)
    for page in ("", "/edit"):
        answer = alice.client.get(f"/credentials/{credential.id}{page}")
        assert answer.status_code == 200
        assert password not in answer.text


def test_advisory_21_tokens_in_logs_and_addresses(capsys):
    """CVE-2024-51753, Nhost: refresh tokens in a debug log, and in the address of a redirect."""
    logs.configure()
    token = f"eyJ{secrets.token_hex(20)}.{secrets.token_hex(20)}.{secrets.token_hex(20)}"
    structlog.get_logger().info("token_refreshed", said=f"Authorization: Bearer {token}")
    assert token not in capsys.readouterr().err


def test_advisory_22_mail_bodies_are_for_admins_and_each_look_is_noted(alice, ada, bob, client, session, config):
    """CVE-2020-35234, CVE-2025-11833: reset links could be read in the log of mails."""
    sent = caller(client, key_of(session, alice))("POST", "/messages", json=MAIL).json["id"]
    refused = bob.client.get(f"/messages/{sent}/content")
    assert (refused.status_code, "reset/abc" in refused.text) == (403, False)
    assert "reset/abc" in ada.client.get(f"/messages/{sent}/content").text
    assert list(session.scalars(select(AuditEvent.actor_label).where(AuditEvent.action == "message:view"))) == [
        ada.user.email
    ]


@pytest.mark.parametrize("page", ["/messages", "/credentials", "/audit", "/alerts"])
def test_advisory_23_filters_are_on_a_list(alice, charlie, session, page):
    """CVE-2026-84713: filtering by hidden fields told other tenants' secrets letter by letter."""
    theirs = factories.make_config(session, charlie.workspace, name="Fabrikam secret")
    factories.make_message(session, theirs)
    factories.make_credential(session, charlie.workspace, name="Fabrikam secret")
    session.commit()
    plain = alice.client.get(page)
    for query in ("sort=sealed", "sort=workspace_id", f"setup={theirs.id}", "versions.sealed__startswith=v1"):
        answer = alice.client.get(f"{page}?{query}")
        assert answer.status_code == plain.status_code
        assert "Fabrikam" not in answer.text


def test_advisory_24_foreign_credential_is_of_no_use(alice, charlie, session):
    """CVE-2026-54305, CVE-2026-54307, GHSA-4r56-g65c-fm83: a credential of others was used without a right to it."""
    login = factories.make_credential(session, alice.workspace)
    charlie.client.post("/setup/new", data={"kind": "smtp_basic"})
    draft = charlie.client.get("/setup").text.split("/setup/")[1].split('"')[0].split("/")[0]
    answer = charlie.client.post(f"/setup/{draft}/credential", data={"credential_id": login.id})
    assert answer.status_code in {404, 422}
    assert login.name not in answer.text


@pytest.mark.parametrize("field", ["email", "id", "password_hash", "second_factor_at"])
def test_advisory_25_fields_that_no_form_has(alice, session, field):
    """CVE-2026-40569: fields that the form did not show were written all the same."""
    before = str(getattr(alice.user, field, ""))
    form = {"name": "Alice", "locale": "", "timezone": "", field: "evil@evil.example"}
    assert alice.client.post("/settings/person", data=form).status_code == 302
    session.expire_all()
    assert str(getattr(session.get(User, alice.user.id), field, "")) == before


def test_advisory_26_empty_hash_matches_nothing(alice, client, session):
    """CVE-2026-53595: an invitation without a hash was matched by an empty token."""
    row = Invitation(workspace_id=alice.workspace.id, email="x@y.example", role="owner", token_hash="", expires_at=FAR)
    session.add(row)
    session.commit()
    for token in ("", " ", "A", str(uuid.uuid4())):
        with pytest.raises(NotFound):
            find_by_token(session, token)
