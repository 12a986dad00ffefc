"""An export as one ZIP file, written while it is downloaded: no part of it lies anywhere in clear."""

from __future__ import annotations

import io
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from itertools import groupby

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mailsetup.core.crypto import Place
from mailsetup.core.errors import MailsetupError
from mailsetup.outbox import bodies
from mailsetup.outbox.models import MessageBody
from mailsetup.privacy.export import part_place
from mailsetup.privacy.models import Export, ExportPart
from mailsetup.workspaces import sealing

READ_ME = """Everything that {name} held here when this was made, one JSON file for each table.
Passwords, keys and tokens are left out: they cannot be taken away. {content}
"""
CONTENT = "The folder content holds each mail whose content was still kept, as it was sent."
LOST = b"The content of this mail could not be opened.\r\n"
AT_ONCE = 20
log = structlog.get_logger()


class _Sink(io.RawIOBase):
    """Where the ZIP writer writes to; what it wrote is taken away at once."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.position = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Keeps the bytes until they are taken."""
        self.written += data
        self.position += len(data)
        return len(data)

    def tell(self) -> int:
        """How much was written in all."""
        return self.position

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self.written)
        self.written.clear()
        return taken


def stream(session: Session, export: Export, name: str) -> Iterator[bytes]:
    """The bytes of the ZIP file; no transaction lasts while a slow reader takes them. Raises UnsealError."""
    sink, with_content = _Sink(), export.with_content
    export_id, workspace_id, parts = export.id, export.workspace_id, _parts(session, export.id)
    session.rollback()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", READ_ME.format(name=name, content=CONTENT if with_content else ""))
        for file, numbers in groupby(parts, key=lambda pair: pair[0]):
            with archive.open(file, "w") as entry:
                entry.write(b"[\n")
                for position, (_, number) in enumerate(numbers):
                    opened = _opened(session, part_place(workspace_id, export_id, number))
                    entry.write((b",\n" if position else b"") + opened)
                    yield sink.take()
                entry.write(b"\n]\n")
        for message_id, content in _content(session, workspace_id) if with_content else ():
            archive.writestr(f"content/{message_id}.eml", content)
            yield sink.take()
    yield sink.take()


def _parts(session: Session, export_id: uuid.UUID) -> list[tuple[str, int]]:
    query = select(ExportPart.file, ExportPart.number).where(ExportPart.export_id == export_id)
    return [(row.file, row.number) for row in session.execute(query.order_by(ExportPart.number))]


def _opened(session: Session, place: Place) -> bytes:
    part = ExportPart.export_id == uuid.UUID(place.row_id), ExportPart.number == place.version
    sealed = session.scalars(select(ExportPart.sealed).where(*part)).one()
    content = zlib.decompress(sealing.unseal_body(session, place, sealed))
    session.rollback()
    return content


def _content(session: Session, workspace_id: uuid.UUID) -> Iterator[tuple[uuid.UUID, bytes]]:
    after = uuid.UUID(int=0)
    while found := _some_content(session, workspace_id, after):
        yield from found
        after = found[-1][0]


def _some_content(session: Session, workspace_id: uuid.UUID, after: uuid.UUID) -> list[tuple[uuid.UUID, bytes]]:
    query = select(MessageBody.message_id).where(MessageBody.workspace_id == workspace_id)
    query = query.where(MessageBody.message_id > after).order_by(MessageBody.message_id).limit(AT_ONCE)
    found = []
    for message_id in session.scalars(query).all():
        try:
            found.append((message_id, bodies.read(session, workspace_id, message_id)))
        except MailsetupError as error:
            log.warning("export_leaves_out_content", message=str(message_id), error=type(error).__name__)
            found.append((message_id, LOST))
    session.rollback()
    return found
