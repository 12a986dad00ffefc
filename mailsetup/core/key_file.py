"""The file that holds the ring: edited as a whole, readable by its owner only, never half written."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path

from mailsetup.core import crypto
from mailsetup.core.errors import SettingsError


class KeyFile:
    """The entries `id:key` of a ring, in their order. Raises SettingsError for what is no ring."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
        crypto.KeyRing.parse(text)
        self._entries = [part.strip() for part in text.replace("\n", ",").split(",") if part.strip()]

    @property
    def ids(self) -> list[str]:
        """The ids of the keys; the first one is the primary."""
        return [entry.partition(":")[0] for entry in self._entries]

    def add(self, key_id: str) -> None:
        """Puts a new random key behind the others. Raises SettingsError."""
        if key_id in self.ids:
            raise SettingsError(f"The ring has a key named {key_id} already.")
        self._entries.append(f"{key_id}:{base64.b64encode(crypto.new_key()).decode()}")
        self._write()

    def promote(self, key_id: str) -> None:
        """Moves a key to the front: from the next start on it seals."""
        self._entries.insert(0, self._entries.pop(self._position(key_id)))
        self._write()

    def remove(self, key_id: str) -> None:
        """Takes a key away, for ever."""
        self._entries.pop(self._position(key_id))
        self._write()

    def _position(self, key_id: str) -> int:
        if key_id not in self.ids:
            raise SettingsError(f"The ring has no key named {key_id}.")
        return self.ids.index(key_id)

    def _write(self) -> None:
        text = "".join(f"{entry}\n" for entry in self._entries)
        crypto.KeyRing.parse(text)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=".keys-")  # 0600, as mkstemp makes it
        before = self.path.stat()
        if os.geteuid() == 0:  # the service that reads the ring keeps its right to, when root edits it
            os.fchown(handle, before.st_uid, before.st_gid)
            os.fchmod(handle, before.st_mode & 0o640)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self.path)
