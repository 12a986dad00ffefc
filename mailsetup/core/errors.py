"""The error tree of the product.

MailsetupError
├── SettingsError      a setting is wrong or missing; the process refuses to start
├── InvalidInput       what a person or program sent is wrong, named by field (422)
│   └── QuotaReached       the workspace used up what it may (429)
├── NotFound           no such row in this workspace (404)
├── NotAllowed         the role does not allow it (403)
├── Conflict           the state of the row does not allow it now (409)
├── UnsealError        a sealed value does not open: wrong key, row or field
├── EgressError        an outgoing connection could not be made
│   ├── EgressRefused      the address is not one we connect to
│   ├── ResolutionFailed   the name has no usable address
│   └── ConnectFailed      no address answered
└── TransportError     a mail service refused or failed (mail_services/errors.py)
"""

from __future__ import annotations

from collections.abc import Mapping


class MailsetupError(Exception):
    """Base of every error this product raises on purpose."""


class SettingsError(MailsetupError):
    """A setting is wrong or missing; its text is one sentence for the operator."""


class InvalidInput(MailsetupError):
    """What was sent is wrong; `fields` maps each field to a sentence ("" for the whole form)."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(fields.values()))
        self.fields = dict(fields)


class QuotaReached(InvalidInput):
    """The workspace used up what it may; room again in `retry_after` seconds, or once it gives something up."""

    def __init__(self, text: str, *, field: str, retry_after: int | None) -> None:
        super().__init__({field: text})
        self.retry_after = retry_after


class NotFound(MailsetupError):
    """There is no such row in this workspace."""


class NotAllowed(MailsetupError):
    """The acting person's role does not allow this."""


class Conflict(MailsetupError):
    """The row is in a state that does not allow this; the text says which and what to do."""


class UnsealError(MailsetupError):
    """A sealed value does not open with the keys we have, or belongs to another row."""


class EgressError(MailsetupError):
    """An outgoing connection could not be made; `host` and `port` name the target."""

    def __init__(self, text: str, *, host: str, port: int) -> None:
        super().__init__(text)
        self.host = host
        self.port = port


class EgressRefused(EgressError):
    """The target is not one we connect to: a non-public address or a port off the list."""


class ResolutionFailed(EgressError):
    """The host name has no usable address; `transient` tells a lookup fault from "no such name"."""

    def __init__(self, text: str, *, host: str, port: int, transient: bool) -> None:
        super().__init__(text, host=host, port=port)
        self.transient = transient


class ConnectFailed(EgressError):
    """No address of the host answered; `reason` is refused, timeout, unreachable or proxy."""

    def __init__(self, text: str, *, host: str, port: int, reason: str) -> None:
        super().__init__(text, host=host, port=port)
        self.reason = reason
