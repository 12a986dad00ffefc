"""Graph: sendMail for an app or a person, and who am I.

https://learn.microsoft.com/graph/api/user-sendmail
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from flask import Blueprint, Response, jsonify, request

from mailsetup.sandbox.faults import GraphFault
from mailsetup.sandbox.graph_message import MessageRefused, Outgoing, from_json, from_mime
from mailsetup.sandbox.inbox import Mail
from mailsetup.sandbox.people import Mailbox, new_id
from mailsetup.sandbox.resources import GRAPH
from mailsetup.sandbox.state import state
from mailsetup.sandbox.tokens import Bearer, TokenRefused, read_access_token

bp = Blueprint("graph", __name__, url_prefix="/v1.0")

BODY_LIMIT = 4 * 1024 * 1024
CONCURRENT_PER_MAILBOX = 4
DENIED = GraphFault("ErrorAccessDenied", 403, "Access is denied. Check credentials and try again.")
_ACCESS_POLICY = GraphFault(
    "ErrorAccessDenied",
    403,
    "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.",
)
_SEND_AS = GraphFault(
    "ErrorSendAsDenied",
    403,
    "The user account which was used to submit this request does not have the right to send mail on behalf of the "
    "specified sending account., Cannot submit message.",
)
_NO_MAILBOX = GraphFault(
    "MailboxNotEnabledForRESTAPI", 404, "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
)
_ME = GraphFault("BadRequest", 400, "/me request is only valid with delegated authentication flow.")
_BUSY = GraphFault(
    "ApplicationThrottled", 429, "Application is over its MailboxConcurrency limit.", {"Retry-After": "1"}
)
_TOO_LARGE = GraphFault("RequestBodyTooLarge", 413, "The request body exceeds the maximum size of 4 MB.")


class GraphRefusal(Exception):
    """Graph says no with this fault."""

    def __init__(self, fault: GraphFault) -> None:
        super().__init__(fault.code)
        self.fault = fault


@bp.app_errorhandler(GraphRefusal)
def refused(problem: GraphRefusal) -> Response:
    """The error answer, in Graph's JSON or as the fault itself says."""
    fault = problem.fault
    if fault.body is not None:
        response = Response(fault.body, fault.status, content_type="text/html" if fault.body else None)
    else:
        moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        inner = {"date": moment, "request-id": new_id(), "client-request-id": _client_request_id()}
        response = jsonify({"error": {"code": fault.code, "message": fault.message, "innerError": inner}})
        response.status_code = fault.status
    response.headers.update(fault.headers)
    return marked(response)


@bp.get("/me")
def me() -> Response:
    """The signed-in person's profile."""
    _refuse_if_switched_on("me")
    bearer = bearer_of_request()
    if bearer.person is None:
        raise GraphRefusal(_ME)
    if "graph/User.Read" not in bearer.permissions:
        raise GraphRefusal(
            GraphFault("Authorization_RequestDenied", 403, "Insufficient privileges to complete the operation.")
        )
    return marked(jsonify(_profile(bearer.person)))


@bp.post("/me/sendMail")
def send_as_me() -> Response:
    """Sends from the signed-in person's mailbox."""
    bearer = bearer_of_request()
    if bearer.person is None:
        raise GraphRefusal(_ME)
    return _send(bearer, bearer.person)


@bp.post("/users/<user>/sendMail")
def send_as_user(user: str) -> Response:
    """Sends from the mailbox that the address names."""
    bearer = bearer_of_request()
    return _send(bearer, mailbox_of(bearer, user))


