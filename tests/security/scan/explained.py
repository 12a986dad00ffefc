"""What a scanner says and what is no fault, each with its reason; docs/security.md has the same list in words."""

from __future__ import annotations

import re

EXPLAINED: dict[str, str] = {
    r"schemathesis: positive_data_acceptance: (GET|POST) /api/v1/messages\b.*": (
        "A setup that is named has to exist, an address has to be one: no schema says so, and 422 names the field."
    ),
    r"schemathesis: negative_data_rejection: POST /api/v1/messages/batch": (
        "Each mail of a batch has its own result: what is no mail gets 422 inside the 202, and the others are taken."
    ),
    r"wapiti: Secure Flag cookie: GET /\S* : Secure flag is not set in the cookie : session": (
        "The scan is plain http on loopback; over https the cookie is __Host-session and Secure (test_headers.py)."
    ),
}


def unexplained(findings: list[str]) -> list[str]:
    """The findings that nobody has explained."""
    return [one for one in findings if not any(re.fullmatch(pattern, one) for pattern in EXPLAINED)]


def never_seen(findings: list[str], scanners: list[str]) -> list[str]:
    """Explanations of these scanners that explain nothing any more; they are taken out."""
    ours = [pattern for pattern in EXPLAINED if pattern.split(":")[0] in scanners]
    return [pattern for pattern in ours if not any(re.fullmatch(pattern, one) for one in findings)]
