"""The first stages, the same for every kind: what fails without asking anyone, then the token."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from mailsetup.mail_services import own_senders
from mailsetup.mail_services.base import CredentialValue, MailService, Report, Token
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import judged


def check_credential(service: MailService) -> None:
    """Whether the credential is there and usable today. Raises TransportError."""
    credential = service.credential
    if credential is None:
        if service.credential_required:
            raise unusable("credential_missing", service)
        return
    if credential.type not in service.credential_types:
        raise unusable("credential_missing", service)
    if credential.type == "microsoft_grant":
        _check_grant(credential, service)
    _check_certificate(credential, service)


def _check_grant(credential: CredentialValue, service: MailService) -> None:
    if credential.public.get("app", "platform") == "platform" and not service.platform.client_id:
        raise unusable("platform_app_missing", service)
    if not credential.public.get("account_oid"):
        raise unusable("not_signed_in", service)


def _check_certificate(credential: CredentialValue, service: MailService) -> None:
    ends = credential.public.get("certificate_expires", "")
    if ends and date.fromisoformat(ends) < datetime.now(UTC).date():
        raise unusable("certificate_expired", service, ended=ends)


def token_stage(service: MailService, report: Report) -> Token:
    """The stage `token`; a failure learns the facts of the setup. Raises TransportError."""
    with report.stage("token") as note:
        try:
            token = service.tokens.token_for(service)
        except TransportError as error:
            known = {name: value for name, value in error.context.items() if value}
            error.context = {**known_facts(service), **known}
            raise
        note.note(**token.evidence)
    return token


def unusable(code: str, service: MailService, *, stage: str = "settings", **context: Any) -> TransportError:
    """A judged error of a check of our own."""
    known = {**known_facts(service), **context}
    return judged(TransportError("", channel="settings", stage=stage, code=code, context=known))


def known_facts(service: MailService) -> dict[str, Any]:
    """What explanations fill their texts with; never a secret."""
    public = service.credential.public if service.credential else {}
    shown = ("client_id", "tenant_id", "cloud")
    facts: dict[str, Any] = {name: public[name] for name in shown if public.get(name)}
    facts |= {name: service.settings[name] for name in ("from_address", "username") if service.settings.get(name)}
    facts["redirect_uri"] = service.platform.redirect_uri
    if main := own_senders.main_address(str(service.settings.get("from_address", "")), public):
        facts |= {"alias": "yes", "main_address": main}
    return facts | _sender_facts(service.credential)


def _sender_facts(credential: CredentialValue | None) -> dict[str, str]:
    """Whether an app or a person signs in, and whose app it is: that decides who can repair it."""
    if credential is None or credential.type not in {"microsoft_app", "microsoft_grant"}:
        return {}
    if credential.type == "microsoft_app":
        return {"signs_in": "app", "app": "own"}
    return {"signs_in": "person", "app": credential.public.get("app", "platform")}
