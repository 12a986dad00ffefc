"""The words every kind of mail service shares: fields, stages, mail, report, result."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, ClassVar, Protocol

from mailsetup.core.egress import Door
from mailsetup.core.redact import Secret
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.limits import Limits
from mailsetup.mail_services.timeouts import Timeouts

STAGES = ("settings", "token", "resolve", "connect", "tls", "authenticate", "sender", "recipient", "accept")

Evidence = dict[str, str | int | float | bool]


class Consent(Enum):
    """What a person has to do at Microsoft before the kind works."""

    NONE = "none"
    ADMIN = "admin"
    SIGN_IN = "sign_in"


@dataclass(frozen=True)
class Field:
    """One input of a form; `fixed` fields are shown, filled and explained but not editable."""

    name: str
    label: str
    help: str = ""
    input: str = "text"  # text, number, email, select, password, textarea, file, date, checkbox
    required: bool = True
    default: str = ""
    fixed: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    secret: bool = False
    placeholder: str = ""
    autocomplete: str = "off"


@dataclass(frozen=True)
class CredentialValue:
    """A credential as a kind sees it: what is public, what is secret, and which version it is."""

    type: str
    public: Mapping[str, str]
    secrets: Mapping[str, Secret]
    version_key: str


@dataclass(frozen=True)
class Platform:
    """What the operator's settings say about the outside world; `door` is the only way out."""

    door: Door
    base_url: str
    login_url: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com"
    outlook_smtp_host: str = "smtp.office365.com"
    outlook_smtp_port: int = 587
    client_id: str = ""
    client_secret: Secret = field(default_factory=lambda: Secret(""))
    client_certificate_pem: Secret = field(default_factory=lambda: Secret(""))
    accounts: str = "organizations"  # or `common`: who may sign in through our app
    timeouts: Timeouts = field(default_factory=Timeouts)
    clouds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # what differs from what we know of a cloud

    @property
    def redirect_uri(self) -> str:
        """Where Microsoft sends a person back to after sign-in."""
        return f"{self.base_url}/setup/microsoft/callback"

    @property
    def lets_personal_in(self) -> bool:
        """Whether personal Microsoft accounts (outlook.com) may sign in, through our own app."""
        return self.accounts == "common" and bool(self.client_id)


@dataclass(frozen=True)
class WayOut:
    """The kind to move to from one that ends or is switched off, with the sentence that says why."""

    kind: str
    label: str
    why: str


@dataclass(frozen=True)
class Mail:
    """What is sent: the frozen bytes (RFC 5322, CRLF, no Bcc header) and their envelope.

    `earlier` is what a service that `looks_up` named the mail in an earlier try; empty when that
    try did not come so far, None when there was none.
    """

    envelope_sender: str
    recipients: tuple[str, ...]
    content: bytes
    message_id: str
    earlier: str | None = None


@dataclass(frozen=True)
class Refusal:
    """One recipient the service did not take, while it took others."""

    recipient: str
    code: str
    text: str
    permanent: bool


@dataclass(frozen=True)
class SendResult:
    """The service accepted the mail; `refused` recipients are not part of that."""

    service_id: str
    text: str
    refused: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """A mail as it lies in the recipient's mailbox, with what the receiving server thought of it (RFC 8601)."""

    received_at: str
    verdicts: Mapping[str, str]  # spf, dkim, dmarc: pass, fail, none ...
    folder: str = ""


@dataclass(frozen=True)
class Token:
    """An access token, its end, and what it says of itself (never the token) for evidence."""

    value: Secret
    expires_at: datetime
    evidence: Evidence = field(default_factory=dict)


@dataclass
class TokenCache:
    """A serialized MSAL cache in memory; `changed` tells the caller to store it again.

    `claims` is what a service demanded of the next token (a claims challenge, JSON).
    """

    blob: str = ""
    changed: bool = False
    claims: str = ""


