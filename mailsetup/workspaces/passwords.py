"""Passwords of people: what is accepted, and how it is kept (argon2id, RFC 9106)."""

from __future__ import annotations

import gzip
import re
import secrets
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from mailsetup.core.errors import InvalidInput

SHORTEST = 12
LONGEST = 256
FEWEST_CHARACTERS = 5
FEWEST_OWN = 6
COMMON = Path(__file__).with_name("breached_passwords.txt.gz")
_TAIL = re.compile(r"[\W\d_]+$")
_WORDS = re.compile(r"[\w]{4,}")

_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The password as it is stored."""
    return _hasher.hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether it is the password behind `stored`; without one it takes as long and is False."""
    try:
        return _hasher.verify(stored or _nobodys_hash(), password[:LONGEST]) and bool(stored)
    except (VerificationError, InvalidHashError):
        return False


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe())


def check_password(password: str, *, email: str, name: str, field: str = "password") -> str:
    """The password. Raises InvalidInput at `field` when it is too short, too long or too easy to guess."""
    fault = _fault(password, email=email, name=name)
    if fault:
        raise InvalidInput({field: fault})
    return password


def _fault(password: str, *, email: str, name: str) -> str:
    if len(password) < SHORTEST:
        return f"The password is too short: use at least {SHORTEST} characters, such as four words."
    if len(password) > LONGEST:
        return f"The password is too long: at most {LONGEST} characters."
    if _is_common(password):
        return "This password is on lists of stolen passwords, which are tried first. Use one only you would think of."
    if _is_mostly(password, f"{email} {name}"):
        return "The password is too close to your name or e-mail address."
    return ""


def _is_common(password: str) -> bool:
    folded = password.casefold()
    few = len(set(folded)) < FEWEST_CHARACTERS
    return few or folded in _common() or _TAIL.sub("", folded) in _common()


def _is_mostly(password: str, known: str) -> bool:
    rest = password.casefold()
    for word in _WORDS.findall(known.casefold()):
        rest = rest.replace(word, "")
    return len(rest) < FEWEST_OWN


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(gzip.decompress(COMMON.read_bytes()).decode().split())
