"""SMTP to Exchange Online with a token, against the sandbox."""

from __future__ import annotations

import pytest

from mailsetup.core.redact import Secret
from mailsetup.mail_services import hints, registry
from mailsetup.mail_services.base import CredentialValue, FreshTokens, NullReport
from mailsetup.mail_services.errors import TransportError

KIND = registry.get("smtp_xoauth2")


@pytest.fixture
def deliver(box, cloud, mail):
    def through(mailbox: str = "ar@contoso.com"):
        public = {"tenant_id": box.world.contoso.tenant_id, "client_id": box.world.app.client_id, "cloud": "global"}
        secret = {"client_secret": Secret(box.world.app.secret)}
        settings = KIND.clean({"from_address": "ar@contoso.com", "username": mailbox}, platform=cloud)
        credential = CredentialValue("microsoft_app", public, secret, "1")
        service = KIND(settings, credential=credential, platform=cloud, tokens=FreshTokens())
        try:
            return service.deliver(mail, NullReport())
        finally:
            service.close()

    return through


def test_it_sends_as_the_app(box, deliver):
    deliver()
    assert box.inbox("me@example.org")[-1].door == "Outlook SMTP"


def test_it_explains_smtp_sign_in_switched_off_for_the_mailbox(box, deliver):
    box.world.change_mailbox("ar@contoso.com", smtp_auth=False)
    try:
        with pytest.raises(TransportError) as refused:
            deliver()
    finally:
        box.world.change_mailbox("ar@contoso.com", smtp_auth=True)
    explained = hints.explain(refused.value)
    assert (refused.value.stage, explained.who_acts) == ("authenticate", "microsoft_admin")
    assert any("SmtpClientAuthenticationDisabled" in step or "Authenticated SMTP" in step for step in explained.steps)


def test_it_refuses_to_send_as_somebody_else(box, deliver):
    with pytest.raises(TransportError) as refused:
        deliver("admin@contoso.com")
    assert refused.value.stage == "sender"
    assert refused.value.code.startswith("550 5.7.60")
