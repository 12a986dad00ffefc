"""Headers of a mail: those of plain text are written as they read, the email package makes the others.

The package parses a header when it is set and folds it word by word when it is written; for a header of plain ASCII on
one line both end where they began. Its classes are made once: it makes a new class for every header of every mail.
"""

from __future__ import annotations

import re
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.policy import SMTP, EmailPolicy
from functools import lru_cache
from typing import Any

LINE = 78  # RFC 5322 2.1.1
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_NAMES = re.compile(r"[!-~]+(?: [!-~]+)*|")
_ADDRESSED = {"from", "to", "cc", "bcc", "reply-to"}
# Few values, in every mail the same.
_REPEATED = {"mime-version", "content-type", "content-transfer-encoding"}
_REPEATED_LIMIT = 100


class AsItReads(str):
    """A header that is written as it reads."""

    __slots__ = ("addresses", "name")
    name: str
    addresses: tuple[Address, ...]
    defects = ()

    def fold(self, *, policy: EmailPolicy) -> str:
        """The header as its lines; only a list of addresses is longer than one."""
        if len(self.name) + 2 + len(self) <= LINE:
            return f"{self.name}: {self}{policy.linesep}"
        return f"{self.name}: " + f",{policy.linesep} ".join(map(str, self.addresses)) + policy.linesep


def as_it_reads(name: str, text: str, addresses: tuple[Address, ...] = ()) -> AsItReads:
    """The header with this text, which has to be plain."""
    made = AsItReads(text)
    made.name, made.addresses = name, addresses
    return made


def is_plain(text: str) -> bool:
    """Whether this is printable ASCII that no reader takes for something encoded (RFC 2047)."""
    return _PLAIN.fullmatch(text) is not None and "=?" not in text


@lru_cache(4096)
def address(name: str, plain: str) -> Address:
    """An address that was checked before, so that nobody has to parse it again. Raises ValueError."""
    local, _, domain = plain.rpartition("@")
    return Address(display_name=name, username=local, domain=domain)


class _Registry(HeaderRegistry):
    def __init__(self) -> None:
        super().__init__()
        self._made: dict[type, type[BaseHeader]] = {}
        self._repeated = lru_cache(512)(super().__call__)

    def __getitem__(self, name: str) -> type[BaseHeader]:
        kind = self.registry.get(name.lower(), self.default_class)
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = super().__getitem__(name)
        return made

    def __call__(self, name: str, value: Any) -> Any:
        lower = name.lower()
        if lower in _REPEATED and isinstance(value, str) and len(value) < _REPEATED_LIMIT:
            return self._repeated(name, value)
        plain = _addressed(name, value) if lower in _ADDRESSED else self._unstructured(name, lower, value)
        return super().__call__(name, value) if plain is None else plain

    def _unstructured(self, name: str, lower: str, value: object) -> AsItReads | None:
        if lower != "subject" and lower in self.registry:
            return None
        if not isinstance(value, str) or len(name) + 2 + len(value) > LINE or not is_plain(value):
            return None
        return as_it_reads(name, value)


def _addressed(name: str, value: Any) -> AsItReads | None:
    listed: list[Any] = value if isinstance(value, list) else [value]
    if not listed or not all(isinstance(one, Address) and _NAMES.fullmatch(one.display_name) for one in listed):
        return None
    written = [str(one) for one in listed]
    if len(name) + 4 + max(map(len, written)) > LINE or not all(map(is_plain, written)):
        return None
    return as_it_reads(name, ", ".join(written), tuple(listed))


POLICY = SMTP.clone(header_factory=_Registry())
