"""Graph as a signed-in person, against the sandbox."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from mailsetup.core.redact import Secret
from mailsetup.mail_services import hints, microsoft, registry
from mailsetup.mail_services.base import CredentialValue, FreshTokens, NullReport
from mailsetup.mail_services.errors import TransportError

KIND = registry.get("graph_delegated")


@pytest.fixture
def credential(box, cloud) -> CredentialValue:
    box.world.add_redirect_uri(cloud.redirect_uri)
    public = {
        "app": "own",
        "cloud": "global",
        "tenant_id": box.world.contoso.tenant_id,
        "client_id": box.world.app.client_id,
    }
    return CredentialValue("microsoft_grant", public, {"client_secret": Secret(box.world.app.secret)}, "1")


def form_of(page: str) -> tuple[str, dict[str, str]]:
    action = re.search(r'<form[^>]*action="([^"]*)"', page)
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    return (action[1] if action else ""), {name: value.replace("&amp;", "&") for name, value in fields.items()}


def sign_in(box, cloud, credential, address: str = "ar@contoso.com"):
    """What the browser does between leaving for Microsoft and coming back."""
    scopes = KIND.sign_in_scopes(credential.public, cloud)
    flow = microsoft.start_sign_in(cloud, credential, scopes)
    browser = requests.Session()
    answer = browser.get(flow["auth_uri"], timeout=60)
    for typed in ({"address": address, "password": box.world.mailbox(address).password}, {"answer": "accept"}):
        action, hidden = form_of(answer.text)
        target = requests.compat.urljoin(answer.url, action.replace("&amp;", "&"))
        answer = browser.post(target, data={**hidden, **typed}, allow_redirects=False, timeout=60)
        if answer.is_redirect and answer.headers["location"].startswith(cloud.base_url):
            break
        if answer.is_redirect:
            answer = browser.get(requests.compat.urljoin(answer.url, answer.headers["location"]), timeout=60)
    params = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    return microsoft.finish_sign_in(cloud, credential, flow, params)


@pytest.fixture
def service(box, cloud, credential):
    signed_in = sign_in(box, cloud, credential)
    granted = replace(credential, public={**credential.public, **signed_in.account})
    settings = KIND.clean({"from_address": "ar@contoso.com"}, platform=cloud)
    running = KIND(settings, credential=granted, platform=cloud, tokens=FreshTokens(signed_in.cache))
    yield running
    running.close()


def test_it_sends_as_the_person_who_signed_in(box, service, mail):
    assert service.deliver(mail, NullReport()).service_id
    assert box.inbox("me@example.org")[-1].signed_in == "ar@contoso.com"


def test_it_knows_who_signed_in(box, cloud, credential):
    account = sign_in(box, cloud, credential).account
    assert account["account_username"] == "ar@contoso.com"
    assert account["account_tid"] == box.world.contoso.tenant_id


def test_it_asks_the_person_to_sign_in_again_when_the_grant_is_revoked(box, service, mail):
    box.world.revoke_sessions("ar@contoso.com")
    with pytest.raises(TransportError) as refused:
        service.deliver(mail, NullReport())
    explained = hints.explain(refused.value)
    assert (refused.value.stage, explained.permanent, explained.who_acts) == ("token", True, "mailbox_user")
