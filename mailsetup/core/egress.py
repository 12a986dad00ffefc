"""The only way out: every outgoing connection is resolved, checked, pinned and opened here."""

from __future__ import annotations

import functools
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Collection, Sequence
from typing import NamedTuple, Self

import urllib3

from mailsetup.core import egress_dns, egress_http, egress_proxy, public_networks
from mailsetup.core.errors import ConnectFailed, EgressRefused, ResolutionFailed

MAIL_AND_WEB_PORTS = frozenset({25, 443, 465, 587, 2465, 2525, 2587})
MICROSOFT_HOSTS = frozenset(
    {
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "graph.microsoft.com",
        "graph.microsoft.us",
        "dod-graph.microsoft.us",
        "microsoftgraph.chinacloudapi.cn",
    }
)
RESOLVE_SECONDS = 10.0
CONNECT_SECONDS = 30.0
_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}


class CheckedAddress(NamedTuple):
    """Where to connect: an address that passed the check (or a name that the proxy looks up)."""

    host: str
    port: int


class Door:
    """Opens outgoing connections to checked addresses only.

    `allow` names non-public networks that may be reached on any port; `ports` limits public targets;
    `dns_servers` answer about records other than addresses, instead of the system's;
    `ca_bundle` adds certificates to the system's. Proxies: `http://`, `socks5://`, `socks5h://`.
    """

    def __init__(
        self,
        allow: Sequence[public_networks.Network] = (),
        ca_bundle: str | None = None,
        https_proxy: str | None = None,
        smtp_proxy: str | None = None,
        ports: Collection[int] | None = MAIL_AND_WEB_PORTS,
        named_hosts: Collection[str] = MICROSOFT_HOSTS,
        dns_servers: Sequence[tuple[str, int]] = (),
    ) -> None:
        self.allow = tuple(allow)
        self.ca_bundle = ca_bundle
        self.ports = None if ports is None else frozenset(ports)
        self.named_hosts = frozenset(named_hosts)
        self.dns_servers = tuple(dns_servers)
        self._proxies = {True: egress_proxy.parse(https_proxy), False: egress_proxy.parse(smtp_proxy)}
        self._any_address = False

    @classmethod
    def trusted(
        cls, ca_bundle: str | None = None, https_proxy: str | None = None, smtp_proxy: str | None = None
    ) -> Self:
        """A door to hosts that the operator named in the settings: any address, any port."""
        door = cls((), ca_bundle, https_proxy, smtp_proxy, ports=None)
        door._any_address = True
        return door

    @property
    def any_address(self) -> bool:
        """Whether the operator vouches for the hosts that this door is asked for."""
        return self._any_address

    def proxy(self, *, web: bool) -> egress_proxy.Proxy | None:
        """The operator's proxy for web servers, or for mail servers."""
        return self._proxies[web]

    def resolve(
        self, host: str, port: int, timeout: float = RESOLVE_SECONDS, *, web: bool = False
    ) -> list[CheckedAddress]:
        """Every address of the host, all of them checked; `web` says which proxy counts.

        Raises EgressRefused when one is not public or the port is off the list, ResolutionFailed.
        """
        if self._proxies[web] and (self._any_address or host.lower().rstrip(".") in self.named_hosts):
            return [CheckedAddress(host, port)]
        found = _literal(host) or _look_up(host, port, min(timeout, RESOLVE_SECONDS))
        for address in found:
            self._check(address, host, port)
        return [CheckedAddress(address, port) for address in found]

    def _check(self, address: str, host: str, port: int) -> None:
        """Refuses in the same words whatever the address is, so that nobody can map our network."""
        parsed = public_networks.parse_address(address)
        if self._any_address or any(parsed in network for network in self.allow):
            return
        if not public_networks.is_public(parsed):
            raise EgressRefused(f"{host} does not lead to a public address", host=host, port=port)
        if self.ports is not None and port not in self.ports:
            raise EgressRefused(f"port {port} is not one that mail or web servers use", host=host, port=port)

    def connect(
        self,
        host: str,
        port: int,
        timeout: float = CONNECT_SECONDS,
        *,
        addresses: Sequence[CheckedAddress] | None = None,
        web: bool = False,
    ) -> socket.socket:
        """A connected socket; `timeout` seconds for all addresses together.

        `addresses` is what `resolve` returned a moment ago. Raises EgressRefused, ResolutionFailed, ConnectFailed.
        """
        deadline = time.monotonic() + timeout
        checked = list(addresses) if addresses is not None else self.resolve(host, port, timeout, web=web)
        reason, last = "unreachable", None
        for position, address in enumerate(checked):
            share = max(deadline - time.monotonic(), 0.001) / (len(checked) - position)
            try:
                return self._dial(address, share, web)
            except OSError as error:
                reason, last = connect_failure(error), error
        raise ConnectFailed(f"{host} did not answer on port {port}", host=host, port=port, reason=reason) from last

    def _dial(self, address: CheckedAddress, timeout: float, web: bool) -> socket.socket:
        proxy = self._proxies[web]
        if proxy is not None:
            return egress_proxy.tunnel(proxy, address.host, address.port, timeout)
        connected = socket.create_connection((address.host, address.port), timeout)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connected

    def names(self, seconds: float) -> egress_dns.Names:
        """Who can be asked about DNS records, for so many seconds in all."""
        return egress_dns.Names(self.dns_servers, seconds)

    def ssl_context(self, pinned: str = "") -> ssl.SSLContext:
        """Verifies certificate and name, TLS 1.2 or later; against the `pinned` CA certificates (PEM) alone where
        there are any, else against the system's and the bundle's."""
        return _pinned_context(pinned) if pinned else _ssl_context(self.ca_bundle)

    def http_pool(self) -> urllib3.PoolManager:
        """HTTP through this door: no redirects, no retries, no environment; 5 s to connect, 30 s to read."""
        return egress_http.pool_through(self)

    def msal_http_client(self) -> egress_http.MsalClient:
        """What MSAL calls Microsoft with: this door, 5 s to connect, 15 s to read, answers up to 256 KiB."""
        return egress_http.MsalClient(egress_http.pool_through(self))


