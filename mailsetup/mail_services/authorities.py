"""The authority that a setup trusts instead of all others: certificates in PEM, checked before they are kept."""

from __future__ import annotations

from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

LIMIT = 8


def authority_certificates(text: str) -> str:
    """The certificates alone, in PEM, without whatever stood between them. Raises ValueError."""
    if "PRIVATE KEY" in text:
        raise ValueError("This holds a private key. Give only certificates: they begin with BEGIN CERTIFICATE.")
    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise ValueError("No certificate was found here. It begins with a line BEGIN CERTIFICATE.") from None
    if len(found) > LIMIT:
        raise ValueError(f"These are too many certificates: at most {LIMIT}.")
    if all(one.not_valid_after_utc < datetime.now(UTC) for one in found):
        raise ValueError("This certificate has expired. Ask whoever runs the mail server for the present one.")
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
