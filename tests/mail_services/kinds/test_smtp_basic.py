"""SMTP with user name and password, against the sandbox's mail servers."""

from __future__ import annotations

import pytest

from mailsetup.core.redact import Secret
from mailsetup.mail_services import hints, registry
from mailsetup.mail_services.base import CredentialValue, FreshTokens, NullReport
from mailsetup.mail_services.errors import TransportError
from tests.mail_services.values import Heard

KIND = registry.get("smtp_basic")


@pytest.fixture
def deliver(box, cloud, mail):
    def through(door: tuple[str, int], tls: str, *, login: bool = True, password: str = "", report=None):
        account = box.world.service_account
        secret = {"password": Secret(password or account.password)}
        given = CredentialValue("smtp_login", {"username": account.address}, secret, "1") if login else None
        raw = {"host": door[0], "port": str(door[1]), "tls": tls, "from_address": "ar@contoso.com"}
        settings = KIND.clean(raw, platform=cloud)
        service = KIND(settings, credential=given, platform=cloud, tokens=FreshTokens())
        try:
            return service.deliver(mail, report or NullReport())
        finally:
            service.close()

    return through


def test_it_sends_through_starttls(box, deliver):
    deliver(box.smtp_starttls, "starttls")
    assert box.inbox("me@example.org")[-1].door == "SMTP STARTTLS"


def test_it_sends_through_tls_from_the_first_byte(box, deliver):
    deliver(box.smtp_tls, "implicit")
    assert box.inbox("me@example.org")[-1].door == "SMTP TLS"


def test_it_sends_in_the_clear_and_without_login_only_when_told_to(box, deliver):
    heard = Heard()
    deliver(box.smtp_plain, "none", login=False, report=heard)
    assert box.inbox("me@example.org")[-1].door == "SMTP plain"


def test_it_names_the_wrong_tls_mode_both_ways(box, deliver):
    for door, tls in ((box.smtp_tls, "starttls"), (box.smtp_starttls, "implicit")):
        with pytest.raises(TransportError) as refused:
            deliver(door, tls)
        assert refused.value.stage in {"connect", "tls"}
        assert hints.explain(refused.value).who_acts == "workspace_admin", hints.explain(refused.value)


def test_it_never_shows_the_password_it_was_refused_for(box, deliver):
    with pytest.raises(TransportError) as refused:
        deliver(box.smtp_starttls, "starttls", password="a-password-nobody-gave")
    assert refused.value.stage == "authenticate"
    assert "a-password-nobody-gave" not in f"{refused.value.raw} {hints.explain(refused.value)}"
