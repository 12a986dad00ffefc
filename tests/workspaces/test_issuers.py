"""Signing in elsewhere: whose word is taken, whose is not, and what an account elsewhere opens."""

import time
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select, update

from mailsetup.core.clock import utcnow
from mailsetup.core.issuers import Issuer as Configured
from mailsetup.core.redact import Secret
from mailsetup.workspaces import issuers, second_factor, sessions
from mailsetup.workspaces.invitations import invite
from mailsetup.workspaces.models import AuditEvent, Identity, SecondFactor, SignInFlow, User, UserSession
from mailsetup.workspaces.sign_in import find_user
from tests.factories import PASSWORD
from tests.fakes.certificates import Authority
from tests.fakes.http_server import Answer
from tests.fakes.issuer import CLIENT, DIRECTORY, Issuer, signed_with_text

WITH = "/sign-in/with/contoso"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("issuer"))
    issuer = Issuer(authority.server())
    with issuer.server:
        yield issuer, str(authority.bundle)


@pytest.fixture
def issuer(server):
    server[0].honest()
    issuers._documents.clear()
    return server[0]


@pytest.fixture
def settings_changes(server, operator_server):
    issuer, bundle = server
    facts = (CLIENT, Secret(issuer.secret))
    found = (
        Configured("contoso", "Contoso", issuer.url, *facts),
        Configured("sure", "Contoso with two factors", issuer.url, *facts, "always"),
        Configured("microsoft", "Microsoft", f"{issuer.url}/organizations/v2.0", *facts, "amr"),
    )
    operator = Secret(f"smtp://127.0.0.1:{operator_server[1]}?tls=none")
    return {"oidc_issuers": found, "ca_bundle": bundle, "operator_smtp_url": operator}


def go(client, issuer, where=WITH, **form):
    """There and back; what the product answers then."""
    back = issuer.follow(client.post(where, data=form).text)
    return client.get(f"{'/'.join(where.split('/')[:4])}/back", query_string=back)


@pytest.fixture
def connected(alice, session, issuer):
    session.add(Identity(user_id=alice.user.id, issuer_key="contoso", issuer=issuer.url, subject="subject-1"))
    session.commit()
    return alice


def signed_in(client):
    return client.get("/members").status_code == 200


def test_it_signs_in_who_is_connected_by_issuer_and_subject(client, issuer, connected, session):
    answer = go(client, issuer, next="/audit")
    assert (answer.status_code, answer.location) == (302, "/audit")
    assert signed_in(client)
    asked = issuer.asked
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert asked["redirect_uri"] == "http://localhost/sign-in/with/contoso/back"
    last = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert (last.action, last.detail) == ("user:sign-in", {"at": "Contoso"})


def test_it_never_knows_anybody_by_their_address(client, issuer, alice, session):
    """The token names Alice's address, verified even; it is not an account of hers."""
    issuer.claims = {"email_verified": True, "preferred_username": "alice@northwind.example"}
    answer = go(client, issuer)
    assert (answer.status_code, "not connected here" in answer.text) == (403, True)
    assert session.scalars(select(Identity)).all() == []
    assert not signed_in(client)


