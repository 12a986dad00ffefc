"""Certificates made for one run: good ones, and each way to be bad."""

from __future__ import annotations

import datetime
import ssl
import warnings
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Authority:
    """A private CA, its bundle on disk, and server contexts."""

    def __init__(self, folder: Path, ca: trustme.CA | None = None) -> None:
        self.ca = ca or trustme.CA()
        self.bundle = folder / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.bundle))

    def server(self, *names: str, **more: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1")), **more).configure_cert(context)  # type: ignore[arg-type]
        return context

    def expired(self) -> ssl.SSLContext:
        return self.server(not_before=NOW - 9 * DAY, not_after=NOW - DAY)

    def without_its_chain(self) -> ssl.SSLContext:
        """A server that shows its own certificate, and not the one between it and the authority."""
        return _server(self.ca.create_child_ca().issue_cert("localhost"), leave_out_chain=True)

    def old(self) -> ssl.SSLContext:
        context = self.server()
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context


def private(names: tuple[str, ...] = ("localhost",)) -> ssl.SSLContext:
    """A server that shows its whole chain, up to an authority that nobody knows."""
    stranger = trustme.CA()
    issued = stranger.issue_cert(*names)
    issued.cert_chain_pems.append(stranger.cert_pem)
    return _server(issued)


def _server(issued: trustme.LeafCert, *, leave_out_chain: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain = issued.cert_chain_pems[:1] if leave_out_chain else issued.cert_chain_pems
    with trustme.Blob(issued.private_key_pem.bytes() + b"".join(part.bytes() for part in chain)).tempfile() as path:
        context.load_cert_chain(path)
    return context


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server that made its certificate itself."""
    key, certificate = pair("localhost")
    path = folder / "self.pem"
    path.write_bytes(pem_of(key, certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def pair(
    name: str = "mailsetup", *, days: int = 90, start: int = -1, key: Key | None = None
) -> tuple[Key, x509.Certificate]:
    """A key and its self-signed certificate."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + start * DAY)
        .not_valid_after(NOW + days * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, built


def key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem_of(key: Key, certificate: x509.Certificate) -> bytes:
    return key_pem(key) + certificate.public_bytes(Encoding.PEM)


def pfx_of(key: Key, certificate: x509.Certificate, password: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption

    return pkcs12.serialize_key_and_certificates(b"mail", key, certificate, None, BestAvailableEncryption(password))
