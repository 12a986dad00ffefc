"""The e-mail address a person signs in with, in one spelling."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from mailsetup.core.errors import InvalidInput

WRONG = "This is not an e-mail address; it should look like name@example.com."


def normal_address(text: str, *, field: str = "email") -> str:
    """The address as it is stored and compared: trimmed and in lower case. Raises InvalidInput at `field`."""
    try:
        # Companies use names such as .local inside, so only the form is checked, never DNS.
        found = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise InvalidInput({field: WRONG}) from error
    if "." not in found.domain:
        raise InvalidInput({field: WRONG})
    # Folding would make ss of ß, in the domain too: those are domains of two owners (IDNA 2008).
    return found.normalized.lower()


def is_address(text: str, known: str) -> bool:
    """Whether this is the address that was stored, however it is spelled."""
    try:
        return normal_address(text) == known
    except InvalidInput:
        return False