class TokenSource(Protocol):
    """Where a kind gets its token from; the kind never sees the database."""

    def token_for(self, service: MailService) -> Token:
        """A token with time left. Raises TransportError at stage `token`."""

    def forget(self, token: Token, *, claims: str = "") -> None:
        """The service refused this token; the next call gets another one, which fulfils `claims`."""


class FreshTokens:
    """Tokens straight from Microsoft, nothing reused: what a test uses. Keeps the cache it ends with."""

    def __init__(self, cache: TokenCache | None = None) -> None:
        self.cache = cache or TokenCache()

    def token_for(self, service: MailService) -> Token:
        """A new token. Raises TransportError at stage `token`."""
        return service.fetch_token(self.cache, fresh=True)

    def forget(self, token: Token, *, claims: str = "") -> None:
        """No token is kept; the next one fulfils the claims."""
        self.cache.claims = claims


class StageNote:
    """Collects the evidence of one running stage."""

    def __init__(self) -> None:
        self.evidence: Evidence = {}

    def note(self, **evidence: str | int | float | bool) -> None:
        """Adds facts that are shown beside the stage; never a secret."""
        self.evidence.update(evidence)


class Report:
    """Hears of each stage as it runs; the base class hears and keeps nothing (the null report)."""

    @contextmanager
    def stage(self, name: str) -> Iterator[StageNote]:
        """Runs one stage; a TransportError that leaves it is marked with the stage's name."""
        note = StageNote()
        self.entered(name)
        try:
            yield note
        except TransportError as error:
            error.stage = error.stage or name
            self.failed(name, error, note.evidence)
            raise
        self.passed(name, note.evidence)

    def named(self, name: str) -> None:
        """The service's own name for the mail, before it is accepted: with it a later try can look it up."""

    def entered(self, name: str) -> None:
        """The stage begins."""

    def passed(self, name: str, evidence: Evidence) -> None:
        """The stage ended well."""

    def failed(self, name: str, error: TransportError, evidence: Evidence) -> None:
        """The stage failed; the error is on its way up."""


NullReport = Report


