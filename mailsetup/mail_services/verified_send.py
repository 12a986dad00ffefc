"""One mail by way of a draft: whatever happens in between, it is sent once.

The draft's id is kept (`Report.named`) before it is sent, so that a later try, of whichever worker, asks
Microsoft what became of it instead of sending again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

from mailsetup.mail_services import graph
from mailsetup.mail_services.base import Mail, Report, SendResult
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.graph_drafts import GONE, SENT, Drafts
from mailsetup.mail_services.mime_parts import without_large

FOUND = "Found in the mailbox: an earlier try had been accepted"


class VerifiedSend:
    """One try at a mail. `run` goes on where it was when it is called again, with a fresh token.

    `chosen` is whether the setup is for verified sending now; it may have been only when an earlier try named the mail.
    """

    def __init__(self, mail: Mail, report: Report, *, chosen: bool) -> None:
        self.mail = mail
        self.report = report
        self.chosen = chosen
        self.draft = mail.earlier or ""
        self.looked = mail.earlier is None

    def run(self, drafts: Drafts) -> SendResult:
        """Looks for what an earlier try left, then makes the draft and sends it. Raises TransportError.

        The error's `looks_up` says that the next try will know what became of this one.
        """
        if not self.looked and self._was_sent(drafts):
            return SendResult(service_id=self.draft[:200], text=FOUND)
        self.looked = True
        if not self.draft:
            self.draft = self._made(drafts)
        return self._sent(drafts)

    def _was_sent(self, drafts: Drafts) -> bool:
        try:
            state = drafts.state(self.draft) if self.draft else GONE
            if state == GONE:
                state = self._found_by_message_id(drafts)
        except TransportError as error:
            if self.chosen or not error.permanent:
                raise
            # The owner went back to plain sending and took the permission away: nobody can look any more.
            raise self._doubt(drafts) from error
        if state == GONE and self.draft:
            raise self._doubt(drafts)
        return state == SENT

    def _found_by_message_id(self, drafts: Drafts) -> str:
        """What the mailbox holds under the mail's Message-ID; an unfinished draft of an earlier try is removed."""
        found = drafts.find(self.mail.message_id)
        if any(state == SENT for _id, state in found):
            return SENT
        for leftover, _state in found:
            drafts.delete(leftover)
        return GONE

    def _doubt(self, drafts: Drafts) -> TransportError:
        """The draft is neither in Drafts nor among what was sent: somebody moved it, or it was sent and deleted."""
        return drafts.lane.server.failure(
            "", channel="graph", code="answer_lost", stage="accept", http_status=404, ambiguous=True
        )

    def _made(self, drafts: Drafts) -> str:
        """A whole draft, its id kept before anything is sent."""
        rest, attachments = without_large(self.mail.content, graph.MIME_LIMIT)
        body = graph.request_body(drafts.lane.server, replace(self.mail, content=rest))
        draft = drafts.create(body)
        with ExitStack() as unless_whole:
            unless_whole.callback(_quietly, drafts.delete, draft)
            for attachment in attachments:
                drafts.attach(draft, attachment)
            self.report.named(draft)
            unless_whole.pop_all()
        return draft

    def _sent(self, drafts: Drafts) -> SendResult:
        try:
            return drafts.send(self.draft)
        except TransportError as error:
            if error.ambiguous:
                return self._looked_up(drafts, error)
            if error.permanent and error.scope == "message":
                _quietly(drafts.delete, self.draft)
            raise

    def _looked_up(self, drafts: Drafts, error: TransportError) -> SendResult:
        """No answer, or one that proves nothing: Microsoft is asked at once, and if need be by the next try."""
        error.looks_up = True
        with suppress(TransportError):
            if drafts.state(self.draft) == SENT:
                return SendResult(service_id=self.draft[:200], text=FOUND)
        raise error


def _quietly(delete: Callable[[str], None], draft: str) -> None:
    """Tidies up; what it is done for counts more."""
    with suppress(TransportError):
        delete(draft)
