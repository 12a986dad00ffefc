"""The tables of answers and what each means; a line of a table is one answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
CONTEXT: dict[str, Any] = {
    "client_id": "11111111-2222-3333-4444-555555555555",
    "tenant_id": "99999999-2222-3333-4444-555555555555",
    "from_address": "ar@contoso.com",
    "mailbox": "noreply@contoso.com",
    "host": "smtp.example.com",
    "port": 587,
    "redirect_uri": "https://mail.example.com/setup/microsoft/callback",
}


def table(name: str) -> list[dict[str, Any]]:
    """The lines of one table."""
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def label(case: dict[str, Any]) -> str:
    """A short name of a line, for the report."""
    return f"{case.get('section') or case['shape']} {case.get('code', case['raw'])}"[:60]
