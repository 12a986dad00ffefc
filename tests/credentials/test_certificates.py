"""Certificates as they are uploaded: taken in memory, checked, sealed, and refused in words that help."""

from __future__ import annotations

import io
import secrets
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import select

from mailsetup.core.clock import utcnow
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from tests.fakes.certificates import key_pem, pair, pem_of, pfx_of

GUID = "11111111-2222-3333-4444-555555555555"


@pytest.fixture(scope="module")
def good():
    return pair()


def upload(person, content, **changes):
    form = {
        "type": "microsoft_app",
        "name": "Contoso app",
        "cloud": "global",
        "tenant_id": GUID,
        "client_id": GUID,
        "certificate": (io.BytesIO(content), "mail.pfx"),
    }
    return person.client.post("/credentials/new", data={**form, **changes})


def refusal(page):
    assert page.status_code == 422
    return page.text.split('id="f-certificate-error"')[1][:600]


def test_it_takes_pem_and_pfx_and_seals_the_key(alice, session, good):
    password = secrets.token_urlsafe(8)
    for name, content, passphrase in (
        ("PEM", pem_of(*good), ""),
        ("PFX", pfx_of(good[0], good[1], password.encode()), password),
    ):
        assert upload(alice, content, name=name, passphrase=passphrase).status_code == 302
        credential = session.scalar(select(Credential).where(Credential.name == name))
        value = vault.credential_value(session, credential)
        assert "BEGIN PRIVATE KEY" in value.secrets["private_key"].reveal()
        assert password not in str({key: secret.reveal() for key, secret in value.secrets.items()})


def test_it_shows_thumbprint_and_end_and_never_the_key(alice, session, good):
    upload(alice, pem_of(*good))
    credential = session.scalar(select(Credential))
    page = alice.client.get(f"/credentials/{credential.id}").text
    end = utcnow().date() + timedelta(days=90)
    assert vault.public_facts(session, credential)["thumbprint"] in page
    assert end.strftime("%m/%d/%Y") in page
    assert "PRIVATE KEY" not in page
    edit = alice.client.get(f"/credentials/{credential.id}/edit").text
    assert "Leave blank to keep it" in edit
    assert "PRIVATE KEY" not in edit


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda good: b"not a certificate", "not a PFX or PEM file"),
        (lambda good: pem_of(*pair(start=-90, days=-1)), "expired on"),
        (lambda good: pem_of(*pair(start=5)), "valid only from"),
        (lambda good: key_pem(pair()[0]) + pem_of(*good)[len(key_pem(good[0])) :], "does not belong"),
        (lambda good: pem_of(*good)[len(key_pem(good[0])) :], "only the certificate"),
        (lambda good: pfx_of(good[0], good[1], b"right-word"), "password is wrong"),
    ],
    ids=["garbage", "expired", "not yet valid", "another key", "no key", "no password"],
)
def test_it_refuses_in_words_that_help(alice, session, good, content, words):
    assert words in refusal(upload(alice, content(good)))
    assert session.scalar(select(Credential)) is None


def test_it_refuses_a_wrong_password_and_does_not_repeat_it(alice, good):
    page = upload(alice, pfx_of(good[0], good[1], b"right-word"), passphrase="wrong-word-77")
    assert "password is wrong" in refusal(page)
    assert "wrong-word-77" not in page.text


def test_it_takes_a_secret_or_a_certificate_and_not_both(alice, good):
    assert "Choose one" in refusal(upload(alice, pem_of(*good), client_secret="value~1"))


def test_it_replaces_a_secret_by_a_certificate_in_a_new_version(alice, session, good):
    ids = {"name": "Contoso app", "cloud": "global", "tenant_id": GUID, "client_id": GUID}
    alice.client.post("/credentials/new", data={**ids, "type": "microsoft_app", "client_secret": "value~1"})
    credential = session.scalar(select(Credential))
    certificate = (io.BytesIO(pem_of(*good)), "mail.pem")
    answer = alice.client.post(
        f"/credentials/{credential.id}/edit", data={**ids, "revision": "1", "certificate": certificate}
    )
    assert answer.status_code == 302
    value = vault.credential_value(session, credential)
    assert (credential.version, set(value.secrets)) == (2, {"private_key", "certificate"})


def make_here(person, **changes):
    form = {"type": "microsoft_app", "name": "Contoso app", "cloud": "global", "tenant_id": GUID, "client_id": GUID}
    return person.client.post("/credentials/new", data={**form, "make_certificate": "true", **changes})


def test_it_makes_a_key_pair_and_lets_out_the_public_part_alone(alice, bob, session):
    address = make_here(alice).headers["Location"]
    value = vault.credential_value(session, session.scalars(select(Credential)).one())
    file = bob.client.get(f"{address}/certificate.cer")
    certificate = x509.load_pem_x509_certificate(file.data)
    key = load_pem_private_key(value.secrets["private_key"].reveal().encode(), None)
    assert certificate.public_key() == key.public_key()
    assert certificate.fingerprint(hashes.SHA1()).hex().upper() == value.public["thumbprint"]
    assert 728 < (certificate.not_valid_after_utc - utcnow()).days < 731
    assert (file.content_type, b"PRIVATE" in file.data) == ("application/x-pem-file", False)
    page = alice.client.get(address).text
    assert "Download the certificate (.cer)" in page
    assert "PRIVATE KEY" not in page


def test_it_makes_no_certificate_beside_a_secret_or_for_a_wrong_app(alice, session):
    assert "Choose one" in make_here(alice, client_secret="value~1").text
    answer = make_here(alice, tenant_id="not a tenant")
    assert (answer.status_code, "Paste the client secret" in answer.text) == (422, False)
    assert session.scalar(select(Credential)) is None


def test_it_has_no_certificate_file_of_a_secret_or_for_strangers(alice, charlie, session):
    make_here(alice, make_certificate="", client_secret="value~1")
    with_secret = session.scalars(select(Credential)).one()
    assert alice.client.get(f"/credentials/{with_secret.id}/certificate.cer").status_code == 409
    assert charlie.client.get(make_here(alice, name="Two").headers["Location"] + "/certificate.cer").status_code == 404
