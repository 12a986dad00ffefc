"""Whether Microsoft is reached from here, through the proxy where there is one: each stage on the way."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from mailsetup.core.egress import Door
from mailsetup.core.egress_proxy import ProxyRefused
from mailsetup.core.errors import ConnectFailed, EgressError
from mailsetup.mail_services.base import Platform
from mailsetup.mail_services.clouds import cloud_of

SECONDS = 8.0
WAY = ("proxy", "connect")
PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_SETTING = {True: "MAILSETUP_HTTPS_PROXY", False: "MAILSETUP_SMTP_PROXY"}


@dataclass(frozen=True)
class Target:
    """A server of Microsoft's that mail needs; `path` is asked for on the web, none on a mail server."""

    label: str
    host: str
    port: int
    path: str = ""
    encrypted: bool = True

    @property
    def web(self) -> bool:
        """Whether it is reached like a web page."""
        return bool(self.path)


@dataclass(frozen=True)
class Stage:
    """One stage on the way: what it is, its state, and what was seen or who has to do what."""

    name: str
    state: str
    verdict: str = ""
    label: str = ""
    milliseconds: None = None


@dataclass(frozen=True)
class Reach:
    """How far one got to a target."""

    target: Target
    stages: tuple[Stage, ...]

    @property
    def reached(self) -> bool:
        """Whether it answered."""
        return all(stage.state == PASSED for stage in self.stages)


def targets(platform: Platform) -> list[Target]:
    """The sign-in service, Graph and the mail server of the worldwide cloud, and of clouds that the settings change."""
    clouds = [cloud_of(name, platform) for name in dict.fromkeys(("global", *platform.clouds))]
    found = []
    for cloud in clouds:
        of = "" if cloud.name == "global" else f" ({cloud.label})"
        login, graph = urlsplit(cloud.login_url), urlsplit(cloud.graph_url)
        path = "/organizations/v2.0/.well-known/openid-configuration"
        found += [
            Target(f"Microsoft sign-in{of}", login.hostname or "", login.port or 443, path, login.scheme != "http"),
            Target(f"Microsoft Graph{of}", graph.hostname or "", graph.port or 443, "/v1.0/me", graph.scheme != "http"),
            Target(f"Exchange Online's mail server{of}", cloud.smtp_host, cloud.smtp_port),
        ]
    return found


def proxies(door: Door) -> list[tuple[str, str]]:
    """What the settings say of proxies, in words; never a password."""
    found = []
    for web, what in ((True, "For sign-in, Graph and webhooks"), (False, "For mail servers")):
        proxy = door.proxy(web=web)
        login = f", signing in as {proxy.username}" if proxy and proxy.username else ""
        found.append((what, f"{proxy.scheme}://{proxy.host}:{proxy.port}{login}" if proxy else "no proxy"))
    return found


def reach_all(platform: Platform) -> list[Reach]:
    """All targets at the same time."""
    wanted = targets(platform)
    with ThreadPoolExecutor(len(wanted), thread_name_prefix="reach") as pool:
        return list(pool.map(lambda target: Reach(target, tuple(_stages(platform.door, target))), wanted))


def _stages(door: Door, target: Target) -> Iterator[Stage]:
    names = _names(door, target)
    done: list[str] = []
    try:
        with door.connect(target.host, target.port, SECONDS, web=target.web) as line:
            for name in (each for each in names if each in WAY):
                done.append(name)
                yield Stage(name, PASSED, label=_label(name, door, target))
            line.settimeout(SECONDS)
            talking: socket.socket = line
            if target.web and target.encrypted:
                talking = secured = door.ssl_context().wrap_socket(line, server_hostname=target.host)
                done.append("tls")
                yield Stage("tls", PASSED, f"{secured.version()}, issued by {_issuer(secured)}")
            yield Stage("accept", PASSED, _answer(talking, target), label="It answers")
    except (EgressError, OSError, HTTPException) as error:
        failed = _failed_stage(error, names, done)
        before = names[len(done) : names.index(failed)]
        yield from (Stage(name, PASSED, label=_label(name, door, target)) for name in before)
        yield Stage(failed, FAILED, _words(error, door, target), label=_label(failed, door, target))
        yield from (Stage(name, SKIPPED, label=_label(name, door, target)) for name in names[names.index(failed) + 1 :])


def _names(door: Door, target: Target) -> list[str]:
    through = ["proxy"] if door.proxy(web=target.web) else []
    return [*through, "connect", *(["tls"] if target.web and target.encrypted else []), "accept"]


def _label(name: str, door: Door, target: Target) -> str:
    proxy = door.proxy(web=target.web)
    words = {"proxy": f"The proxy {proxy.host} answers" if proxy else "", "accept": "It answers"}
    words["connect"] = f"A way to {target.host}, port {target.port}"
    return words.get(name, "")


def _failed_stage(error: Exception, names: list[str], done: list[str]) -> str:
    """The proxy itself is at fault when it is away or does not take the login; else the first stage not done."""
    refused = isinstance(error.__cause__, ProxyRefused) and "refused the connection" in str(error.__cause__)
    if refused and "proxy" in names:
        return "connect"
    return next(name for name in names if name not in done)


def _words(error: Exception, door: Door, target: Target) -> str:
    if isinstance(error, ConnectFailed) and error.reason == "proxy":
        return f"{_sentence(error.__cause__)} See {_SETTING[target.web]}."
    if isinstance(error, ssl.SSLError):
        return (
            f"{_sentence(error)} If your proxy opens encrypted connections, add its authority to MAILSETUP_CA_BUNDLE."
        )
    missing = (
        "" if door.proxy(web=target.web) else f" If servers leave through a proxy here, set {_SETTING[target.web]}."
    )
    return f"{_sentence(error)}{missing}"


def _sentence(error: BaseException | None) -> str:
    text = str(getattr(error, "verify_message", "") or error or "it does not answer").rstrip(".")
    return f"{text[:1].upper()}{text[1:200]}."


def _issuer(line: ssl.SSLSocket) -> str:
    issuer: Any = (line.getpeercert() or {}).get("issuer", ())
    parts = {str(name): str(value) for pairs in issuer for name, value in pairs}
    return parts.get("organizationName") or parts.get("commonName") or "an unnamed authority"


def _answer(line: socket.socket, target: Target) -> str:
    """The first thing it says. Raises OSError, HTTPException."""
    if not target.web:
        greeting = line.recv(200)
        if not greeting.startswith(b"220"):
            raise ConnectionError("it does not greet like a mail server")
        return greeting.decode("ascii", "replace").split("\r\n")[0][:120]
    line.sendall(f"GET {target.path} HTTP/1.1\r\nHost: {target.host}\r\nConnection: close\r\n\r\n".encode())
    answer = HTTPResponse(line)
    answer.begin()
    # Graph wants a token, which none of this needs: 401 is how it shows that it is Graph.
    if answer.status not in {200, 401}:
        raise ConnectionError(f"it answered {answer.status} {answer.reason}")
    return f"{answer.status} {answer.reason}" if answer.status == 200 else "401, as Graph answers without a token"