class MailService(ABC):
    """One kind of mail service: a fact sheet, and the conversation that delivers a mail.

    A service object is one lane: it is used by one thread at a time and keeps its
    connection between mails until `close`.
    """

    kind: ClassVar[str]
    label: ClassVar[str]
    summary: ClassVar[str]
    position: ClassVar[int]
    recommended: ClassVar[bool] = False
    fields: ClassVar[tuple[Field, ...]]
    stages: ClassVar[tuple[str, ...]]
    credential_types: ClassVar[tuple[str, ...]]
    credential_required: ClassVar[bool] = True
    consent: ClassVar[Consent] = Consent.NONE
    app_permission: ClassVar[str] = ""  # what an app of its own needs at Microsoft
    sign_in_permission: ClassVar[str] = ""  # what a person who signs in has to allow
    can_share: ClassVar[bool] = False  # whether a person may sign in to send from a mailbox that is shared
    shared_permission: ClassVar[str] = ""  # what that person allows too for it, where that is a permission of its own
    connections_per_mailbox: ClassVar[int] = 2  # of one worker
    limits: ClassVar[Limits] = Limits()

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        credential: CredentialValue | None,
        platform: Platform,
        tokens: TokenSource,
    ) -> None:
        self.settings = settings
        self.credential = credential
        self.platform = platform
        self.tokens = tokens

    @classmethod
    @abstractmethod
    def clean(cls, raw: Mapping[str, str], *, platform: Platform) -> dict[str, Any]:
        """The settings out of a form's raw values, blanks trimmed. Raises InvalidInput by field."""

    @classmethod
    def form_fields(cls, platform: Platform) -> tuple[Field, ...]:
        """The fields as shown, with defaults that depend on the operator's settings filled in."""
        return cls.fields

    @classmethod
    def sign_in_scopes(cls, public: Mapping[str, str], platform: Platform) -> tuple[str, ...]:
        """What to ask Microsoft for when a person signs in for this kind; empty when nobody does."""
        return ()

    @classmethod
    def profile_scopes(cls, public: Mapping[str, str], platform: Platform) -> tuple[str, ...]:
        """What is asked for beside, where the token for sending does not tell the person's addresses."""
        return ()

    @classmethod
    def addresses_of(cls, public: Mapping[str, str], platform: Platform, token: Token) -> tuple[str, ...]:
        """The signed-in person's own addresses, the main one first; none where the service does not tell.

        The token is one for `profile_scopes` where the kind has those.
        """
        return ()

    @classmethod
    def refusals(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> dict[str, str]:
        """What cannot work with this sign-in, a sentence by field; known before anything is tried."""
        return {}

    @classmethod
    def doubts(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> tuple[str, ...]:
        """What may not work with this sign-in although nothing forbids it, in sentences: a test has to tell."""
        return ()

    @classmethod
    def mailbox_of(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> str:
        """Whose limits count: the mailbox, or the login at the host, that mail goes through.

        `public` is what may be shown of the credential. Equal for every setup that sends through the same mailbox.
        """
        user = settings.get("username") or public.get("username") or settings.get("from_address", "")
        return f"{cls.kind}:{user}@{settings.get('host', '')}".lower()

    @classmethod
    def limits_of(cls, settings: Mapping[str, Any]) -> Limits:
        """What the mailbox of these settings takes."""
        return cls.limits

    @classmethod
    def size_refusal(cls, settings: Mapping[str, Any], size: int) -> str:
        """Why a mail of so many bytes never goes through these settings, in a sentence; empty when it may."""
        return ""

    @property
    def looks_up(self) -> bool:
        """Whether a try without an answer is looked up by the next one, instead of being sent again."""
        return False

    @classmethod
    def host_of(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> str:
        """The server that mail is given to, as `host:port`; `public` is what may be shown of the credential."""
        cloud = public.get("cloud", "").removeprefix("global")
        return f"{settings.get('host', '')}:{settings.get('port', '')} {cloud}".strip().lower()

    @classmethod
    def more_permissions(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What these settings need of an app beside `app_permission`."""
        return ()

    @classmethod
    def way_out(cls, settings: Mapping[str, Any], credential_type: str, cause: str) -> WayOut | None:
        """Where to move to from these settings; `cause` is why the setup stopped, if it did."""
        return None

    def required_credential(self) -> CredentialValue:
        """The credential. Raises TransportError when there is none."""
        if self.credential is None:
            raise TransportError("", channel="settings", stage="settings", code="credential_missing", permanent=True)
        return self.credential

    def fetch_token(self, cache: TokenCache, *, fresh: bool = False) -> Token:
        """A token from Microsoft or the cache; `fresh` reuses no access token. Raises TransportError."""
        raise NotImplementedError(f"{type(self).__name__} needs no token")

    def may_use(self, mailbox: str) -> bool:
        """Whether the app may send as this mailbox, asked without sending anything. Raises TransportError."""
        raise NotImplementedError(f"{type(self).__name__} has no app of its own")

    @abstractmethod
    def open(self, report: Report) -> None:
        """Everything before a mail is named, up to `authenticate`; does nothing when already open."""

    @abstractmethod
    def deliver(self, mail: Mail, report: Report) -> SendResult:
        """Opens if needed, then sends: `sender`, `recipient`, `accept`. Raises TransportError."""

    def expect(self, mail: Mail) -> None:  # noqa: B027 - most kinds can do nothing ahead
        """Told before `deliver` which mail comes after it, if that is known; it may then not be delivered at all."""

    def check(self, mail: Mail, report: Report) -> None:
        """Goes as far as it can without handing the mail over; later stages are not reported. Raises TransportError."""
        self.open(report)

    def find_mail(self, recipient: str, message_id: str) -> Arrival | None:
        """The mail in the recipient's own mailbox, where the permissions we have let us read it; else None.

        Raises TransportError.
        """
        return None

    def close(self) -> None:  # noqa: B027 - a kind that keeps no connection has nothing to close
        """Ends the conversation politely; never raises for a connection that is already gone."""


ServiceFactory = Callable[..., MailService]
