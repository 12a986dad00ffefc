"""Errors as a program reads them: problem documents (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

PROBLEM_JSON = "application/problem+json"


def problem(status: int, title: str, detail: str, **extra: Any) -> Response:
    """A problem document; `title` names the sort of problem, `detail` this case, `extra` are its members."""
    members = {"type": "about:blank", "title": title, "status": status, "detail": detail, **extra}
    return Response(json.dumps(members, ensure_ascii=False), status=status, content_type=PROBLEM_JSON)
