"""Cleans what people type: trimmed, checked, and refused in words that say what to type instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from functools import lru_cache
from ipaddress import ip_address

import idna
from email_validator import EmailNotValidError, validate_email

from mailsetup.core.errors import InvalidInput

TEXT_LIMIT = 8192
LINE_BREAKS = "This holds a line break or another control character. Type it again by hand."
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HOST_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
# A mail server inside a company may well use these; the validator knows them as never on the internet.
_INTERNAL = {"local", "localhost", "test"}
_TRUE = {"1", "on", "true", "yes"}


class Answers:
    """The raw values of one form, and the sentence beside each field that is wrong."""

    def __init__(self, raw: Mapping[str, str]) -> None:
        self._raw = raw
        self.wrong: dict[str, str] = {}

    def text(self, name: str, *, limit: int = TEXT_LIMIT) -> str:
        """The value without blanks around it; one that is too long is refused."""
        value = str(self._raw.get(name) or "").strip()
        if len(value) > limit:
            self.refuse(name, f"This is too long: at most {limit} characters.")
            return ""
        return value

    def ticked(self, name: str) -> bool:
        """Whether a checkbox is ticked."""
        return self.text(name).lower() in _TRUE

    def parsed(self, name: str, parse: Callable[[str], str], *, default: str = "", missing: str = "") -> str:
        """The value as `parse` returns it; its ValueError, or `missing` for a blank, becomes the field's sentence."""
        value = self.text(name) or default
        if not value:
            if missing:
                self.refuse(name, missing)
            return ""
        try:
            return parse(value)
        except ValueError as error:
            self.refuse(name, str(error))
            return ""

    def choice(self, name: str, choices: tuple[tuple[str, str], ...], default: str) -> str:
        """One of the choices by its value; the default for a blank."""
        value = self.text(name) or default
        if value not in dict(choices):
            self.refuse(name, "Choose one of the values in the list.")
        return value

    def refuse(self, name: str, sentence: str) -> None:
        """Keeps the first sentence for a field, unless the value was refused for another reason already."""
        self.wrong.setdefault(name, sentence)

    def finish(self) -> None:
        """Raises InvalidInput when any field was refused."""
        if self.wrong:
            raise InvalidInput(self.wrong)


def one_line(text: str) -> str:
    """The text if it fits into one header line, encoded words decoded too (CVE-2024-6923). Raises ValueError."""
    if _CONTROL.search(text) or ("=?" in text and _hides_control(text)):
        raise ValueError(LINE_BREAKS)
    return text


def _hides_control(text: str) -> bool:
    try:
        pieces = [
            (piece, (piece.decode(charset or "ascii", "replace") if isinstance(piece, bytes) else piece))
            for piece, charset in decode_header(text)
        ]
    except (HeaderParseError, ValueError, LookupError):
        return True
    return any(
        _CONTROL.search(decoded) or (isinstance(piece, bytes) and min(piece, default=32) < 32)
        for piece, decoded in pieces
    )


@lru_cache(4096)  # a mail's addresses are looked at twice, and most senders write to few
def email_address(text: str) -> str:
    """An address as it is written in a header; its domain is not looked up. Raises ValueError."""
    one_line(text)
    local, _, domain = text.rpartition("@")
    internal = domain.lower().rpartition(".")[2] in _INTERNAL
    try:
        checked = f"{local}@example.com" if internal else text
        found = validate_email(checked, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise ValueError("Type an address like name@example.com.") from None
    return f"{found.local_part}@{host_name(domain)}" if internal else found.normalized


def ascii_domain(name: str) -> str:
    """A domain as the DNS has it (IDNA 2008), in lower case; ß is no ss: those are domains of two owners.

    Raises UnicodeError.
    """
    return name.lower() if name.isascii() else idna.encode(name, uts46=True).decode("ascii")


def ascii_address(address: str) -> str:
    """The address with its domain in ASCII, as servers without SMTPUTF8 want it (RFC 5890). Raises UnicodeError."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def host_name(text: str) -> str:
    """A host name or address, in lower case and ASCII. Raises ValueError."""
    one_line(text)
    if "//" in text or "/" in text or "@" in text:
        raise ValueError("Type the host name alone, like smtp.example.com, without smtp:// and without a path.")
    literal = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    try:
        return str(ip_address(literal))
    except ValueError:
        return _dns_name(text)


def _dns_name(text: str) -> str:
    try:
        name = ascii_domain(text.rstrip("."))
    except UnicodeError:
        name = ""
    if not name or len(name) > 253 or not all(_HOST_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError("Type a host name like smtp.example.com; a port goes into its own field.")
    return name


def port_number(text: str) -> str:
    """A port from 1 to 65535, as digits. Raises ValueError."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError("Type a port from 1 to 65535; mail servers mostly use 587 or 465.")
    return str(int(text))
