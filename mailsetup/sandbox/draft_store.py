"""The drafts of the sandbox's mailboxes, kept as documents; a sent one stays, as in Sent Items."""

from __future__ import annotations

import base64
import email
import email.policy
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from typing import Any

from mailsetup.sandbox.graph_message import Outgoing
from mailsetup.sandbox.store import Store

DRAFT, HELD, UPLOAD, READY = "draft", "held", "upload", "draft-ready"


@dataclass
class Draft:
    """A message in a mailbox; `files` are attachments that were added later, content in base64."""

    id: str
    mailbox: str
    message_id: str
    content: str
    recipients: list[str]
    from_address: str
    sent: bool = False
    files: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Upload:
    """A large attachment on its way."""

    session: str
    draft_id: str
    item: dict[str, Any]
    received: int = 0
    pieces: list[str] = field(default_factory=list)


class DraftStore:
    """The drafts in the store of a sandbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, mailbox: str, made: Outgoing) -> Draft:
        """A new draft."""
        message_id = str(_parsed(made.content)["Message-ID"] or "")
        content = base64.b64encode(made.content).decode()
        recipients = list(made.recipients)
        draft = Draft(_new_id(), mailbox, message_id, content, recipients, made.from_address)
        self._save(draft)
        self._store.put(READY, draft.id, True)
        held = self._store.get(HELD, _name(mailbox, message_id)) or []
        self._store.put(HELD, _name(mailbox, message_id), [*held, draft.id])
        return draft

    def get(self, draft_id: str) -> Draft | None:
        """A draft, or what became of it."""
        found = self._store.get(DRAFT, draft_id)
        return Draft(**found) if found else None

    def find(self, mailbox: str, message_id: str) -> list[Draft]:
        """What a mailbox holds under a Message-ID."""
        ids = self._store.get(HELD, _name(mailbox, message_id)) or []
        return [draft for draft in map(self.get, ids) if draft is not None]

    def delete(self, draft: Draft) -> None:
        """Removes it."""
        self._store.drop(DRAFT, draft.id)

    def mark_sent(self, draft: Draft) -> bool:
        """Takes it out of Drafts; False for all but the first who asks."""
        if not self._store.drop(READY, draft.id):
            return False
        draft.sent = True
        self._save(draft)
        return True

    def attach(self, draft: Draft, facts: Mapping[str, Any], content: bytes) -> None:
        """Adds a file."""
        draft.files.append({**facts, "contentBytes": base64.b64encode(content).decode()})
        self._save(draft)

    def begin_upload(self, draft: Draft, item: dict[str, Any]) -> Upload:
        """A session for one large file."""
        upload = Upload(secrets.token_urlsafe(24), draft.id, item)
        self._store.put(UPLOAD, upload.session, asdict(upload))
        return upload

    def upload(self, session: str) -> Upload | None:
        """An open session."""
        found = self._store.get(UPLOAD, session)
        return Upload(**found) if found else None

    def add_piece(self, upload: Upload, piece: bytes) -> bool:
        """Adds a piece; whether the file is whole with it, and attached."""
        upload.received += len(piece)
        upload.pieces.append(base64.b64encode(piece).decode())
        draft = self.get(upload.draft_id)
        if upload.received < int(upload.item["size"]) or draft is None:
            self._store.put(UPLOAD, upload.session, asdict(upload))
            return False
        self._store.drop(UPLOAD, upload.session)
        self.attach(draft, upload.item, b"".join(base64.b64decode(one) for one in upload.pieces))
        return True

    def outgoing(self, draft: Draft) -> Outgoing:
        """The whole message, as it leaves."""
        content = base64.b64decode(draft.content)
        if draft.files:
            message = _parsed(content)
            for file in draft.files:
                _add(message, file)
            content = message.as_bytes()
        return Outgoing(content, tuple(draft.recipients), draft.from_address)

    def _save(self, draft: Draft) -> None:
        self._store.put(DRAFT, draft.id, asdict(draft))


def _add(message: EmailMessage, file: Mapping[str, Any]) -> None:
    maintype, _, subtype = str(file.get("contentType") or "application/octet-stream").partition("/")
    content = base64.b64decode(file["contentBytes"])
    if maintype == "text":
        maintype, subtype = "application", "octet-stream"
    message.add_attachment(content, maintype=maintype, subtype=subtype, filename=str(file.get("name", "")))


def _parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.SMTP)


def _name(mailbox: str, message_id: str) -> str:
    return f"{mailbox} {message_id}"


def _new_id() -> str:
    return f"AAkALg{secrets.token_urlsafe(60)}="
