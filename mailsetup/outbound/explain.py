"""A failure in plain words, filled with the values of the setup it happened to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from mailsetup.core.errors import NotFound
from mailsetup.credentials import vault
from mailsetup.credentials.models import Credential
from mailsetup.mail_services import hints
from mailsetup.mail_services.errors import TransportError
from mailsetup.platform import current_platform

OWN_CHANNEL = "mailsetup"
_PASSING = frozenset({"credential_renewed"})
_ADMIN, _SUPPORT = "You, or another admin of this workspace", "Our support"
# Causes of our own making, which no mail service knows of: title, what happened, steps, who.
_OWN: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "credential_unreadable": (
        "The credential cannot be opened",
        "Its stored secrets do not open with the keys of this service.",
        ("Enter the secret again in the credential.", "If that does not help, tell our support."),
        _SUPPORT,
    ),
    "credential_bound_elsewhere": (
        "The password was typed for another server",
        "We never send a stored password to another place than the one it was typed for.",
        ("Make a credential with the password typed again, and choose it in this setup.",),
        _ADMIN,
    ),
    "credential_renewed": (
        "The credential was renewed a moment ago",
        "This mail had begun with the one before. It is sent with the new one.",
        ("Nothing is to be done.",),
        "Nobody",
    ),
    "repeated_refusals": (
        "Many mails in a row were refused",
        "The mail server refused one mail after the other for good, and accepted none between them. Microsoft pauses a "
        "mailbox for hours when that goes on, so we stopped first. The refused mails have ended; the others wait.",
        (
            "Look at the failed messages of this setup: most often their recipients do not exist.",
            "Correct the addresses in the product that makes this mail, and cancel waiting mail to wrong ones.",
            "Choose Test below. When it passes, waiting mail goes on.",
        ),
        _ADMIN,
    ),
    "settings_invalid": (
        "Some settings need a change",
        "The values do not pass the checks of this kind of mail service.",
        ("Open the step Sender and alerts, and correct the fields named here.",),
        _ADMIN,
    ),
    "test_took_too_long": (
        "The test took too long",
        "The service did not answer within 60 seconds, so we stopped waiting.",
        (
            "Choose Test again in a minute.",
            "If it lasts, check host and port, and ask your mail provider whether something blocks us.",
        ),
        _ADMIN,
    ),
    "worker_stopped": (
        "The test did not run to its end",
        "The part of our service that runs tests stopped before there was a result. Your values are kept.",
        ("Choose Test again.", "If it happens again, choose Copy support bundle and send it to our support."),
        _SUPPORT,
    ),
    "fault_on_our_side": (
        "The test failed because of a fault on our side",
        "It is recorded. It says nothing about your values.",
        ("Choose Test again.", "If it happens again, choose Copy support bundle and send it to our support."),
        _SUPPORT,
    ),
}


def public_context(session: Session, credential: Credential | None) -> dict[str, str]:
    """What may be shown of a credential, to fill in the words with."""
    try:
        return vault.public_facts(session, credential) if credential else {}
    except NotFound:
        return {}


def explain_failure(
    error: TransportError, *, settings: Mapping[str, Any], public: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Title, what happened, steps, who acts and the service's own words, as JSON keeps it."""
    if error.channel == OWN_CHANNEL and error.code in _OWN:
        return own_explanation(error.code, quote=error.raw)
    # The user name of the setup is the mailbox; that of the credential only signs in.
    context = {**(public or {}), **settings, "redirect_uri": current_platform().redirect_uri}
    found = hints.explain(error, context).to_dict()
    return {**found, "what": found["explanation"], "raw": found["quote"]}


def own_explanation(code: str, *, quote: str = "") -> dict[str, Any]:
    """The explanation of a cause of our own making."""
    title, what, steps, who = _OWN[code]
    return {
        "cause": code,
        "title": title,
        "explanation": what,
        "what": what,
        "steps": list(steps),
        "who": who,
        "permanent": code not in _PASSING,
        "confidence": "high",
        "quote": quote,
        "raw": quote,
    }
