"""Sealed values: AES-256-GCM, bound to a place by additional authenticated data.

Format: `v1.<key id>.<nonce>.<ciphertext>` in URL-safe base64; bytes as `v1.<key id>.` and the raw rest.
NIST SP 800-38D caps random 96-bit nonces at 2**32 per key; a key per workspace stays far below.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mailsetup.core.errors import UnsealError

VERSION = "v1"
NONCE_BYTES = 12


def sealed_with(sealed: str) -> str:
    """The id of the key that sealed this text. Raises UnsealError for anything that is not sealed."""
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != VERSION:
        raise UnsealError("this is not a sealed value")
    return parts[1]


def body_sealed_with(sealed: bytes) -> str:
    """The id of the key that sealed these bytes. Raises UnsealError for anything that is not sealed."""
    parts = sealed.split(b".", 2)
    if len(parts) != 3 or parts[0] != VERSION.encode():
        raise UnsealError("this is not a sealed value")
    return parts[1].decode("ascii", "replace")


def seal_text(value: bytes, *, key: bytes, key_id: str, aad: bytes) -> str:
    """The value sealed as text, for a text column."""
    nonce = os.urandom(NONCE_BYTES)
    return ".".join((VERSION, key_id, _b64(nonce), _b64(AESGCM(key).encrypt(nonce, value, aad))))


def open_text(sealed: str, *, key: bytes, aad: bytes) -> bytes:
    """The value inside. Raises UnsealError when key or place differ."""
    sealed_with(sealed)
    _, _, nonce, body = sealed.split(".")
    return _decrypt(key, _unb64(nonce), _unb64(body), aad)


def seal_bytes(value: bytes, *, key: bytes, key_id: str, aad: bytes) -> bytes:
    """The value sealed as bytes, for large bodies: no base64 growth."""
    nonce = os.urandom(NONCE_BYTES)
    return f"{VERSION}.{key_id}.".encode() + nonce + AESGCM(key).encrypt(nonce, value, aad)


def open_bytes(sealed: bytes, *, key: bytes, aad: bytes) -> bytes:
    """The value inside. Raises UnsealError when key or place differ."""
    body_sealed_with(sealed)
    parts = sealed.split(b".", 2)
    return _decrypt(key, parts[2][:NONCE_BYTES], parts[2][NONCE_BYTES:], aad)


def _decrypt(key: bytes, nonce: bytes, body: bytes, aad: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, body, aad)
    except (InvalidTag, ValueError) as error:
        raise UnsealError("the sealed value does not open here: wrong key, or it belongs to another row") from error


def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise UnsealError("this is not a sealed value") from error
