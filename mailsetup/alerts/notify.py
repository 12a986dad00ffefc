"""Sends a notice through the operator's own mail server, never through the service it is about."""

from __future__ import annotations

from email.policy import SMTP

from mailsetup import settings
from mailsetup.alerts.facts import NoticeFacts
from mailsetup.alerts.letter import write_letter
from mailsetup.core.egress import Door
from mailsetup.core.errors import EgressError, MailsetupError, SettingsError
from mailsetup.mail_services.base import Mail
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.operator_mail import OperatorMailer
from mailsetup.settings import Settings

NOT_CONFIGURED = (
    "No mail server for alerts is set up, so nobody was written to. "
    "Your operator gives one with MAILSETUP_OPERATOR_SMTP_URL and MAILSETUP_OPERATOR_FROM."
)
QUOTE_LIMIT = 300


class NotSent(MailsetupError):
    """A notice was not accepted; the text is for people, `final` says that trying again is no use."""

    def __init__(self, text: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


def send_notice(facts: NoticeFacts) -> None:
    """Writes the mail and hands it over. Raises NotSent."""
    current = settings.current()
    if not current.operator_smtp_url or not current.operator_from:
        raise NotSent(NOT_CONFIGURED, final=True)
    try:
        _mailer(current).send(_mail(facts, current.operator_from))
    except TransportError as error:
        raise NotSent(_refusal(error), final=error.scope == "message" and error.permanent) from None
    except EgressError as error:
        raise NotSent(f"The operator's mail server could not be reached: {error}.") from None


def _mailer(current: Settings) -> OperatorMailer:
    """The operator named this host in the settings, so the door lets it be anywhere."""
    door = Door.trusted(ca_bundle=current.ca_bundle, smtp_proxy=current.smtp_proxy)
    try:
        return OperatorMailer(current.operator_smtp_url, current.operator_from, door, base_url=current.base_url)
    except SettingsError as error:
        raise NotSent(f"No mail can be sent to anybody: {error} Your operator can correct it.", final=True) from None


def _mail(facts: NoticeFacts, sender: str) -> Mail:
    try:
        message = write_letter(facts, sender=sender)
    except ValueError:
        raise NotSent(f"{facts.target} is not an address that mail can be sent to.", final=True) from None
    return Mail(
        envelope_sender=sender,
        recipients=(facts.target,),
        content=message.as_bytes(policy=SMTP),
        message_id=message["Message-ID"],
    )


def _refusal(error: TransportError) -> str:
    words = f"{error.code} {error.raw}".strip()[:QUOTE_LIMIT]
    return f"The operator's mail server did not take it: {words or 'no reason given'}"