@bp.route("/<path:rest>", methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
def unknown(rest: str) -> Response:
    """Everything else that Graph can do and this one cannot."""
    segment = rest.rpartition("/")[2]
    raise GraphRefusal(GraphFault("BadRequest", 400, f"Resource not found for the segment '{segment}'."))


def _send(bearer: Bearer, mailbox: Mailbox) -> Response:
    return deliver(bearer, mailbox, lambda: outgoing(mailbox))


def deliver(bearer: Bearer, mailbox: Mailbox, message: Callable[[], Outgoing]) -> Response:
    """Takes a message, unless a switch, a missing right or too many at once say no. Raises GraphRefusal."""
    switched = state().switches.graph("send")
    if switched is not None and not switched.accepted:
        raise GraphRefusal(_filled(switched, mailbox.address))
    check_right(bearer, mailbox)
    with state().crowd.visit((bearer.app.client_id, mailbox.address)) as inside:
        if inside > CONCURRENT_PER_MAILBOX:
            raise GraphRefusal(_BUSY)
        time.sleep(state().latency)
        _accept(bearer, mailbox, message())
    if switched is not None:
        raise GraphRefusal(switched)
    return marked(Response(status=202))


def _accept(bearer: Bearer, mailbox: Mailbox, outgoing: Outgoing) -> None:
    sender, content = outgoing.from_address.lower() or mailbox.address, outgoing.content
    if sender not in (mailbox.address, *mailbox.aliases):
        _check_send_as(bearer, mailbox, sender)
        if sender not in mailbox.send_as:  # the recipient reads "X on behalf of Y"
            content = f"Sender: {mailbox.address}\r\n".encode() + content
    who = bearer.person.address if bearer.person else f"{bearer.app.name} (app)"
    state().store.add_mail(Mail(sender, outgoing.recipients, content, "Graph", who))


def check_right(bearer: Bearer, mailbox: Mailbox) -> None:
    """Whether this mailbox is open to the token. Raises GraphRefusal."""
    if bearer.person is None and mailbox.address in bearer.consent.in_exchange:
        return
    mine = bearer.person is not None and bearer.person.address == mailbox.address
    needed = {"graph/Mail.Send"} if bearer.person is None or mine else {"graph/Mail.Send.Shared"}
    if mine:
        needed.add("graph/Mail.Send.Shared")
    if not needed & bearer.permissions:
        raise GraphRefusal(DENIED)
    if bearer.person is None and bearer.consent.limited_to and mailbox.address not in bearer.consent.limited_to:
        raise GraphRefusal(_ACCESS_POLICY)
    if bearer.person is not None and not mine and mailbox.address not in bearer.person.send_as:
        raise GraphRefusal(DENIED)
    if not mailbox.licensed and not mailbox.shared:
        raise GraphRefusal(_NO_MAILBOX)


def _check_send_as(bearer: Bearer, mailbox: Mailbox, sender: str) -> None:
    right = bearer.person is None or "graph/Mail.Send.Shared" in bearer.permissions
    if not right or sender not in (*mailbox.send_as, *mailbox.on_behalf_of):
        raise GraphRefusal(_SEND_AS)


def outgoing(mailbox: Mailbox) -> Outgoing:
    """The message in the request. Raises GraphRefusal."""
    if (request.content_length or 0) > BODY_LIMIT:
        raise GraphRefusal(_TOO_LARGE)
    try:
        if request.mimetype == "text/plain":
            return from_mime(request.get_data())
        body = request.get_json(silent=True)
        if not isinstance(body, Mapping):
            raise MessageRefused("RequestBodyRead", "The request body is not valid JSON.")
        return from_json(body, mailbox.address)
    except MessageRefused as error:
        raise GraphRefusal(GraphFault(error.code, 400, str(error))) from error


def mailbox_of(bearer: Bearer, user: str) -> Mailbox:
    """The mailbox of that name in the tenant of the token. Raises GraphRefusal."""
    mailbox = state().world.find_mailbox(user, bearer.consent.tenant_id)
    if mailbox is not None:
        return mailbox
    if "@" in user:
        raise GraphRefusal(GraphFault("ErrorInvalidUser", 404, f"The requested user '{user}' is invalid."))
    text = f"Resource '{user}' does not exist or one of its queried reference-property objects are not present."
    raise GraphRefusal(GraphFault("Request_ResourceNotFound", 404, text))


def bearer_of_request() -> Bearer:
    """Who stands behind the access token of this request. Raises GraphRefusal."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise GraphRefusal(GraphFault("InvalidAuthenticationToken", 401, "Access token is empty."))
    try:
        return read_access_token(state(), token.strip(), GRAPH)
    except TokenRefused as error:
        raise GraphRefusal(GraphFault("InvalidAuthenticationToken", 401, str(error))) from error


def _refuse_if_switched_on(place: str) -> None:
    fault = state().switches.graph(place)
    if fault is not None:
        raise GraphRefusal(_filled(fault, "me"))


def _filled(fault: GraphFault, user: str) -> GraphFault:
    message = fault.message.format_map(defaultdict(str, user=user))
    return GraphFault(fault.code, fault.status, message, fault.headers, fault.label, fault.body)


def _profile(person: Mailbox) -> dict[str, str | list[str] | None]:
    return {
        "@odata.context": f"{state().addresses.graph_url}/v1.0/$metadata#users/$entity",
        "id": person.object_id,
        "displayName": person.name,
        "mail": person.address if person.licensed else None,
        "userPrincipalName": person.address,
        "proxyAddresses": [f"SMTP:{person.address}", *(f"smtp:{alias}" for alias in person.aliases)],
        "preferredLanguage": "en-US",
    }


def marked(response: Response) -> Response:
    """The headers that Graph puts on every answer."""
    response.headers["request-id"] = new_id()
    response.headers["client-request-id"] = _client_request_id()
    diagnostic = (
        '{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"LOCAL"}}'
    )
    response.headers["x-ms-ags-diagnostic"] = diagnostic
    return response


def _client_request_id() -> str:
    return request.headers.get("client-request-id") or new_id()
