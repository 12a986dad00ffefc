"""What the Graph kinds share: a token, a kept HTTPS connection, one request whose answer fills the last stages."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from mailsetup.mail_services import graph, inbox, limits, own_senders
from mailsetup.mail_services.base import (
    Arrival,
    Evidence,
    Field,
    Mail,
    MailService,
    Platform,
    Report,
    SendResult,
    Token,
)
from mailsetup.mail_services.clouds import Cloud, cloud_of
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.graph_drafts import Drafts
from mailsetup.mail_services.http_lane import HttpLane
from mailsetup.mail_services.settings_stage import check_credential, known_facts, token_stage, unusable
from mailsetup.mail_services.standard_fields import standard_fields
from mailsetup.mail_services.verified_send import VerifiedSend

VERIFIED = "verified_send"
RENEW_AHEAD = timedelta(minutes=2)
SENDING = frozenset({"Mail.Send", "Mail.Send.Shared"})
_ANSWER_STAGES = ("authenticate", "sender", "recipient", "accept")


def graph_fields(*, username: str, from_address: str) -> tuple[Field, ...]:
    """The standard fields, with host, port and TLS given by Graph."""
    fields = standard_fields(
        {
            "host": "Microsoft Graph, Microsoft's door for programs. It follows from the Microsoft cloud.",
            "port": "Graph is reached like a web page, on the HTTPS port.",
            "tls": "The connection is encrypted from the start; Graph allows nothing else.",
            "username": username,
            "from_address": from_address,
        },
        fixed={"host": "graph.microsoft.com", "port": "443", "tls": "implicit"},
    )
    return tuple(replace(one, choices=(("implicit", "HTTPS"),)) if one.name == "tls" else one for one in fields)


class GraphService(MailService):
    """A kind that sends through Microsoft Graph."""

    stages = ("settings", "token", "resolve", "connect", "tls", "authenticate", "sender", "recipient", "accept")
    connections_per_mailbox = 4
    limits = limits.GRAPH
    larger: ClassVar[str] = "Send a link to the file instead."
    _lane: HttpLane | None = None
    _token: Token | None = None

    @classmethod
    def endpoint(cls, platform: Platform) -> dict[str, Any]:
        """Host, port and TLS of Graph, as settings."""
        parts = urlsplit(platform.graph_url)
        return {"host": parts.hostname or "", "port": parts.port or 443, "tls": "implicit"}

    @classmethod
    def form_fields(cls, platform: Platform) -> tuple[Field, ...]:
        """The fields with Graph's address out of the operator's settings."""
        shown = {name: str(value) for name, value in cls.endpoint(platform).items()}
        return tuple(replace(one, default=shown.get(one.name, one.default)) for one in cls.fields)

    @property
    def cloud(self) -> Cloud:
        """The Microsoft cloud of the credential."""
        return cloud_of(self.required_credential().public.get("cloud", ""), self.platform)

    @property
    @abstractmethod
    def send_path(self) -> str:
        """Where a mail is posted to."""

    def path_of(self, mailbox: str) -> str:
        """Where a mailbox is found."""
        return f"/v1.0/users/{quote(mailbox, safe='@')}"

    @property
    def mailbox_path(self) -> str:
        """The mailbox that mail is sent through."""
        return self.send_path.removesuffix("/sendMail")

    @property
    def looks_up(self) -> bool:
        """Whether mail goes by way of a draft, which the setup's owner chose."""
        return bool(self.settings.get(VERIFIED))

    @classmethod
    def size_refusal(cls, settings: Mapping[str, Any], size: int) -> str:
        """Why a mail of so many bytes never goes; larger ones go in pieces, by way of a draft."""
        if size <= graph.MIME_LIMIT or settings.get(VERIFIED):
            return ""
        given = f"This mail has {size / 1_000_000:.1f} MB; Microsoft Graph takes {graph.MIME_LIMIT_TEXT}."
        return f"{given} {cls.larger}"

    @classmethod
    def mailbox_of(cls, settings: Mapping[str, Any], public: Mapping[str, str]) -> str:
        """The mailbox, whichever way mail gets to it."""
        return limits.exchange_mailbox(settings)

    def open(self, report: Report) -> None:
        """Settings, token, then the connection. Raises TransportError."""
        if self._lane is not None and self._lane.ready:
            return
        with report.stage("settings"):
            check_credential(self)
        self._token = token_stage(self, report)
        self._lane = self._new_lane()
        self._lane.open(report)

    def _new_lane(self) -> HttpLane:
        return self._lane_to(self.cloud.graph_url)

    def _lane_to(self, url: str) -> HttpLane:
        parts = urlsplit(url)
        encrypted = parts.scheme != "http"
        server = Server(
            self.platform.door,
            parts.hostname or "",
            parts.port or (443 if encrypted else 80),
            self.platform.timeouts,
            web=True,
            facts=known_facts(self),
        )
        return HttpLane(server, encrypted=encrypted)

    def deliver(self, mail: Mail, report: Report) -> SendResult:
        """One mail. Graph answers once, so the outcome is reported at the stage that it belongs to."""
        self.open(report)
        outcome: SendResult | TransportError
        with report.stage("authenticate") as note:
            outcome = self._send_or_failure(mail, report)
            if isinstance(outcome, TransportError) and outcome.stage not in _ANSWER_STAGES[1:]:
                raise outcome
            note.note(mailbox=str(self.settings.get("username", "")))
        for stage in _ANSWER_STAGES[1:-1]:
            with report.stage(stage):
                _raise_if_at(outcome, stage)
        with report.stage("accept") as note:
            if isinstance(outcome, TransportError):
                raise outcome
            note.note(bytes=len(mail.content), service_id=outcome.service_id)
        return outcome

    def check(self, mail: Mail, report: Report) -> None:
        """Graph cannot be asked without a mail: what the token allows is looked at instead. Raises TransportError."""
        self.open(report)
        with report.stage("authenticate") as note:
            token = self._valid_token()
            granted = permissions_of(token)
            # A token without any permission names none, and one that cannot be read names no audience either.
            if token.evidence.get("audience") and not granted & SENDING:
                raise unusable("permission_missing", self, stage="authenticate")
            note.note(mailbox=str(self.settings.get("username", "")), may_send=bool(granted & SENDING))
        with report.stage("sender") as note:
            note.note(sender=mail.envelope_sender, **self._foreseen(mail.envelope_sender))

    def _foreseen(self, sender: str) -> Evidence:
        mailbox = str(self.settings.get("username", ""))
        if own_senders.main_address(sender, self.required_credential().public):
            return {"alias": True}
        return {"send_as_needed": mailbox} if mailbox.lower() != sender.lower() else {}

    def find_mail(self, recipient: str, message_id: str) -> Arrival | None:
        """The mail in the recipient's mailbox, once it is there and Mail.Read is granted. Raises TransportError."""
        self.open(Report())
        token = self._valid_token()
        return inbox.find(self._opened_lane(), self.reading_path(recipient), message_id, token)

    def reading_path(self, recipient: str) -> str:
        """The mailbox that is read."""
        return f"/v1.0/users/{quote(recipient, safe='@')}"

    def _send_or_failure(self, mail: Mail, report: Report) -> SendResult | TransportError:
        try:
            return self._send(self._conversation(mail, report))
        except TransportError as error:
            return error

    def _conversation(self, mail: Mail, report: Report) -> Callable[[HttpLane, Token], SendResult]:
        """What is said to send this mail, with whichever token. A mail that was begun with a draft goes on with it."""
        if self.looks_up or mail.earlier:
            verified = VerifiedSend(mail, report, chosen=self.looks_up)
            return lambda lane, token: verified.run(Drafts(lane, self.mailbox_path, token, self._lane_to))
        body = graph.request_body(self._opened_lane().server, mail)
        return lambda lane, token: graph.send(lane, self.send_path, body, token)

    def _send(self, talk: Callable[[HttpLane, Token], SendResult]) -> SendResult:
        """Sends; a refused token is replaced once, as nothing was accepted then, by one that Graph's demands made."""
        lane, token = self._opened_lane(), self._valid_token()
        try:
            return talk(lane, token)
        except TransportError as error:
            if not error.claims and (error.http_status != 401 or error.code == "insufficient_claims"):
                raise
            claims = error.claims
        self.tokens.forget(token, claims=claims)
        self._token = self.tokens.token_for(self)
        if not lane.ready:
            lane.open(Report())
        return talk(lane, self._token)

    def _opened_lane(self) -> HttpLane:
        if self._lane is None:
            raise RuntimeError("the lane is opened first")
        return self._lane

    def _valid_token(self) -> Token:
        """The token of this lane; the token source renews it ahead of its end."""
        if self._token is None or self._token.expires_at - datetime.now(UTC) < RENEW_AHEAD:
            self._token = self.tokens.token_for(self)
        return self._token

    def close(self) -> None:
        """Hangs up."""
        if self._lane is not None:
            self._lane.close()
            self._lane = None


def permissions_of(token: Token) -> frozenset[str]:
    """The roles or scopes that the token names; empty when it does not say."""
    return frozenset(str(token.evidence.get("permissions", "")).split())


def _raise_if_at(outcome: SendResult | TransportError, stage: str) -> None:
    if isinstance(outcome, TransportError) and outcome.stage == stage:
        raise outcome