LIES = {
    "another issuer": {"iss": "https://evil.example"},
    "another audience": {"aud": "somebody-else"},
    "others too": {"aud": [CLIENT, "somebody-else"]},
    "another audience, for us by azp": {"aud": "somebody-else", "azp": CLIENT},
    "ours, for somebody else by azp": {"azp": "somebody-else"},
    "another nonce": {"nonce": "replayed"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1},
    "no expiry": {"exp": None},
    "not yet": {"nbf": 9_999_999_999},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "no issuer": {"iss": None},
    "another access token": {"at_hash": "AAAA"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_it_believes_no_token_that_is_not_for_this_sign_in(client, issuer, connected, lie):
    issuer.claims = lie
    answer = go(client, issuer)
    assert (answer.status_code, "cannot be trusted" in answer.text) == (400, True)
    assert not signed_in(client)


def unsigned(issuer):
    return lambda claims: jwt.encode(claims, "", algorithm="none")


def with_the_public_key(issuer):
    """The confusion of a public key with a shared secret (RFC 8725 section 2.1)."""
    public = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return lambda claims: signed_with_text(claims, public)


def with_the_client_secret(issuer):
    return lambda claims: signed_with_text(claims, issuer.secret.encode())


def with_another_key(issuer):
    key = rsa.generate_private_key(65537, 2048)
    return lambda claims: jwt.encode(claims, key, algorithm="RS256", headers={"kid": "key-1"})


def with_an_unknown_key(issuer):
    return lambda claims: issuer.signed(claims, kid="key-2")


def no_token(issuer):
    return lambda claims: ""


@pytest.mark.parametrize(
    "sign",
    [unsigned, with_the_public_key, with_the_client_secret, with_another_key, with_an_unknown_key, no_token],
)
def test_it_believes_no_signature_but_the_issuers(client, issuer, connected, sign):
    issuer.sign = sign(issuer)
    answer = go(client, issuer)
    assert (answer.status_code, "cannot be trusted" in answer.text) == (400, True)
    assert not signed_in(client)


def at_microsoft(issuer, **claims):
    directory = {"tid": DIRECTORY, "iss": f"{issuer.url}/{DIRECTORY}/v2.0"}
    issuer.claims = {**directory, **claims}


@pytest.fixture
def microsoft(alice, session, issuer):
    at_microsoft(issuer)
    values = {"issuer": f"{issuer.url}/{DIRECTORY}/v2.0", "subject": "subject-1"}
    session.add(Identity(user_id=alice.user.id, issuer_key="microsoft", **values))
    session.commit()
    return issuer


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 302),
        ({"tid": "99999999-2222-3333-4444-555555555555"}, 400),
        ({"tid": None}, 400),
        ({"tid": "{tenantid}", "iss": "template"}, 400),
        ({"tid": issuers.PERSONAL_DIRECTORY}, 403),
    ],
    ids=["right", "of another directory", "of none", "the template itself", "a personal account"],
)
def test_it_takes_microsofts_word_for_the_directory_of_the_token_only(client, microsoft, claims, status):
    at_microsoft(microsoft, **claims)
    assert go(client, microsoft, "/sign-in/with/microsoft").status_code == status
    assert signed_in(client) == (status == 302)


def test_it_takes_an_answer_once_and_in_the_browser_that_asked(client, app, issuer, connected, session):
    back = issuer.follow(client.post(WITH).text)
    thief = app.test_client()
    thief.post(WITH)
    assert thief.get(f"{WITH}/back", query_string=back).status_code == 400
    assert client.get(f"{WITH}/back", query_string=back).status_code == 400  # whoever brought it has used it up
    assert go(client, issuer).status_code == 302
    for state in (back["state"], "", "forged"):
        assert client.get(f"{WITH}/back", query_string={**back, "state": state}).status_code == 400
    assert session.scalars(select(SignInFlow.state_hash)).all() != [back["state"]]


def test_it_takes_no_answer_of_another_issuer_or_after_ten_minutes(client, issuer, connected, session):
    back = issuer.follow(client.post(WITH).text)
    assert client.get("/sign-in/with/sure/back", query_string=back).status_code == 400
    back = issuer.follow(client.post(WITH).text)
    assert client.get(f"{WITH}/back", query_string={**back, "iss": "https://evil.example"}).status_code == 400
    back = issuer.follow(client.post(WITH).text)
    session.execute(update(SignInFlow).values(expires_at=utcnow() - timedelta(seconds=1)))
    assert client.get(f"{WITH}/back", query_string=back).status_code == 400
    assert not signed_in(client)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://localhost/token"},
        {"jwks_uri": None},
    ],
)
def test_it_leaves_for_nobody_whose_document_is_not_their_own(client, issuer, document):
    issuer.document = document
    answer = client.post(WITH)
    assert (answer.status_code, "cannot be trusted" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer.json({"error": "invalid_client"}, 401), "renew its client secret"),
        (Answer.json({"error": "invalid_grant"}, 400), "cannot be trusted"),
        (Answer(503, b"down"), "does not answer"),
        (Answer(200, b"<html>"), "does not answer"),
        (Answer(302, b"", {"Location": "http://169.254.169.254/"}), "does not answer"),
        (Answer(hang_up=True), "does not answer"),
        (Answer(200, b'{"a": "' + b"a" * 400_000 + b'"}'), "does not answer"),
    ],
    ids=["client", "grant", "away", "a page", "a redirect", "hung up", "too large"],
)
def test_it_says_who_acts_when_the_issuer_fails(client, issuer, connected, answer, words):
    issuer.token = answer
    assert words in go(client, issuer).text


