"""Signing in to an SMTP server: PLAIN, LOGIN (RFC 4954, RFC 4616) and XOAUTH2 (Microsoft, Google)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

from mailsetup.core.redact import Secret
from mailsetup.mail_services.smtp_wire import Reply, Wire

# A longer first answer goes on its own line (RFC 4954 section 4: command lines have a limit).
INITIAL_LIMIT = 12_000
_NOT_UNDERSTOOD = {500, 501, 502, 503, 504}


@dataclass(frozen=True)
class Login:
    """Who signs in, with what, and by which mechanisms, best first; `aliases` are further addresses of the mailbox."""

    username: str
    secret: Secret
    mechanisms: tuple[str, ...]
    aliases: frozenset[str] = frozenset()


def sign_in(wire: Wire, login: Login, offered: str) -> str:
    """Signs in and returns the mechanism used. Raises TransportError."""
    usable = [mechanism for mechanism in login.mechanisms if mechanism in offered.upper().split()]
    wire.secrets += _forms(login)
    if not usable:
        raise wire.failure(f"AUTH {offered}".strip(), code="login_not_offered")
    for mechanism in usable:
        wire.server.facts["login"] = mechanism
        reply = _MECHANISMS[mechanism](wire, login)
        if reply.code == 235:
            return mechanism
        if reply.code not in _NOT_UNDERSTOOD or mechanism == usable[-1]:
            break
    raise wire.refusal(reply)


def _forms(login: Login) -> list[Secret | str]:
    """Everything that a server could echo and that tells the secret: `scrub` finds their base64 too."""
    return [login.secret, Secret(_plain(login)), Secret(_xoauth2(login))]


def _plain(login: Login) -> str:
    return f"\0{login.username}\0{login.secret.reveal()}"


def _xoauth2(login: Login) -> str:
    return f"user={login.username}\x01auth=Bearer {login.secret.reveal()}\x01\x01"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _first(wire: Wire, mechanism: str, answer: str) -> Reply:
    """Starts with the answer in the command, or after the server's empty challenge when it is long."""
    if len(answer) <= INITIAL_LIMIT:
        return wire.ask(f"AUTH {mechanism} {answer}")
    reply = wire.ask(f"AUTH {mechanism}")
    return wire.ask(answer) if reply.code == 334 else reply


def _auth_plain(wire: Wire, login: Login) -> Reply:
    reply = _first(wire, "PLAIN", _base64(_plain(login)))
    return wire.ask(_base64(_plain(login))) if reply.code == 334 else reply


def _auth_login(wire: Wire, login: Login) -> Reply:
    reply = wire.ask("AUTH LOGIN")
    for answer in (login.username, login.secret.reveal()):
        if reply.code != 334:
            return reply
        reply = wire.ask(_base64(answer))
    return reply


def _auth_xoauth2(wire: Wire, login: Login) -> Reply:
    """A refusal comes as a challenge first, which wants an empty line before the real reply."""
    reply = _first(wire, "XOAUTH2", _base64(_xoauth2(login)))
    return wire.ask("") if reply.code == 334 else reply


_MECHANISMS: dict[str, Callable[[Wire, Login], Reply]] = {
    "PLAIN": _auth_plain,
    "LOGIN": _auth_login,
    "XOAUTH2": _auth_xoauth2,
}
