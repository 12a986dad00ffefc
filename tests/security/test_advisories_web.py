"""Advisories 27 to 42: signing in through others, templates, shared stores, pages."""

from __future__ import annotations

import ast
from contextlib import nullcontext
from dataclasses import replace
from importlib.metadata import version
from typing import Any, cast

import jwt
import pytest
from rq.serializers import JSONSerializer

from mailsetup.core import queues
from mailsetup.core.issuers import Issuer
from mailsetup.core.redact import Secret
from mailsetup.mail_services import microsoft
from mailsetup.mail_services.base import Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.web.paths import local_path
from mailsetup.wizard import flows
from mailsetup.workspaces import issuers, sign_in_flows
from tests.alerts.test_letter import html, sent
from tests.api.conftest import caller, key_of
from tests.mail_services.values import session as talk_to
from tests.security import source


def newer(package: str, than: tuple[int, ...]) -> bool:
    return tuple(int(part) for part in version(package).split(".")[:3]) >= than


def test_advisory_27_state_belongs_to_the_browser(alice, charlie, session):
    """CVE-2025-68158, CVE-2026-41425 (Authlib): a cached `state` was good in any browser."""
    assert newer("authlib", (1, 6, 11))
    here = flows.Traveller(alice.user.id, alice.workspace.id, "this browser")
    for other in (replace(here, browser="another"), replace(here, user_id=charlie.user.id), replace(here, browser="")):
        flows.keep_flow(session, here, purpose=flows.SIGN_IN, state="A", kept={})
        with pytest.raises(flows.FlowRefused, match="other"):
            flows.use_flow(session, other, "A")
    for browser in ("another", ""):
        trip = sign_in_flows.begin(session, issuer_key="contoso", purpose="sign-in", browser="this browser")
        with pytest.raises(sign_in_flows.FlowRefused, match="elsewhere"):
            sign_in_flows.use(session, issuer_key="contoso", browser=browser, state=trip.state)
    assert not [place for place, call in source.calls("OAuth") if any(word.arg == "cache" for word in call.keywords)]


@pytest.mark.parametrize("said", ["https://evil.example", "https://sso.example/", None])
def test_advisory_28_metadata_belongs_to_the_issuer(said, settings, monkeypatch):
    """CVE-2026-104056 (Authlib <= 1.7.2): the metadata of one issuer was taken for another's."""
    assert newer("authlib", (1, 7, 3))
    ours = Issuer("contoso", "Contoso", "https://sso.example", "client", Secret("-"))
    places = dict.fromkeys(("authorization_endpoint", "token_endpoint", "jwks_uri"), "https://sso.example/x")
    monkeypatch.setattr(issuers, "_document", lambda *_: {**places, "issuer": said or ours.url})
    with nullcontext() if said is None else pytest.raises(issuers.IssuerRefused, match="another issuer"):
        issuers._metadata(ours, cast(Any, None))


@pytest.mark.parametrize("query", ["code=x", "code=x&state=", "error=access_denied", ""])
def test_advisory_29_answer_without_a_state(alice, query):
    """CVE-2026-81888: a callback without `state` passed, and linked an account."""
    assert alice.client.get(f"/setup/microsoft/callback?{query}").status_code == 400


def claims_of(**changes):
    tenant = "11111111-2222-3333-4444-555555555555"
    sound = {
        "aud": "client",
        "exp": 4102444800,
        "iss": f"https://login.example/{tenant}/v2.0",
        "tid": tenant,
        "oid": "o",
    }
    return {**sound, **changes}


class Application:
    """As much of an application as the check of its claims asks for."""

    tenant = "11111111-2222-3333-4444-555555555555"
    msal = type("Msal", (), {"client_id": "client"})
    talk = type(
        "Talk", (), {"failure": lambda _self, _said, code: TransportError(code, channel="x", stage="token", code=code)}
    )()


@pytest.mark.parametrize("changes", [{"oid": ""}, {"tid": ""}, {"oid": "", "email": "alice@northwind.example"}])
def test_advisory_30_an_address_is_no_identity(changes):
    """CVE-2023-3128, CVE-2024-21632: the e-mail claim of any tenant was taken for the person."""
    with pytest.raises(TransportError):
        microsoft._checked_claims(cast(Any, Application()), {"id_token_claims": claims_of(**changes)})


def test_advisory_31_token_of_another_tenant():
    """CVE-2025-55241: the tenant that issued a token was not compared."""
    other = "99999999-2222-3333-4444-555555555555"
    for changes in ({"tid": other}, {"tid": other, "iss": f"https://login.example/{other}/v2.0"}):
        with pytest.raises(TransportError):
            microsoft._checked_claims(cast(Any, Application()), {"id_token_claims": claims_of(**changes)})
    token = jwt.encode(claims_of(tid=other), "k" * 32)
    with pytest.raises(TransportError, match="tenant_mismatch"):
        microsoft._token(cast(Any, Application()), {"access_token": token})


def test_advisory_32_tenant_of_the_redirect_proves_nothing(alice):
    """Entra, admin consent: the `tenant` that comes back can be forged; without our own state it is not even read."""
    answer = alice.client.get("/setup/microsoft/callback?admin_consent=True&tenant=evil&state=A")
    assert answer.status_code == 400
    assert "evil" not in answer.text


