"""The audit trail as CSV (RFC 4180), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from mailsetup.workspaces.audit_words import action_words, detail_words
from mailsetup.workspaces.models import AuditEvent

COLUMNS = ("When (UTC)", "Who", "What happened", "To what", "Details", "Number", "Mark")
# What a spreadsheet takes for a formula (OWASP, "CSV Injection").
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(events: Iterable[AuditEvent]) -> str:
    """One line for each event, under a line of headings."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([safe(cell) for cell in _cells(event)] for event in events)
    return out.getvalue()


def safe(cell: str) -> str:
    """The text with a quote before it where a spreadsheet would calculate."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _cells(event: AuditEvent) -> tuple[str, ...]:
    words = action_words(event.action), event.subject, detail_words(event.detail)
    when = event.created_at.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return when, event.actor_label, *words, str(event.number or ""), event.mark
