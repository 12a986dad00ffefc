"""The product as the scanners meet it: all of it, without the limits on how often one may ask.

A scanner that is told to come again in an hour has scanned nothing; the limits have tests of their own. Which names a
view looks for among the parameters is written down, so that the scanners know of those that no page shows.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import app
from mailsetup.alerts import history
from mailsetup.diagnosis import start
from mailsetup.events import endpoints
from mailsetup.events import listing as event_listing
from mailsetup.events.models import EventEndpoint
from mailsetup.outbound import listing
from mailsetup.overview import operator
from mailsetup.web.limits import limiter
from mailsetup.workspaces import audit, memberships

__all__ = ["app"]
READ = "SCAN_PARAMETERS_READ"


class Noted(MultiDict[str, Any]):
    """Parameters that remember what they were asked for."""

    def __init__(self, place: str, given: Iterable[tuple[str, Any]], known: set[str]) -> None:
        super().__init__(list(given))
        self._about = f"{request.method} {request.endpoint} {place}"
        self._known = known

    def note(self, name: object) -> None:
        line = f"{self._about} {name}"
        if line not in self._known and isinstance(name, str) and name.isprintable():
            self._known.add(line)
            with Path(os.environ[READ]).open("a") as file:
                file.write(f"{line}\n")

    def get(self, *args: Any, **kwargs: Any) -> Any:
        self.note(args[0])
        return super().get(*args, **kwargs)

    def getlist(self, *args: Any, **kwargs: Any) -> Any:
        self.note(args[0])
        return super().getlist(*args, **kwargs)

    def __getitem__(self, name: str) -> Any:
        self.note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.note(name)
        return super().__contains__(name)


def note_parameters() -> None:
    """Puts the parameters of this request into a dress that remembers."""
    names = app.extensions.setdefault("scan.names", set())
    request.__dict__["args"] = Noted("query", request.args.items(multi=True), names)
    request.__dict__["form"] = Noted("form", request.form.items(multi=True), names)


limiter.enabled = False
start.LIMIT = 1_000_000
# Who looks for what it stored reads a list anew for each line of it; all lines come out of the same words.
for lists in (audit, history, event_listing, listing, memberships):
    lists.__dict__["PAGE"] = 10
operator.LIMIT = 10
all_endpoints = endpoints.list_endpoints


def some_endpoints(session: Session, workspace_id: uuid.UUID) -> list[EventEndpoint]:
    """No more webhooks than a workspace may have; a scanner makes hundreds."""
    return all_endpoints(session, workspace_id)[:10]


endpoints.__dict__["list_endpoints"] = some_endpoints

app.before_request_funcs.setdefault(None, []).insert(0, note_parameters)
