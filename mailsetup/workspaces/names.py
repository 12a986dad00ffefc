"""Names that people give to themselves and to workspaces."""

from __future__ import annotations

import unicodedata

from mailsetup.core.errors import InvalidInput

LONGEST = 100
NAMELESS = "Give the workspace a name."


def clean_name(text: str, *, field: str, missing: str = NAMELESS) -> str:
    """The name with single blanks. Raises InvalidInput at `field` when it is empty, too long or not printable."""
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Co", "Cn", "Cs"} for letter in text.strip()):
        raise InvalidInput({field: "The name holds a character that cannot be shown."})
    name = " ".join(text.split())
    if not name:
        raise InvalidInput({field: missing})
    if len(name) > LONGEST:
        raise InvalidInput({field: f"The name is too long: at most {LONGEST} characters."})
    return name
