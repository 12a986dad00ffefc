"""Graph: the mails of one folder, found by their Message-ID.

https://learn.microsoft.com/graph/api/user-list-messages
"""

from __future__ import annotations

import re

from flask import Blueprint, Response, jsonify, request

from mailsetup.sandbox.faults import GraphFault
from mailsetup.sandbox.graph import DENIED, GraphRefusal, bearer_of_request, mailbox_of, marked
from mailsetup.sandbox.inbox import Mail
from mailsetup.sandbox.people import Mailbox
from mailsetup.sandbox.state import state
from mailsetup.sandbox.tokens import Bearer

bp = Blueprint("graph_reading", __name__, url_prefix="/v1.0")

READING = frozenset({"graph/Mail.Read", "graph/Mail.ReadWrite"})
_WANTED = re.compile(r"internetMessageId eq '((?:[^']|'')+)'")
_NO_FILTER = GraphFault("ErrorInvalidUrlQueryFilter", 400, "The sandbox finds mails by internetMessageId alone.")


@bp.get("/me/mailFolders/<folder>/messages")
def of_me(folder: str) -> Response:
    """The signed-in person's own."""
    bearer = bearer_of_request()
    if bearer.person is None:
        raise GraphRefusal(DENIED)
    return _listed(bearer, bearer.person, folder)


@bp.get("/users/<user>/mailFolders/<folder>/messages")
def of_user(user: str, folder: str) -> Response:
    """Those of the mailbox that the address names."""
    bearer = bearer_of_request()
    return _listed(bearer, mailbox_of(bearer, user), folder)


def _listed(bearer: Bearer, mailbox: Mailbox, folder: str) -> Response:
    allowed = bearer.person is None or bearer.person.address == mailbox.address
    if not allowed or not READING & bearer.permissions:
        raise GraphRefusal(DENIED)
    wanted = _WANTED.fullmatch(request.args.get("$filter", ""))
    if wanted is None:
        raise GraphRefusal(_NO_FILTER)
    message_id = wanted[1].replace("''", "'")
    found = [mail for mail in state().store.mails(mailbox.address) if mail.message["Message-ID"] == message_id]
    return marked(jsonify({"value": [_resource(mail) for mail in found if folder.lower() == "inbox"]}))


def _resource(mail: Mail) -> dict[str, object]:
    """What arrives in the sandbox passes every check: it came straight from the sender's own service."""
    domain = mail.sender.rpartition("@")[2]
    verdict = f"spf=pass smtp.mailfrom={domain}; dkim=pass header.d={domain}; dmarc=pass header.from={domain}"
    headers = [("Authentication-Results", verdict), *mail.headers]
    return {
        "receivedDateTime": mail.received_at.replace("+00:00", "Z"),
        "internetMessageHeaders": [{"name": name, "value": value} for name, value in headers],
    }
