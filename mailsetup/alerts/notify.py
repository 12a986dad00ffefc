"""Sends a notice: by the operator's own mail server or a webhook, never through the service it is about."""

from __future__ import annotations

from collections.abc import Sequence
from email.policy import SMTP

from mailsetup import settings
from mailsetup.alerts.channels import Channel, body_of, channel_of
from mailsetup.alerts.facts import NoticeFacts
from mailsetup.alerts.letter import write_letter
from mailsetup.alerts.recipients import EMAIL, OPERATOR_WEBHOOK
from mailsetup.alerts.stages import StageLog
from mailsetup.alerts.ways import Way
from mailsetup.core.egress import Door
from mailsetup.core.errors import EgressError, MailsetupError, SettingsError
from mailsetup.mail_services import webhooks
from mailsetup.mail_services.base import Mail
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.operator_mail import OperatorMailer
from mailsetup.platform import current_platform
from mailsetup.settings import Settings

NOT_CONFIGURED = (
    "No mail server for alerts is set up, so nobody was written to. "
    "Your operator gives one with MAILSETUP_OPERATOR_SMTP_URL and MAILSETUP_OPERATOR_FROM."
)
DELETED = "This way of telling was deleted before the notice left."
QUOTE_LIMIT = 300


class NotSent(MailsetupError):
    """A notice was not accepted; the text is for people.

    `final` says that trying again is no use, `mailer` that the operator's mail server is at fault, whoever was to
    be told. `retry_after` is in seconds.
    """

    def __init__(
        self, text: str, *, final: bool = False, mailer: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(text)
        self.final = final
        self.mailer = mailer
        self.retry_after = retry_after


def send_notice(notices: Sequence[NoticeFacts], way: Way, log: StageLog) -> None:
    """Writes what the notices say, one or several together, and hands it over. Raises NotSent."""
    if not way.address:
        raise NotSent(DELETED, final=True)
    if way.channel == EMAIL:
        _send_mail(notices, log)
    else:
        _post(notices, way, channel_of(way.channel), log)


def _post(notices: Sequence[NoticeFacts], way: Way, channel: Channel, log: StageLog) -> None:
    body = body_of(channel, notices)
    url = way.address.reveal()
    secrets = tuple(secret for secret in way.secrets if secret)
    door = _trusted(settings.current()) if way.channel == OPERATOR_WEBHOOK else current_platform().door
    if channel.signed and secrets:
        message_id = f"notice_{notices[0].notice_id}"
        outcome = webhooks.post_signed(url, body, message_id=message_id, secrets=secrets, door=door, report=log)
    else:
        outcome = webhooks.post_json(url, body, door=door, report=log)
    if not outcome.accepted:
        log.refused()
        quote = f" It said: {outcome.quote}" if outcome.quote else ""
        raise NotSent(f"{outcome.words}{quote}", final=outcome.permanent, retry_after=outcome.retry_after)


def _trusted(current: Settings) -> Door:
    """The operator named this host in the settings, so the door lets it be anywhere."""
    return Door.trusted(ca_bundle=current.ca_bundle, https_proxy=current.https_proxy, smtp_proxy=current.smtp_proxy)


def _send_mail(notices: Sequence[NoticeFacts], log: StageLog) -> None:
    current = settings.current()
    if not current.operator_smtp_url or not current.operator_from:
        raise NotSent(NOT_CONFIGURED, final=True, mailer=True)
    try:
        _mailer(current).send(_mail(notices, current.operator_from), log)
    except TransportError as error:
        about_mail = error.scope == "message"
        raise NotSent(_refusal(error), final=about_mail and error.permanent, mailer=not about_mail) from None
    except EgressError as error:
        raise NotSent(f"The operator's mail server could not be reached: {error}.", mailer=True) from None


def _mailer(current: Settings) -> OperatorMailer:
    try:
        return OperatorMailer(
            current.operator_smtp_url, current.operator_from, _trusted(current), base_url=current.base_url
        )
    except SettingsError as error:
        text = f"No mail can be sent to anybody: {error} Your operator can correct it."
        raise NotSent(text, final=True, mailer=True) from None


def _mail(notices: Sequence[NoticeFacts], sender: str) -> Mail:
    target = notices[0].target
    try:
        message = write_letter(notices, sender=sender)
    except ValueError:
        raise NotSent(f"{target} is not an address that mail can be sent to.", final=True) from None
    return Mail(
        envelope_sender=sender,
        recipients=(target,),
        content=message.as_bytes(policy=SMTP),
        message_id=message["Message-ID"],
    )


def _refusal(error: TransportError) -> str:
    words = f"{error.code} {error.raw}".strip()[:QUOTE_LIMIT]
    return f"The operator's mail server did not take it: {words or 'no reason given'}"