def connect_failure(error: OSError) -> str:
    """Why no connection came about: proxy, timeout, refused or unreachable."""
    if isinstance(error, egress_proxy.ProxyRefused):
        return "proxy"
    if isinstance(error, TimeoutError):
        return "timeout"
    return "refused" if isinstance(error, ConnectionRefusedError) else "unreachable"


@functools.lru_cache(maxsize=8)
def _ssl_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Built once for each bundle, as reading the system's CAs takes 24 ms; not by `create_default_context`,
    which would write session keys to a file that the environment names."""
    context = _verifying_context()
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if ca_bundle:
        context.load_verify_locations(cafile=ca_bundle)
    return context


@functools.lru_cache(maxsize=64)
def _pinned_context(pem: str) -> ssl.SSLContext:
    context = _verifying_context()
    context.load_verify_locations(cadata=pem)
    # The certificate given may be the server's own, or one that somebody else signed.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _verifying_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _literal(host: str) -> list[str]:
    """The host when it is an address itself, which nobody needs to be asked about."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return []


def _look_up(host: str, port: int, timeout: float) -> list[str]:
    """The system's answer, in a thread of its own since a look-up cannot be interrupted."""
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise ResolutionFailed(f"looking up {host} took too long", host=host, port=port, transient=True) from None
    if isinstance(answer, Exception):
        unknown = isinstance(answer, UnicodeError) or answer.args[:1] == () or answer.args[0] in _NO_SUCH_NAME
        raise ResolutionFailed(
            f"{host} could not be looked up", host=host, port=port, transient=not unknown
        ) from answer
    return answer