def test_it_quotes_why_the_issuer_declined(client, issuer):
    back = {**issuer.follow(client.post(WITH).text), "error": "access_denied", "error_description": "<b>no</b>"}
    page = client.get(f"{WITH}/back", query_string=back)
    assert (page.status_code, "&lt;b&gt;no&lt;/b&gt;" in page.text) == (400, True)


def invited(session, alice, email="dora@contoso.example"):
    _, token = invite(session, by=alice.member, email=email, role="member")
    session.commit()
    return token.reveal()


def test_it_makes_an_account_without_a_password_for_who_is_invited(client, app, issuer, alice, session):
    token = invited(session, alice)
    assert "Join with Contoso" in client.get(f"/invitations/{token}").text
    assert go(client, issuer, invitation=token).location == "/"
    assert signed_in(client)
    dora = find_user(session, "dora@contoso.example")
    assert dora is not None
    assert (dora.name, dora.password_hash) == ("Dora Contoso", "")
    for password in ("", " ", "None"):
        form = {"email": dora.email, "password": password}
        assert app.test_client().post("/sign-in", data=form).status_code == 422
    assert client.post("/sign-in/again", data={"password": ""}).status_code == 422


def test_it_takes_over_no_account_by_an_invitation(client, issuer, alice, bob, session):
    session.delete(bob.member)
    token = invited(session, alice, email=bob.user.email)
    answer = go(client, issuer, invitation=token)
    assert (answer.status_code, "There is an account with the address" in answer.text) == (409, True)
    assert session.scalars(select(Identity)).all() == []
    assert session.scalars(select(User)).all().__len__() == 2


def test_it_makes_no_operators_account(client, issuer, alice, session):
    assert go(client, issuer, invitation=invited(session, alice, "olivia@mailsetup.example")).status_code == 403
    assert find_user(session, "olivia@mailsetup.example") is None


def test_it_connects_an_account_of_who_just_proved_themselves(client, issuer, alice, letters_sent, session):
    answer = go(alice.client, issuer, f"{WITH}/connect")
    assert answer.location == "/settings/security"
    assert "Contoso" in alice.client.get("/settings/security").text
    assert letters_sent()[0]["Subject"] == "An account elsewhere signs you in now"
    assert "user:connect-account" in session.scalars(select(AuditEvent.action)).all()
    assert go(client, issuer).location == "/"


def test_it_connects_nothing_without_a_fresh_login_or_for_two_people(issuer, connected, bob, charlie, session):
    assert go(charlie.client, issuer, f"{WITH}/connect").status_code == 409
    issuer.claims = {"sub": "subject-2"}
    back = issuer.follow(bob.client.post(f"{WITH}/connect").text)
    session.execute(update(UserSession).values(proved_at=utcnow() - sessions.PROOF_LASTS))
    assert bob.client.get(f"{WITH}/back", query_string=back).status_code == 400
    assert bob.client.post(f"{WITH}/connect").location.startswith("/sign-in/again")
    assert len(session.scalars(select(Identity)).all()) == 1


def test_it_disconnects_and_keeps_the_only_way_in(app, issuer, connected, letters_sent, session):
    mine = session.scalars(select(Identity)).one()
    where = f"/settings/security/accounts/{mine.id}/disconnect"
    session.execute(update(User).values(password_hash=""))
    answer = connected.client.post(where)
    assert (answer.status_code, "only way to sign in" in answer.text) == (422, True)
    new = {"new_password": "quiet harbour lamp 47"}
    assert connected.client.post("/settings/security/password", data=new).status_code == 302
    assert connected.client.post(where).status_code == 302
    assert letters_sent()[0]["Subject"] == "An account elsewhere no longer signs you in"
    assert session.scalars(select(Identity)).all() == []


