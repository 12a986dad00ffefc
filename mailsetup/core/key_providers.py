"""Who holds a master key. A provider only seals and opens data keys, so that the key itself may live elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mailsetup.core import sealed_values
from mailsetup.core.errors import UnsealError

KEY_BYTES = 32


class KeyProvider(Protocol):
    """One master key, wherever it is held: in the ring, in two files, in a key management service."""

    def seal(self, value: bytes, *, key_id: str, aad: bytes) -> str:
        """The value sealed as text."""

    def open(self, sealed: str, *, aad: bytes) -> bytes:
        """The value inside. Raises UnsealError."""


@dataclass(frozen=True)
class RingKey:
    """A master key whose bytes stand in the ring."""

    key: bytes = field(repr=False)

    def seal(self, value: bytes, *, key_id: str, aad: bytes) -> str:
        """The value sealed as text."""
        return sealed_values.seal_text(value, key=self.key, key_id=key_id, aad=aad)

    def open(self, sealed: str, *, aad: bytes) -> bytes:
        """The value inside. Raises UnsealError."""
        return sealed_values.open_text(sealed, key=self.key, aad=aad)


@dataclass(frozen=True)
class TwoFileKey:
    """A master key of two halves: one stands in the ring, the other in a file that somebody else looks after.

    Neither half opens anything. The file is read at each use, so taking it away ends the key's power within the five
    minutes for which data keys are remembered.
    """

    half: bytes = field(repr=False)
    file: Path

    def seal(self, value: bytes, *, key_id: str, aad: bytes) -> str:
        """The value sealed as text."""
        return sealed_values.seal_text(value, key=self._key(), key_id=key_id, aad=aad)

    def open(self, sealed: str, *, aad: bytes) -> bytes:
        """The value inside. Raises UnsealError."""
        return sealed_values.open_text(sealed, key=self._key(), aad=aad)

    def _key(self) -> bytes:
        try:
            other = self.file.read_bytes().strip()
        except OSError as error:
            raise UnsealError(f"the second half of a master key cannot be read: {error.strerror}") from error
        if len(other) < KEY_BYTES:
            raise UnsealError("the second half of a master key is too short: 32 bytes or more")
        return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"mailsetup two-file key").derive(
            self.half + other
        )
