"""Every way in which the product opens a connection, each with a door, a host and a port."""

from __future__ import annotations

from collections.abc import Callable

import requests
import urllib3
from authlib.oauth2.auth import ClientAuth

from mailsetup.core.egress import Door
from mailsetup.core.egress_oauth import NoAnswer, OAuthSession
from mailsetup.core.errors import EgressError
from mailsetup.mail_services import reach, webhooks
from mailsetup.mail_services.base import Report, StageNote
from mailsetup.mail_services.dialing import Deadline, Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.http_lane import HttpLane
from mailsetup.mail_services.timeouts import Timeouts

REFUSALS = (EgressError, TransportError, requests.RequestException, urllib3.exceptions.HTTPError, NoAnswer)


def _server(door: Door, host: str, port: int, *, web: bool = False) -> Server:
    return Server(door, host, port, Timeouts(resolve=1, connect=1), web=web)


def _smtp(door: Door, host: str, port: int) -> None:
    server = _server(door, host, port)
    server.resolve(StageNote())
    server.connect(StageNote(), Deadline(1)).close()


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host.replace('%', '%25')}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def _told(outcome: webhooks.Outcome) -> None:
    assert not outcome.accepted
    raise TransportError(outcome.words, channel="http", code="closed")


def _signed(door: Door, host: str, port: int) -> None:
    keys = [webhooks.new_secret()]
    _told(webhooks.post_signed(_url("http", host, port), b"{}", message_id="m", secrets=keys, door=door))


def _issuer(door: Door, host: str, port: int, *, token: bool) -> None:
    url = _url("https", host, port)
    with OAuthSession(door) as issuer:
        if token:
            issuer.post(url, data={}, headers={}, auth=ClientAuth("client", "secret"))
        else:
            issuer.document(url)


def _reach(door: Door, host: str, port: int) -> None:
    if not all(stage.state == reach.PASSED for stage in reach._stages(door, reach.Target("It", host, port, "/"))):
        raise TransportError("", channel="tcp", code="closed")


# Every way out there is; tests/security/test_rules.py says where the product takes it.
WAYS: dict[str, Callable[[Door, str, int], object]] = {
    "socket": lambda door, host, port: door.connect(host, port, 1).close(),
    "smtp": _smtp,
    "lane": lambda door, host, port: HttpLane(_server(door, host, port, web=True)).open(Report()),
    "token": lambda door, host, port: door.msal_http_client().post(_url("https", host, port)),
    "pool": lambda door, host, port: door.http_pool().request("POST", _url("https", host, port)),
    "signed": _signed,
    "chat": lambda door, host, port: _told(webhooks.post_json(_url("https", host, port), b"{}", door=door)),
    "discovery of an issuer": lambda door, host, port: _issuer(door, host, port, token=False),
    "token of an issuer": lambda door, host, port: _issuer(door, host, port, token=True),
    "reach": _reach,
}