def test_advisory_33_one_application_for_each_credential():
    """MSAL.NET #5743: under load another tenant's token came out of a shared cache."""
    made = [call for _, call in source.calls("ConfidentialClientApplication")]
    assert made
    for call in made:
        named = {word.arg: word.value for word in call.keywords}
        assert isinstance(named["token_cache"], ast.Name)
        assert isinstance(named["http_cache"], ast.Dict)


def test_advisory_34_no_template_of_a_customer_is_compiled():
    """CVE-2024-32651, CVE-2023-22621: templates typed by customers ran code."""
    compiled = [
        place for name in ("from_string", "render_template_string", "Template") for place, _ in source.calls(name)
    ]
    assert compiled == []


# Sentences of our own catalogues, filled with texts and numbers only.
OUR_OWN_TEXTS = {
    "mailsetup/core/raw_sql.py",
    "mailsetup/mail_services/webhooks.py",
    "mailsetup/mail_services/hints/words.py",
    "mailsetup/overview/summary.py",
    "mailsetup/sandbox/aadsts.py",
    "mailsetup/sandbox/graph.py",
    "mailsetup/sandbox/outlook_door.py",
    "mailsetup/sandbox/smtp_door.py",
    "mailsetup/workspaces/issuer_words.py",
}


def test_advisory_35_no_format_with_live_objects():
    """CVE-2026-84691: `str.format` on a customer's text read attributes of our objects."""
    formatted = [place for name in ("format", "format_map") for place, call in source.calls(name) if not fixed(call)]
    assert {place.partition(":")[0] for place in formatted} - OUR_OWN_TEXTS == set()


def fixed(call: ast.Call) -> bool:
    """A text written down in the source: a literal, markup of one, a name in capitals, an entry of such a table."""
    value = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    if isinstance(value, ast.Call):
        value = value.args[0] if value.args and isinstance(value.args[0], ast.Constant) else value.func
    value = value.value if isinstance(value, ast.Subscript) else value
    if isinstance(value, ast.Constant | ast.JoinedStr):
        return True
    last = value.attr if isinstance(value, ast.Attribute) else getattr(value, "id", "")
    return last.isupper()


def test_advisory_36_nothing_is_unpickled():
    """CVE-2021-33026, CVE-2019-17206, CVE-2025-69872: whoever wrote to the shared store ran code."""
    assert source.imports("pickle", "shelve", "marshal", "dill", "joblib") == []
    assert queues.queue(queues.MAIL).serializer is JSONSerializer


def test_advisory_37_late_reply_answers_nobody_else(door, smtp, mail):
    """CVE-2023-28858, CVE-2023-28859: after a broken call the next one read its answer."""
    assert newer("redis", (4, 5, 5))
    smtp.replies["MAIL"] = lambda talk: talk.server.release.wait(10) and None
    talk = talk_to(door, smtp)
    talk.open(Report())
    talk.server.timeouts = replace(talk.server.timeouts, command=0.2)
    with pytest.raises(TransportError):
        talk.deliver(mail, Report())
    assert not talk.ready


@pytest.mark.parametrize("page", ["/", "/messages", "/settings/security", "/sign-in"])
def test_advisory_38_no_cache_keeps_a_page(alice, page):
    """CVE-2023-30861, CVE-2026-27205 (Flask < 3.1.3): a cache gave one person's session to another."""
    headers = alice.client.get(page).headers
    assert headers["Cache-Control"] == "no-store"
    assert "Cookie" in headers["Vary"]
    assert newer("flask", (3, 1, 3))


@pytest.mark.parametrize("way", ["/\\evil.example", "\\\\evil.example", "//evil.example", "https:evil"])
def test_advisory_39_way_back_stays_here(way):
    """CVE-2021-32618, CVE-2023-49438: `next=` with backslashes left the site."""
    assert local_path(way) == "/"


HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_advisory_40_mail_is_shown_as_text(alice, client, session, config):
    """CVE-2023-3082, CVE-2023-3081, CVE-2026-96768, CVE-2026-32754: mail ran scripts in the log's page."""
    body = {"to": "c@fabrikam.example", "subject": HOSTILE, "text": HOSTILE, "html": HOSTILE}
    sent_id = caller(client, key_of(session, alice))("POST", "/messages", json=body).json["id"]
    for page in ("/messages", f"/messages/{sent_id}", f"/messages/{sent_id}/content"):
        answer = alice.client.get(page)
        assert (answer.status_code, HOSTILE in answer.text) == (200, False)
    assert "<iframe" in answer.text
    assert "sandbox referrerpolicy" in answer.text


def test_advisory_41_alert_mails_quote_and_trust_no_header(alice, session):
    """CVE-2026-107393: a forged header put HTML into the mail to the admins."""
    mail = sent(title=HOSTILE, subject_label=HOSTILE)
    assert "<script>" not in html(mail)
    answer = alice.client.post(
        "/members/invite",
        data={"email": "d@northwind.example", "role": "member"},
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )
    assert "evil.example/invitations" not in answer.text


def test_advisory_42_nothing_of_a_request_goes_on():
    """CVE-2022-31130: the person's own tokens were passed on to the service behind."""
    towards = ("mailsetup/mail_services", "mailsetup/core/egress", "mailsetup/outbox/de", "mailsetup/outbound/connect")
    sending = [(path, tree) for path, tree in source.trees() if path.startswith(towards)]
    assert len(sending) > 20
    assert [path for path, tree in sending if knows_requests(tree)] == []


def knows_requests(tree: ast.Module) -> bool:
    """Whether the module could reach what a browser sent."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "flask"]
    return any(alias.name in {"request", "session", "g"} for node in found for alias in node.names)
