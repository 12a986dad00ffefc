"""Certificates an app signs in to Microsoft with: read from PEM or PFX in memory, and checked before they are kept."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from mailsetup.core.redact import Secret
from mailsetup.mail_services import protected_files

FILE_LIMIT = 64 * 1024
_BEGIN = b"-----BEGIN "


class CertificateRefused(ValueError):
    """The certificate cannot be used; its text is a sentence for the person who gave it."""


@dataclass(frozen=True)
class SigningCertificate:
    """A checked pair of key and certificate, with the facts that may be shown."""

    private_key_pem: Secret
    certificate_pem: str
    thumbprint: str  # SHA-1 in hex, as the Entra portal shows it
    thumbprint_sha256: str  # base64url, as `x5t#S256` carries it
    expires_at: datetime
    subject: str


def check_certificate(private_key_pem: str, certificate_pem: str, passphrase: str = "") -> SigningCertificate:
    """The pair after all checks: RSA, belonging together, valid today. Raises CertificateRefused."""
    key = _private_key(private_key_pem.encode(), passphrase)
    try:
        certificates = x509.load_pem_x509_certificates(certificate_pem.encode())
    except ValueError:
        raise CertificateRefused("No certificate was found in the file. It holds a line BEGIN CERTIFICATE.") from None
    return _checked(key, certificates)


def read_upload(content: bytes, passphrase: str = "") -> SigningCertificate:
    """A PFX file, or a PEM file that holds the private key and its certificate. Raises CertificateRefused."""
    if len(content) > FILE_LIMIT:
        raise CertificateRefused("The file is too large for a certificate: at most 64 KB.")
    if _BEGIN in content and b"ENCRYPTED" not in content:
        return read_here(content, passphrase)
    key, certificate, refused = protected_files.opened(content, passphrase)
    if refused:
        raise CertificateRefused(refused)
    return check_certificate(key.reveal(), certificate)


def read_here(content: bytes, passphrase: str) -> SigningCertificate:
    """The same, however much work its password protection makes. Raises CertificateRefused."""
    if _BEGIN not in content:
        return _read_pfx(content, passphrase)
    text = content.decode("utf-8", "replace")
    if "PRIVATE KEY-----" not in text:
        raise CertificateRefused(
            "The file holds only the certificate. We need the private key too, as a PFX file or one PEM file with both."
        )
    return check_certificate(text, text, passphrase)


def _read_pfx(content: bytes, passphrase: str) -> SigningCertificate:
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, passphrase.encode() or None)
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateRefused("The file is not a PFX or PEM file, or its password is wrong.") from None
    if key is None or (certificate is None and not others):
        raise CertificateRefused("The file holds no private key with a certificate. Export it again with both.")
    if not isinstance(key, RSAPrivateKey):
        raise CertificateRefused("The key is not RSA. Microsoft takes RSA keys here; make one of 2048 bits or more.")
    return _checked(key, [certificate] if certificate else list(others))


def _private_key(pem: bytes, passphrase: str) -> RSAPrivateKey:
    try:
        key = _load_key(pem, passphrase)
    except TypeError:
        raise CertificateRefused("The private key is protected: type its password.") from None
    except (ValueError, UnsupportedAlgorithm):
        wrong = "The private key cannot be read, or its password is wrong."
        raise CertificateRefused(wrong) from None
    if not isinstance(key, RSAPrivateKey):
        raise CertificateRefused("The key is not RSA. Microsoft takes RSA keys here; make one of 2048 bits or more.")
    return key


def _load_key(pem: bytes, passphrase: str) -> object:
    """The key part alone, since the loader wants it first in the file; a password nobody needs does no harm."""
    start = pem.find(_BEGIN, max(0, pem.find(b"PRIVATE KEY-----") - 40))
    try:
        return load_pem_private_key(pem[max(start, 0) :], passphrase.encode() or None)
    except TypeError:
        if not passphrase:
            raise
        return load_pem_private_key(pem[max(start, 0) :], None)


def _checked(key: RSAPrivateKey, certificates: list[x509.Certificate]) -> SigningCertificate:
    """Finds the certificate of the key, whatever order the chain was exported in."""
    if key.key_size < 2048:
        raise CertificateRefused("The key is too short. Make one of 2048 bits or more.")
    own = [certificate for certificate in certificates if _belongs(certificate, key)]
    if not own:
        raise CertificateRefused(
            "The certificate does not belong to this private key. Export both from the same place."
        )
    now, chosen = datetime.now(UTC), own[0]
    if chosen.not_valid_after_utc <= now:
        ended = chosen.not_valid_after_utc.date().isoformat()
        raise CertificateRefused(f"This certificate expired on {ended}. Make a new one and upload it in Entra first.")
    if chosen.not_valid_before_utc > now:
        raise CertificateRefused(
            f"This certificate is valid only from {chosen.not_valid_before_utc.date().isoformat()}."
        )
    return _described(key, chosen)


def _belongs(certificate: x509.Certificate, key: RSAPrivateKey) -> bool:
    try:
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False
    return isinstance(public, RSAPublicKey) and public.public_numbers() == key.public_key().public_numbers()


def _described(key: RSAPrivateKey, certificate: x509.Certificate) -> SigningCertificate:
    der = certificate.public_bytes(Encoding.DER)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return SigningCertificate(
        private_key_pem=Secret(pem),
        certificate_pem=certificate.public_bytes(Encoding.PEM).decode(),
        thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        thumbprint_sha256=base64.urlsafe_b64encode(hashlib.sha256(der).digest()).decode().rstrip("="),
        expires_at=certificate.not_valid_after_utc,
        subject=certificate.subject.rfc4514_string()[:200],
    )