def late(session):
    session.execute(update(UserSession).values(proved_at=utcnow() - sessions.PROOF_LASTS))


@pytest.mark.parametrize(
    ("claims", "status"),
    [({}, 302), ({"auth_time": None}, 403), ({"auth_time": int(time.time()) - 600}, 403), ({"auth_time": True}, 403),
     ({"sub": "subject-2"}, 403)],
    ids=["now", "not said", "long ago", "no time", "somebody else"],
)  # fmt: skip
def test_it_proves_it_again_by_who_signed_in_just_now(issuer, connected, session, claims, status):
    late(session)
    assert "Prove it with Contoso" in connected.client.get("/sign-in/again").text
    issuer.claims = claims
    answer = go(connected.client, issuer, f"{WITH}/again", next="/api-keys/new")
    assert answer.status_code == status
    assert (issuer.asked["prompt"], issuer.asked["max_age"]) == ("login", "0")
    assert (connected.client.get("/api-keys/new").status_code == 200) == (status == 302)


def test_it_counts_an_old_sign_in_elsewhere_as_old(client, issuer, connected):
    issuer.claims = {"auth_time": int(time.time()) - 7200}
    go(client, issuer)
    assert signed_in(client)
    assert client.get("/api-keys/new").location.startswith("/sign-in/again")


def with_factor(session, person):
    second_factor.begin(session, person.user)
    session.execute(update(SecondFactor).values(confirmed_at=utcnow()))
    session.commit()


def test_it_still_asks_for_our_second_factor_unless_the_operator_counts_theirs(client, issuer, connected, session):
    with_factor(session, connected)
    assert go(client, issuer).location == "/sign-in/code"
    assert not signed_in(client)
    assert go(client, issuer, "/sign-in/with/sure").location == "/"
    assert session.scalars(select(UserSession.strong).order_by(UserSession.id.desc())).first()


@pytest.mark.parametrize(
    ("methods", "strong"), [(["pwd", "mfa"], True), (["pwd"], False), (None, False), ("mfa", False)]
)
def test_it_counts_two_factors_when_the_token_says_so(client, microsoft, session, methods, strong):
    at_microsoft(microsoft, amr=methods)
    go(client, microsoft, "/sign-in/with/microsoft")
    found = session.scalars(select(UserSession).order_by(UserSession.id.desc())).first()
    assert (found.strong if signed_in(client) else False) == strong


def test_it_wants_our_code_before_leaving_to_prove_it(issuer, connected, session):
    with_factor(session, connected)
    late(session)
    session.execute(update(User).values(password_hash=""))
    page = connected.client.post(f"{WITH}/again", data={"code": "000000"})
    assert (page.status_code, "This code is not right" in page.text) == (422, True)
    assert session.scalars(select(SignInFlow)).all() == []


def test_it_shows_no_button_where_no_issuer_is_configured(client, settings, monkeypatch):
    assert "Continue with Contoso" in client.get("/sign-in").text
    monkeypatch.setattr(issuers, "all_issuers", lambda: ())
    assert client.post(WITH).status_code == 404


def test_it_signs_nobody_in_whose_password_form_is_empty(client, connected, session):
    session.execute(update(User).values(password_hash=""))
    form = {"email": "alice@northwind.example", "password": PASSWORD}
    assert client.post("/sign-in", data=form).status_code == 422


def test_it_counts_an_old_sign_in_elsewhere_as_old_with_our_code_too(client, issuer, connected, session, monkeypatch):
    with_factor(session, connected)
    issuer.claims = {"auth_time": int(time.time()) - 7200}
    go(client, issuer)
    monkeypatch.setattr(second_factor, "check", lambda *_: second_factor.APP)
    assert client.post("/sign-in/code", data={"code": "123456"}).location == "/"
    assert client.get("/api-keys/new").location.startswith("/sign-in/again")
