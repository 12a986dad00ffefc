from __future__ import annotations

import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat, pkcs12

from mailsetup.mail_services import protected_files
from mailsetup.mail_services.certificates import CertificateRefused, check_certificate, read_upload
from tests.fakes import certificates


@pytest.fixture(scope="module")
def pair():
    return certificates.pair()


def refusal(content: bytes, passphrase: str = "") -> str:
    with pytest.raises(CertificateRefused) as refused:
        read_upload(content, passphrase)
    return str(refused.value)


def test_it_reads_a_pem_file_in_either_order(pair):
    key, certificate = pair
    pem = certificates.pem_of(key, certificate)
    turned = certificate.public_bytes(Encoding.PEM) + certificates.key_pem(key)
    assert read_upload(pem).thumbprint == read_upload(turned).thumbprint


def test_it_reads_a_pfx_file(pair):
    key, certificate = pair
    found = read_upload(certificates.pfx_of(key, certificate, b"open"), "open")
    assert found.expires_at == certificate.not_valid_after_utc
    assert "BEGIN PRIVATE KEY" in found.private_key_pem.reveal()
    assert "BEGIN" not in repr(found.private_key_pem)


def test_it_reads_a_protected_pem_file(pair):
    key, certificate = pair
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open"))
    pem = locked + certificate.public_bytes(Encoding.PEM)
    assert read_upload(pem, "open").subject == "CN=mailsetup"
    assert "password" in refusal(pem)
    assert "password" in refusal(pem, "wrong")


def test_a_password_nobody_needs_does_no_harm(pair):
    assert read_upload(certificates.pem_of(*pair), "unneeded").thumbprint


def test_it_finds_the_certificate_of_the_key_in_a_chain(pair):
    _other_key, other = certificates.pair("issuer")
    pem = other.public_bytes(Encoding.PEM) + certificates.pem_of(*pair)
    assert read_upload(pem).subject == "CN=mailsetup"


@pytest.mark.parametrize(("days", "start", "word"), [(-1, -9, "expired on"), (90, 5, "valid only from")])
def test_it_looks_at_the_dates(days, start, word):
    assert word in refusal(certificates.pem_of(*certificates.pair(days=days, start=start)))


def test_it_refuses_a_certificate_of_another_key(pair):
    _key, other = certificates.pair()
    assert "does not belong" in refusal(certificates.pem_of(pair[0], other))


def test_it_refuses_keys_microsoft_does_not_take():
    curve = ec.generate_private_key(ec.SECP256R1())
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    assert "not RSA" in refusal(certificates.pem_of(*certificates.pair(key=curve)))
    assert "too short" in refusal(certificates.pem_of(*certificates.pair(key=short)))
    assert "not RSA" in refusal(certificates.pfx_of(*certificates.pair(key=curve), b"x"), "x")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x30\x82\x00\x00", b"x" * 1000, b"-----BEGIN PRIVATE KEY-----\nno"]
)
def test_it_refuses_anything_else(content):
    assert refusal(content)


def test_it_asks_for_the_private_key(pair):
    assert "private key too" in refusal(pair[1].public_bytes(Encoding.PEM))
    assert "No certificate" in refusal(certificates.key_pem(pair[0]))


def test_it_refuses_a_wrong_pfx_password_and_a_huge_file(pair):
    assert "password is wrong" in refusal(certificates.pfx_of(pair[0], pair[1], b"open"), "shut")
    assert "too large" in refusal(b"x" * 65_537)


def test_it_checks_two_texts(pair):
    key, certificate = pair
    checked = check_certificate(certificates.key_pem(key).decode(), certificate.public_bytes(Encoding.PEM).decode())
    assert len(checked.thumbprint) == 40
    assert len(checked.thumbprint_sha256) == 43


def endless(file: bytes) -> bytes:
    """The PFX file, asking for 2,147,483,647 rounds before its MAC can be checked (RFC 7292 section 4)."""
    starts = range(len(file) - 2)
    mac_at = next(i for i in starts if file[i] == file[i + 2] == 0x30 and i + 2 + file[i + 1] == len(file))
    mac = file[mac_at + 2 : -4] + b"\x02\x04\x7f\xff\xff\xff"
    assert file.endswith(b"\x02\x02\x08\x00")
    body = file[4:mac_at] + bytes([0x30, len(mac)]) + mac
    return b"\x30\x82" + len(body).to_bytes(2, "big") + body


def test_it_does_not_let_a_file_say_how_long_it_works(monkeypatch, pair):
    monkeypatch.setattr(protected_files, "CPU_SECONDS", 1)
    key, certificate = pair
    file = pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, BestAvailableEncryption(b"bomb"))
    begun = time.monotonic()
    assert "takes too long to open" in refusal(endless(file), "bomb")
    assert time.monotonic() - begun < protected_files.WAITS / 2
