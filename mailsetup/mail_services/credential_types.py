"""The types of credential, each describing its own form and its own rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mailsetup.core.errors import NotFound
from mailsetup.core.redact import Secret
from mailsetup.mail_services import certificates, own_certificates, values
from mailsetup.mail_services.base import Consent, CredentialValue, Field
from mailsetup.mail_services.clouds import CLOUD_CHOICES
from mailsetup.mail_services.values import Answers

ACCOUNT_FACTS = ("account_username", "account_tid", "account_oid", "account_scopes", "account_addresses")
CERTIFICATE_FACTS = ("thumbprint", "certificate_expires", "certificate_subject", "certificate_made")
MADE_HERE = "here"
SECRET_LIMIT = 8192
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_ONE_PROOF = "Choose one: a certificate made here, a client secret, or a certificate file."
_NEEDS_VALUE = (
    "This looks like the Secret ID. Microsoft needs the secret's Value, the other column under "
    "Certificates & secrets; it is shown only once, so make a new secret if it is hidden now."
)


@dataclass(frozen=True)
class CredentialInput:
    """A cleaned credential: what may be shown, and what is sealed."""

    public: dict[str, str]
    secrets: dict[str, Secret]


Clean = Callable[[Answers, Mapping[str, bytes], CredentialValue | None], CredentialInput]


@dataclass(frozen=True)
class CredentialType:
    """A fact sheet: form fields, and `consent`, what a person still does at Microsoft afterwards."""

    name: str
    label: str
    summary: str
    fields: tuple[Field, ...]
    consent: Consent
    _clean: Clean = field(repr=False)

    def clean(
        self, raw: Mapping[str, str], files: Mapping[str, bytes], previous: CredentialValue | None
    ) -> CredentialInput:
        """The credential out of a form. A blank secret keeps the previous one, unless what it is for has changed.

        Raises InvalidInput by field.
        """
        answers = Answers(raw)
        same = previous if previous is not None and previous.type == self.name else None
        cleaned = self._clean(answers, files, same)
        answers.finish()
        return cleaned


def is_guid(text: str) -> bool:
    """Whether the text is a GUID, as Entra writes its ids."""
    return bool(_GUID.fullmatch(text))


def _guid(text: str) -> str:
    if not is_guid(text):
        raise ValueError("Copy the id from Overview in Entra; it looks like 11111111-2222-3333-4444-555555555555.")
    return text.lower()


def _tenant(text: str) -> str:
    if is_guid(text):
        return text.lower()
    try:
        name = values.host_name(text)
    except ValueError:
        name = ""
    if "." not in name or name.replace(".", "").isdigit():
        raise ValueError("Copy the Directory (tenant) ID from Overview in Entra, or type a domain like contoso.com.")
    return name


def _username(text: str) -> str:
    if len(text) > 320:
        raise ValueError("This is too long: at most 320 characters.")
    return values.one_line(text)


def _unchanged(previous: CredentialValue | None, public: Mapping[str, str], names: tuple[str, ...]) -> bool:
    """Whether the secret we hold was given for these very values, so that it may be kept (CVE-2024-5967)."""
    return previous is not None and all(previous.public.get(name, "") == public.get(name, "") for name in names)


def _clean_password(answers: Answers, _files: Mapping[str, bytes], previous: CredentialValue | None) -> CredentialInput:
    public = {"username": answers.parsed("username", _username, missing="Type the user name for the mail server.")}
    typed = answers.text("password", limit=SECRET_LIMIT)
    if "\x00" in typed or "\n" in typed or "\r" in typed:
        answers.refuse("password", values.LINE_BREAKS)
    kept = previous is not None and "password" in previous.secrets and _unchanged(previous, public, ("username",))
    if typed or not kept or previous is None:
        if not typed:
            changed = previous is not None and not answers.wrong
            answers.refuse("password", _again("password", "user name") if changed else "Type the password.")
        return CredentialInput(public, {"password": Secret(typed)})
    return CredentialInput(public, {"password": previous.secrets["password"]})


def _again(secret: str, changed: str) -> str:
    return f"The {changed} has changed, so type the {secret} again: we never send a stored one to a new place."


def _clean_app(answers: Answers, files: Mapping[str, bytes], previous: CredentialValue | None) -> CredentialInput:
    public = {
        "cloud": answers.choice("cloud", CLOUD_CHOICES, "global"),
        "tenant_id": answers.parsed("tenant_id", _tenant, missing="Copy the Directory (tenant) ID from Entra."),
        "client_id": answers.parsed("client_id", _guid, missing="Copy the Application (client) ID from Entra."),
    }
    secret, upload = answers.text("client_secret", limit=SECRET_LIMIT), files.get("certificate") or b""
    made = answers.ticked("make_certificate")
    if bool(secret) + bool(upload) + made > 1:
        answers.refuse("make_certificate" if made else "certificate", _ONE_PROOF)
    if made:
        return _made_here(answers, public)
    if upload:
        return _with_certificate(answers, public, upload)
    if secret:
        return CredentialInput(public, _checked_secret(answers, secret))
    return _kept_proof(answers, public, previous, "Paste the client secret's Value, or let us make a certificate.")


def _made_here(answers: Answers, public: dict[str, str]) -> CredentialInput:
    if answers.wrong:
        return CredentialInput(public, {})
    return _certified(public, own_certificates.make_certificate("Outbound mail"), made=MADE_HERE)


def _checked_secret(answers: Answers, secret: str) -> dict[str, Secret]:
    if is_guid(secret):
        answers.refuse("client_secret", _NEEDS_VALUE)
    if any(character.isspace() or not character.isprintable() for character in secret):
        answers.refuse("client_secret", "A client secret has no blanks in it. Copy the Value again, alone.")
    return {"client_secret": Secret(secret)}


def _with_certificate(answers: Answers, public: dict[str, str], upload: bytes) -> CredentialInput:
    try:
        found = certificates.read_upload(upload, str(answers.text("passphrase")))
    except certificates.CertificateRefused as error:
        answers.refuse("certificate", str(error))
        return CredentialInput(public, {})
    return _certified(public, found)


def _certified(
    public: dict[str, str], found: certificates.SigningCertificate, *, made: str = "elsewhere"
) -> CredentialInput:
    facts = {
        "thumbprint": found.thumbprint,
        "certificate_expires": found.expires_at.date().isoformat(),
        "certificate_subject": found.subject,
        "certificate_made": made,
    }
    secrets = {"private_key": found.private_key_pem, "certificate": Secret(found.certificate_pem)}
    return CredentialInput({**public, **facts}, secrets)


def _kept_proof(
    answers: Answers, public: dict[str, str], previous: CredentialValue | None, missing: str
) -> CredentialInput:
    """The secret or certificate we already hold, when tenant, client and cloud are still the same."""
    if previous is None or not previous.secrets:
        answers.refuse("client_secret", missing)
        return CredentialInput(public, {})
    if not _unchanged(previous, public, ("cloud", "tenant_id", "client_id")):
        answers.refuse("client_secret", _again("client secret", "tenant, client ID or cloud"))
        return CredentialInput(public, {})
    facts = {name: previous.public[name] for name in CERTIFICATE_FACTS if name in previous.public}
    return CredentialInput({**public, **facts}, dict(previous.secrets))


def _clean_grant(answers: Answers, _files: Mapping[str, bytes], previous: CredentialValue | None) -> CredentialInput:
    app = answers.choice("app", GRANT_APPS, "platform")
    public: dict[str, Any] = {"app": app, "cloud": answers.choice("cloud", CLOUD_CHOICES, "global")}
    secrets: dict[str, Secret] = {}
    if app == "own":
        cleaned = _clean_app(answers, {}, previous)
        public, secrets = {**cleaned.public, "app": app}, cleaned.secrets
    if answers.ticked(SHARED.name):
        public["shared"] = "true"
    if _unchanged(previous, public, ("app", "cloud", "tenant_id", "client_id")) and previous is not None:
        public |= {name: previous.public[name] for name in ACCOUNT_FACTS if name in previous.public}
    return CredentialInput(public, secrets)


GRANT_APPS = (("platform", "Our app at Microsoft"), ("own", "An app of your own organisation"))
_CLOUD = Field(
    "cloud",
    "Microsoft cloud",
    "Nearly always the first one. Government and China clouds are separate.",
    input="select",
    default="global",
    choices=CLOUD_CHOICES,
)
_TENANT_ID = Field(
    "tenant_id",
    "Directory (tenant) ID",
    "In Entra: App registrations, your app, Overview.",
    placeholder="11111111-2222-3333-4444-555555555555",
)
_CLIENT_ID = Field(
    "client_id",
    "Application (client) ID",
    "On the same Overview page.",
    placeholder="11111111-2222-3333-4444-555555555555",
)
_CLIENT_SECRET = Field(
    "client_secret",
    "Client secret (Value)",
    "Under Certificates & secrets: the Value, not the Secret ID. It is shown only once.",
    input="password",
    required=False,
    secret=True,
    autocomplete="new-password",
)
_CERTIFICATE = Field(
    "certificate",
    "Certificate file",
    "Instead of a client secret: a PFX file, or a PEM file with private key and certificate, up to 64 KB.",
    input="file",
    required=False,
    secret=True,
)
MAKE_CERTIFICATE = Field(
    "make_certificate",
    "Make a certificate here, so that no secret has to be copied",
    "The safest way: the private key never leaves this server. After saving, you download the public part (.cer) and "
    "your Microsoft admin uploads it in Entra. It lasts two years.",
    input="checkbox",
    required=False,
)
_PASSPHRASE = Field(
    "passphrase",
    "Password of the certificate file",
    "Only if the file has one. It is not kept.",
    input="password",
    required=False,
    secret=True,
    autocomplete="new-password",
)
_LOGIN = (
    Field("username", "User name", "As your mail provider gives it; often the whole email address."),
    Field(
        "password",
        "Password",
        "Some providers want an app password or a key here instead of your usual password.",
        input="password",
        required=False,
        secret=True,
        autocomplete="new-password",
    ),
)
_APP = Field(
    "app",
    "App to sign in through",
    "Our app needs no set-up. Choose your own if your Microsoft admin registered one.",
    input="select",
    default="platform",
    choices=GRANT_APPS,
)


SHARED = Field(
    "shared",
    "Send from a shared mailbox, or on behalf of somebody",
    "Exchange decides which mailboxes that are: whoever signs in needs Send As there.",
    input="checkbox",
    required=False,
)


def shared_field(permission: str) -> Field:
    """The tick for shared mailboxes, of a kind that asks for this permission too; or for none, where it is empty."""
    if not permission:
        return SHARED
    asks = f"Asks for one permission more, {permission}. Exchange decides which mailboxes that are: whoever signs in "
    return replace(SHARED, help=f"{asks}needs Send As or Send on Behalf there.")


def _optional(fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """The fields of an own app, which stay blank with ours."""
    return tuple(Field(**{**vars(shown), "required": False}) for shown in fields)


SMTP_LOGIN = CredentialType(
    "smtp_login", "SMTP user name and password", "For any mail server.", _LOGIN, Consent.NONE, _clean_password
)
MICROSOFT_APP = CredentialType(
    "microsoft_app",
    "Microsoft client credentials",
    "An app that your Microsoft admin registers: tenant ID, client ID, and a client secret or certificate.",
    (_CLOUD, _TENANT_ID, _CLIENT_ID, MAKE_CERTIFICATE, _CLIENT_SECRET, _CERTIFICATE, _PASSPHRASE),
    Consent.ADMIN,
    _clean_app,
)
MICROSOFT_GRANT = CredentialType(
    "microsoft_grant",
    "Microsoft sign-in",
    "A person signs in as the mailbox and allows us to send mail.",
    (_APP, _CLOUD, *_optional((_TENANT_ID, _CLIENT_ID)), _CLIENT_SECRET),
    Consent.SIGN_IN,
    _clean_grant,
)
_TYPES = {found.name: found for found in (MICROSOFT_APP, MICROSOFT_GRANT, SMTP_LOGIN)}


def get(name: str) -> CredentialType:
    """The type by name. Raises NotFound."""
    try:
        return _TYPES[name]
    except KeyError:
        raise NotFound(f"There is no credential type named {name[:60]!r}") from None


def all_types() -> tuple[CredentialType, ...]:
    """Every type of credential."""
    return tuple(_TYPES.values())
