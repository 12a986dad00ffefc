"""Sealing: AES-256-GCM, master keys in a ring, every value bound to the place it belongs to.

Format: `v1.<key id>.<nonce>.<ciphertext>` in URL-safe base64; bytes as `v1.<key id>.` and the raw rest.
NIST SP 800-38D caps random 96-bit nonces at 2**32 per key; a key per workspace stays far below.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from mailsetup.core.errors import SettingsError, UnsealError

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True)
class Place:
    """Where a sealed value belongs; it opens nowhere else."""

    workspace_id: str
    table: str
    row_id: str
    field: str
    version: int = 1

    def aad(self) -> bytes:
        """The place as additional authenticated data, length-prefixed so that parts cannot slide."""
        return _framed("mailsetup", VERSION, self.workspace_id, self.table, self.row_id, self.field, str(self.version))


def _framed(*parts: str) -> bytes:
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in parts))


@dataclass(frozen=True)
class KeyRing:
    """The master keys by id; the first one named is the primary, which seals."""

    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """A ring out of `id:base64,id:base64`. Raises SettingsError."""
        keys: dict[str, bytes] = {}
        for entry in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
            key_id, _, encoded = entry.partition(":")
            keys[_key_id(key_id)] = _key_bytes(key_id, encoded)
        if not keys:
            raise SettingsError("MAILSETUP_ENCRYPTION_KEYS names no key; give at least one as id:base64.")
        return cls(keys)

    @property
    def primary(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def wrap(self, key: bytes, *, workspace_id: str) -> str:
        """A workspace's data key, sealed by the primary master key."""
        return seal_text(key, key=self.keys[self.primary], key_id=self.primary, aad=_framed("dek", workspace_id))

    def unwrap(self, wrapped: str, *, workspace_id: str) -> bytes:
        """The data key inside. Raises UnsealError when its master key is not in the ring."""
        key_id = sealed_with(wrapped)
        if key_id not in self.keys:
            raise UnsealError(f"the key ring has no key named {key_id}")
        return open_text(wrapped, key=self.keys[key_id], aad=_framed("dek", workspace_id))


def _key_id(key_id: str) -> str:
    if not key_id or "." in key_id or not key_id.isascii():
        raise SettingsError("MAILSETUP_ENCRYPTION_KEYS: each key needs a short id without dots, as id:base64.")
    return key_id


def _key_bytes(key_id: str, encoded: str) -> bytes:
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"MAILSETUP_ENCRYPTION_KEYS: key {key_id} is not 32 bytes of base64.")
    return key


def new_key() -> bytes:
    """A fresh random key."""
    return os.urandom(KEY_BYTES)


def sealed_with(sealed: str) -> str:
    """The id of the key that sealed this text. Raises UnsealError for anything that is not sealed."""
    parts = sealed.split(".")
    if len(parts) != 4 or parts[0] != VERSION:
        raise UnsealError("this is not a sealed value")
    return parts[1]


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
    parts = sealed.split(b".", 2)
    if len(parts) != 3 or parts[0] != VERSION.encode():
        raise UnsealError("this is not a sealed value")
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
