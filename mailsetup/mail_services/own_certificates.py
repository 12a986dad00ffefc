"""Certificates made here: the private key never leaves this machine, Microsoft gets the public part alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from mailsetup.mail_services.certificates import SigningCertificate, check_certificate

CONTENT_TYPE = "application/x-pem-file"
KEY_BITS = 2048
LIFETIME = timedelta(days=2 * 365)
# A clock at Microsoft may be a little behind ours.
BACKDATED = timedelta(hours=1)


def make_certificate(name: str) -> SigningCertificate:
    """A new RSA key and its self-signed certificate of two years, for an app to sign in to Microsoft with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return check_certificate(private, certificate.public_bytes(Encoding.PEM).decode())


def public_part(certificate_pem: str) -> bytes:
    """The certificate alone as a Base64 `.cer` file, which Entra takes under Certificates."""
    return x509.load_pem_x509_certificate(certificate_pem.encode()).public_bytes(Encoding.PEM)
