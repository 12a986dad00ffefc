"""The form of a credential, on its own pages and inside the set-up of outbound mail.

A page includes `credentials/_form.html` with a `CredentialForm` named `form`, inside a form element with
`enctype="multipart/form-data"`; `posted_entries` reads what comes back, for `vault.create_credential`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.checks import Entries
from mailsetup.credentials.models import Credential, CredentialVersion
from mailsetup.mail_services import certificates
from mailsetup.mail_services.base import Consent, Field
from mailsetup.mail_services.clouds import choices_for
from mailsetup.mail_services.credential_types import MAKE_CERTIFICATE, CredentialType
from mailsetup.platform import current_platform
from mailsetup.web.filters import show_date
from mailsetup.web.forms import form_values, posted_values, uploaded

NAME = Field(
    "name",
    "Name",
    "How you will find it again. Setups that use it show this name.",
    placeholder="Contoso mail app",
)
DESCRIPTION = Field("description", "Description", "What it is for, or who made it.", required=False)
EXPIRES_ON = Field(
    "expires_on",
    "Expires on",
    "The last day it works, as the place that issued it says. We write from 60 days before, and pages show it "
    "from 30 days before.",
    input="date",
    required=False,
)
EXPIRY_NOTE = Field(
    "expiry_note",
    "Note for the next renewal",
    "For whoever renews it: where it was made, and who can make a new one. Not a place for the secret itself.",
    required=False,
    placeholder="Made in Entra by Dana; renew under Certificates & secrets",
)
ABOUT = (NAME, DESCRIPTION)
EXPIRY = (EXPIRES_ON, EXPIRY_NOTE)
_WRONG_DATE = "Give a date such as 2027-03-31."


@dataclass(frozen=True)
class CredentialForm:
    """A form to show: its fields in groups, what is filled in, what is wrong, and which secrets are kept."""

    type: CredentialType
    about: tuple[Field, ...]
    own: tuple[Field, ...]
    expiry: tuple[Field, ...]
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    revision: int | None = None


def credential_form(
    type_: CredentialType,
    *,
    credential: Credential | None = None,
    version: CredentialVersion | None = None,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> CredentialForm:
    """The form for a new credential of this type, or for a stored one with its current version."""
    by_signing_in = type_.consent is Consent.SIGN_IN
    own = () if by_signing_in else _own(type_, stored=credential is not None)
    return CredentialForm(
        type=type_,
        about=ABOUT,
        own=own,
        expiry=EXPIRY,
        values=_without_secrets(type_, values if values is not None else _stored(credential, version)),
        errors=dict(errors or {}),
        kept=_kept(own, version),
        revision=credential.revision if credential else None,
    )


def _own(type_: CredentialType, *, stored: bool) -> tuple[Field, ...]:
    """Of a stored credential the certificate is not made anew: nobody has uploaded it yet. Renew does that."""
    return offered(shown for shown in type_.fields if not stored or shown != MAKE_CERTIFICATE)


def offered(fields: Iterable[Field]) -> tuple[Field, ...]:
    """The fields with the clouds that can be chosen in this installation."""
    clouds = choices_for(current_platform())
    return tuple(replace(one, choices=clouds) if one.name == "cloud" else one for one in fields)


def posted_form(
    type_: CredentialType,
    errors: Mapping[str, str],
    *,
    credential: Credential | None = None,
    version: CredentialVersion | None = None,
) -> CredentialForm:
    """The form as it was sent, with what is wrong in it; secrets are not in it any more."""
    return credential_form(type_, credential=credential, version=version, values=posted_values(), errors=errors)


def posted_entries(type_: CredentialType) -> Entries:
    """What was sent, for the vault to check. Raises InvalidInput by field for what cannot even be read."""
    own = () if type_.consent is Consent.SIGN_IN else type_.fields
    files = {
        shown.name: uploaded(shown.name, label=shown.label, limit=certificates.FILE_LIMIT)
        for shown in own
        if shown.input == "file"
    }
    typed = form_values(shown for shown in (*ABOUT, *own, *EXPIRY) if shown.input != "file")
    return Entries(
        name=typed["name"],
        description=typed["description"],
        raw={shown.name: typed[shown.name] for shown in own if shown.name in typed},
        files=files,
        expires_on=day_of(typed["expires_on"]),
        expiry_note=typed["expiry_note"],
    )


def day_of(text: str) -> date | None:
    """The day that was typed, if one was. Raises InvalidInput at `expires_on`."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput({"expires_on": _WRONG_DATE}) from None


def _stored(credential: Credential | None, version: CredentialVersion | None) -> dict[str, str]:
    if credential is None:
        return {}
    return {
        **({} if version is None else {name: str(value) for name, value in version.public.items()}),
        "name": credential.name,
        "description": credential.description,
        "expires_on": credential.expires_on.isoformat() if credential.expires_on else "",
        "expiry_note": credential.expiry_note,
    }


def _without_secrets(type_: CredentialType, values: Mapping[str, str]) -> dict[str, str]:
    secret = {shown.name for shown in type_.fields if shown.secret or shown.input == "password"}
    return {name: value for name, value in values.items() if name not in secret}


def _kept(fields: tuple[Field, ...], version: CredentialVersion | None) -> dict[str, str]:
    names = version.secret_names if version else ()
    return {shown.name: kept_note(version.created_at) for shown in fields if version and shown.name in names}


def kept_note(set_at: datetime) -> str:
    """What stands beside a secret field instead of the secret."""
    return f"Set on {show_date(set_at)}. Leave blank to keep it."
