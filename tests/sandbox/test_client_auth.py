from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from mailsetup.sandbox.client_auth import ASSERTION_TYPE
from tests.sandbox.customer import GRAPH


def a_pair() -> tuple[str, str, x509.Certificate]:
    """A private key, its self-signed certificate, both PEM, and the certificate itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    start = datetime.now(UTC) - timedelta(hours=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=9))
    certificate = builder.sign(key, hashes.SHA256())
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private = key.private_bytes(pem, form, serialization.NoEncryption()).decode()
    return private, certificate.public_bytes(pem).decode(), certificate


@pytest.fixture(scope="module")
def pair() -> tuple[str, str, x509.Certificate]:
    return a_pair()


def test_it_accepts_msals_ps256_assertion_of_an_uploaded_certificate(box, customer, pair) -> None:
    box.world.add_certificate(pair[1])
    credential = {"private_key": pair[0], "public_certificate": pair[1]}
    assert "access_token" in customer.ask(credential=credential)


def test_it_accepts_msals_rs256_assertion_by_thumbprint(box, customer, pair) -> None:
    box.world.add_certificate(pair[1])
    thumbprint = pair[2].fingerprint(hashes.SHA1()).hex()
    assert "access_token" in customer.ask(credential={"private_key": pair[0], "thumbprint": thumbprint})


def test_it_refuses_a_certificate_that_was_not_uploaded(customer, pair) -> None:
    answer = customer.ask(credential={"private_key": pair[0], "public_certificate": pair[1]})
    assert (answer["error"], answer["error_codes"]) == ("invalid_client", [700027])


def test_it_refuses_a_signature_by_another_key(box, customer, pair) -> None:
    box.world.add_certificate(pair[1])
    answer = customer.ask(credential={"private_key": a_pair()[0], "public_certificate": pair[1]})
    assert answer["error_codes"] == [50012]


@pytest.mark.parametrize(
    ("change", "number"),
    [
        ({"aud": "https://elsewhere.example/"}, 700023),
        ({"iss": "x", "sub": "x"}, 700021),
        ({"sub": "x"}, 50048),
        ({"exp": time.time() - 4000}, 700024),
    ],
)
def test_it_checks_the_claims_of_an_assertion(box, customer, pair, change: dict[str, Any], number: int) -> None:
    box.world.add_certificate(pair[1])
    client_id, moment = box.world.app.client_id, time.time()
    claims = {"iss": client_id, "sub": client_id, "aud": f"{box.login_url}/x/oauth2/v2.0/token", "iat": moment}
    claims |= {"exp": moment + 600, "jti": str(uuid.uuid4())} | change
    print_ = jwt.utils.base64url_encode(pair[2].fingerprint(hashes.SHA256())).decode()
    assertion = jwt.encode(claims, pair[0], "PS256", headers={"x5t#S256": print_ + "="})
    proof = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    answer = customer.post_token(grant_type="client_credentials", client_id=client_id, scope=GRAPH, **proof)
    assert answer.json()["error_codes"] == [number]


def test_it_refuses_what_is_no_token(box, customer) -> None:
    proof = {"client_assertion": "x.y.z", "client_assertion_type": ASSERTION_TYPE}
    form = {"client_id": box.world.app.client_id, "scope": GRAPH, "grant_type": "client_credentials"}
    assert customer.post_token(**form, **proof).json()["error_codes"] == [50027]
