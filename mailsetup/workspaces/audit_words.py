"""The audit trail's actions and details in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERBS = {
    "create": "made",
    "change": "changed",
    "add": "added",
    "start": "started",
    "resolve": "settled",
    "probe": "checked again",
    "reconnect": "signed in again",
    "delete": "deleted",
    "rename": "renamed",
    "revoke": "revoked",
    "accept": "accepted",
    "join": "joined",
    "leave": "left",
    "remove": "removed",
    "change-role": "role changed",
    "change-zone": "time zone changed",
    "change-use": "opened to other people",
    "sign-in": "signed in",
    "acknowledge": "taken on",
    "snooze": "kept quiet",
    "close": "closed",
    "pause": "paused",
    "resume": "resumed",
    "test": "tested",
    "cancel": "cancelled",
    "arrived": "mail said to have arrived",
    "not-arrived": "mail said not to have arrived",
    "retry": "sent again",
    "send-again": "sent again",
    "renew-secret": "given a new secret",
    "make-default": "made the default",
    "view": "content looked at",
    "add-secret": "given a second secret",
    "promote": "moved to its new secret",
    "go-back": "old secret taken up again",
    "end-old": "old secret ended",
    "export": "taken away as a file",
    "erase": "erased",
    "download": "export downloaded",
    "delete-export": "export deleted",
}
# What names its own subject.
SENTENCES = {
    "change-password": "Password changed",
    "second-factor-on": "Second factor turned on",
    "second-factor-off": "Second factor turned off",
    "use-recovery-code": "Recovery code used",
    "new-recovery-codes": "New recovery codes made",
    "connect-account": "Account elsewhere connected",
    "disconnect-account": "Account elsewhere disconnected",
    "wrong-codes": "Right password, wrong codes",
    "require-second-factor": "Second factor asked of everybody",
    "end-required-second-factor": "Second factor no longer asked of everybody",
}
THINGS = {
    "audit": "Audit trail",
    "user": "Person",
    "api-key": "API key",
    "api_key": "API key",
    "outbound": "Setup",
    "config": "Setup",
    "handover": "Link for the Microsoft admin",
}
# Fields whose names say too little alone.
FIELDS = {
    "tls": "TLS",
    "types": "kinds of event",
    "unknown_policy": "when nobody knows whether a mail was accepted",
    "url": "address",
}


def action_words(action: str) -> str:
    """An action such as `credential:create` as people say it: Credential made."""
    thing, _, verb = action.partition(":")
    verb = verb.replace("_", "-")
    if verb in SENTENCES:
        return SENTENCES[verb]
    noun = THINGS.get(thing) or thing.replace("-", " ").replace("_", " ").capitalize()
    return f"{noun} {VERBS.get(verb) or verb.replace('-', ' ')}".strip()


def detail_words(detail: Mapping[str, Any]) -> str:
    """What else is known of an event, in one line."""
    return "; ".join(f"{name.replace('_', ' ')}: {_value(name, value)}" for name, value in detail.items() if value)


def _value(name: str, value: Any) -> str:
    if not isinstance(value, list | tuple):
        return str(value)
    return ", ".join(_field_words(str(one)) if name == "fields" else str(one) for one in value)


def _field_words(field: str) -> str:
    return FIELDS.get(field) or field.removesuffix("_id").replace("_", " ")
