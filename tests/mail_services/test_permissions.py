"""What a token names, judged."""

import pytest

from mailsetup.mail_services import permissions

SEND, SMTP = "Mail.Send", "SMTP.SendAsApp"


@pytest.mark.parametrize(
    ("wanted", "granted", "app_only", "state"),
    [
        (SEND, [SEND], True, permissions.TENANT_WIDE),
        (SEND, [SEND, "User.Read"], True, permissions.TENANT_WIDE),
        (SEND, [SEND, SMTP], True, permissions.TENANT_WIDE),
        (SEND, [], True, permissions.LIMITED),
        (SEND, ["User.Read"], True, permissions.LIMITED),
        (SEND, [SMTP], True, permissions.MISSING),
        (SEND, [SEND, "Mail.ReadWrite"], True, permissions.TOO_MUCH),
        (SEND, ["full_access_as_app"], True, permissions.TOO_MUCH),
        (SMTP, [SMTP], True, permissions.TENANT_WIDE),
        (SEND, ["https://graph.microsoft.com/Mail.Send", "openid", "profile"], False, permissions.ENOUGH),
        (SEND, ["openid"], False, permissions.MISSING),
        (SEND, [SEND, "Files.Read.All"], False, permissions.TOO_MUCH),
    ],
)
def test_it_judges_what_is_named(wanted, granted, app_only, state):
    assert permissions.audit(wanted, granted, app_only=app_only).state == state


def test_it_counts_what_the_settings_need():
    assert permissions.audit(SEND, [SEND, "Mail.ReadWrite"], more=("Mail.ReadWrite",)).state == permissions.TENANT_WIDE


def test_it_names_what_is_too_much_and_what_to_do():
    found = permissions.audit(SEND, [SEND, "Mail.ReadWrite", "Directory.Read.All"])
    assert found.extra == ("Directory.Read.All", "Mail.ReadWrite")
    assert "remove Directory.Read.All, Mail.ReadWrite" in found.advice
    assert not found.good
