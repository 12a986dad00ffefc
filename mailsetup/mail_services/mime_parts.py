"""Takes large attachments out of a mail and leaves the rest of it as it was."""

from __future__ import annotations

import email
import io
from collections.abc import Iterator
from dataclasses import dataclass
from email.generator import BytesGenerator
from email.message import Message
from email.policy import compat32

_POLICY = compat32.clone(linesep="\r\n", max_line_length=0)


@dataclass(frozen=True)
class Attachment:
    """One attachment, decoded; `content_id` is how the text shows it, empty when it does not."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False


def without_large(content: bytes, limit: int) -> tuple[bytes, list[Attachment]]:
    """The mail with its largest attachments taken out until it has at most `limit` bytes, and what was taken out.

    What is left is still too large when text alone makes it so.
    """
    if len(content) <= limit:
        return content, []
    whole = email.message_from_bytes(content, policy=_POLICY)
    taken: list[Attachment] = []
    left = len(content)
    for parent, part in sorted(_attachments(whole), key=lambda pair: -len(str(pair[1].get_payload()))):
        siblings = parent.get_payload()
        if left <= limit or not isinstance(siblings, list) or len(siblings) < 2:
            continue
        siblings.remove(part)
        taken.append(_decoded(part, f"attachment-{len(taken) + 1}"))
        left -= len(str(part.get_payload()))
    return _bytes(whole), taken


def _attachments(whole: Message) -> Iterator[tuple[Message, Message]]:
    """Each attachment with the part that holds it."""
    for parent in whole.walk():
        if parent.get_content_maintype() != "multipart" or not isinstance(parent.get_payload(), list):
            continue
        for part in parent.get_payload():
            if isinstance(part, Message) and not part.is_multipart() and _is_attachment(part):
                yield parent, part


def _is_attachment(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(part.get_filename() or part.get("Content-ID"))


def _decoded(part: Message, usual_name: str) -> Attachment:
    payload = part.get_payload(decode=True)
    return Attachment(
        name=part.get_filename() or usual_name,
        content_type=part.get_content_type(),
        content=payload if isinstance(payload, bytes) else b"",
        content_id=str(part.get("Content-ID", "")).strip("<> \t\r\n"),
        inline=part.get_content_disposition() == "inline",
    )


def _bytes(whole: Message) -> bytes:
    out = io.BytesIO()
    BytesGenerator(out, mangle_from_=False, policy=_POLICY).flatten(whole, linesep="\r\n")
    return out.getvalue()
