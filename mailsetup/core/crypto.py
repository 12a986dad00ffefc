"""Sealing: master keys in a ring, a data key for each workspace, every value bound to the place it belongs to."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailsetup.core.errors import SettingsError, UnsealError
from mailsetup.core.key_providers import KEY_BYTES, KeyProvider, RingKey, TwoFileKey
from mailsetup.core.sealed_values import (
    VERSION,
    body_sealed_with,
    open_bytes,
    open_text,
    seal_bytes,
    seal_text,
    sealed_with,
)

__all__ = [
    "VERSION",
    "KeyRing",
    "Place",
    "body_sealed_with",
    "new_key",
    "open_bytes",
    "open_text",
    "seal_bytes",
    "seal_text",
    "sealed_with",
]


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

    keys: Mapping[str, KeyProvider | bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """A ring out of `id:base64,id:base64@/second/file`. Raises SettingsError."""
        keys: dict[str, KeyProvider | bytes] = {}
        for entry in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
            key_id, _, written = entry.partition(":")
            encoded, _, file = written.partition("@")
            key = _key_bytes(key_id, encoded)
            keys[_key_id(key_id)] = TwoFileKey(key, Path(file)) if file else key
        if not keys:
            raise SettingsError("MAILSETUP_ENCRYPTION_KEYS names no key; give at least one as id:base64.")
        return cls(keys)

    @property
    def primary(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def wrap(self, key: bytes, *, workspace_id: str) -> str:
        """A workspace's data key, sealed by the primary master key."""
        return self._provider(self.primary).seal(key, key_id=self.primary, aad=_framed("dek", workspace_id))

    def unwrap(self, wrapped: str, *, workspace_id: str) -> bytes:
        """The data key inside. Raises UnsealError when its master key is not in the ring."""
        return self._provider(sealed_with(wrapped)).open(wrapped, aad=_framed("dek", workspace_id))

    def _provider(self, key_id: str) -> KeyProvider:
        key = self.keys.get(key_id)
        if key is None:
            raise UnsealError(f"the key ring has no key named {key_id}")
        return RingKey(key) if isinstance(key, bytes) else key


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
