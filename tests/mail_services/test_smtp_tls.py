"""Rows 32 to 34 of the fault matrix: nothing is said before the server has proved who it is."""

from __future__ import annotations

import ssl
import time
from dataclasses import replace

import pytest

from mailsetup.core.egress import Door
from mailsetup.mail_services import authorities, hints
from mailsetup.mail_services.base import Report
from mailsetup.mail_services.dialing import Server
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp import Peer, Session
from tests.core.egress_doors import LOOPBACK
from tests.fakes.certificates import Authority, self_signed
from tests.fakes.smtp_server import HANG_UP, SMTPServer, smtp_server
from tests.mail_services.values import SHORT, login, session


def failure_of(door: Door, server: SMTPServer, *, tls: str = "starttls") -> TransportError:
    with pytest.raises(TransportError) as failed:
        session(door, server, tls=tls, who=login()).open(Report())
    assert server.sent("AUTH") == []
    return failed.value


@pytest.fixture(params=["starttls", "implicit"])
def tls(request):
    return str(request.param)


def bad_server(tls: str, context: ssl.SSLContext) -> SMTPServer:
    return SMTPServer(context, implicit=tls == "implicit")


def test_it_refuses_an_expired_certificate(door, authority, tls):
    with bad_server(tls, authority.expired()) as server:
        assert failure_of(door, server, tls=tls).code == "expired"


def test_it_refuses_a_certificate_for_another_name(door, authority, tls):
    with bad_server(tls, authority.server("mail.other.example")) as server:
        failure = failure_of(door, server, tls=tls)
    assert (failure.code, failure.stage, failure.permanent) == ("wrong_name", "tls", True)


def test_it_refuses_a_self_signed_certificate(door, tmp_path, tls):
    with bad_server(tls, self_signed(tmp_path)) as server:
        assert failure_of(door, server, tls=tls).code == "self_signed"


def test_it_refuses_an_unknown_issuer(authority, tls):
    with bad_server(tls, authority.server()) as server:
        assert failure_of(Door(LOOPBACK), server, tls=tls).code == "unknown_issuer"


def test_it_refuses_old_tls(door, authority, tls):
    with bad_server(tls, authority.old()) as server:
        failure = failure_of(door, server, tls=tls)
    assert failure.code == "old_protocol"
    assert hints.explain(failure).cause == "tls_too_old"


def test_it_names_tls_from_the_start_on_a_starttls_port(door, smtp):
    failure = failure_of(door, smtp, tls="implicit")
    assert hints.explain(failure).cause == "tls_from_start_on_plain_port"


def test_it_names_starttls_on_a_tls_port(door, authority):
    with smtp_server(authority.server(), implicit=True) as server:
        talk = session(door, server, timeouts=replace(session(door, server).server.timeouts, command=0.3))
        talk.server.port, real = 465, server.port
        talk.server.door = _Redirected(door, real)
        with pytest.raises(TransportError) as failed:
            talk.open(Report())
    assert hints.explain(failed.value).cause == "starttls_on_tls_port"


class _Redirected(Door):
    """Leads port 465 to the port the fake could get."""

    def __init__(self, door: Door, port: int) -> None:
        super().__init__(door.allow, door.ca_bundle)
        self.real = port

    def resolve(self, host, port, timeout=10.0, *, web=False):
        return super().resolve(host, self.real, timeout, web=web)


@pytest.mark.parametrize("reply", ["454 4.7.0 TLS not available", "502 5.5.1 no", "250 ok"])
def test_it_stops_when_starttls_is_refused(door, smtp, reply):
    smtp.replies["STARTTLS"] = reply
    assert failure_of(door, smtp).code == "starttls_missing"


def test_it_stops_when_starttls_was_stripped(door):
    with smtp_server() as server:
        assert failure_of(door, server).code == "starttls_missing"
        assert server.sent("STARTTLS") == []


def test_it_refuses_what_was_slipped_in_before_the_handshake(door, smtp):
    def inject(talk):
        talk.write(b"220 go\r\n250 injected\r\n")
        talk.encrypt()

    smtp.replies["STARTTLS"] = inject
    failure = failure_of(door, smtp)
    assert (failure.channel, failure.code) == ("tls", "injected")


def test_it_forgets_what_was_offered_before_the_handshake(door, smtp):
    smtp.replies["EHLO"] = ["250-mail.test\r\n250-STARTTLS\r\n250 AUTH PLAIN", "250 mail.test"]
    assert failure_of(door, smtp).code == "login_not_offered"


def test_a_hang_up_at_the_handshake_passes(door, smtp):
    smtp.replies["STARTTLS"] = [lambda talk: (talk.write("220 go"), talk.socket.shutdown(2))]
    assert failure_of(door, smtp).permanent is False


def test_a_hang_up_before_the_greeting_passes(door, smtp):
    smtp.replies["greeting"] = HANG_UP
    failure = failure_of(door, smtp)
    assert (failure.code, failure.stage, failure.permanent) == ("closed", "connect", False)


def test_a_private_host_is_refused_before_anything_is_said(smtp):
    failure = failure_of(Door(), smtp)
    assert (failure.stage, failure.code, smtp.connections) == ("resolve", "not_public", 0)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.255.255.1", "192.168.0.1", "169.254.169.254"])
def test_it_says_the_same_of_every_private_target_and_as_fast(smtp, host):
    """Whether somebody listens there, nobody does, or packets are lost: nobody can map our network by the answers."""
    said = set()
    for port in (smtp.port, 1, 587):
        began = time.monotonic()
        with pytest.raises(TransportError) as failed:
            Session(Server(Door(), host, port, SHORT), Peer("none", None, "mail.example.com")).open(Report())
        assert time.monotonic() - began < SHORT.connect - 1
        explained = hints.explain(failed.value)
        said.add((explained.title, explained.explanation, explained.steps, explained.quote))
    assert len(said) == 1
    assert smtp.connections == 0


def test_it_trusts_the_pinned_authority_alone(authority, tmp_path, tls):
    pinned = authorities.authority_certificates(authority.bundle.read_text())
    with bad_server(tls, authority.server()) as server:
        opened = session(Door(LOOPBACK), server, tls=tls, who=login())
        opened.server.ca_pem = pinned
        opened.open(Report())
        opened.close()
    other = Authority(tmp_path)
    with bad_server(tls, other.server()) as server:
        stranger = session(Door(LOOPBACK, str(other.bundle)), server, tls=tls, who=login())
        stranger.server.ca_pem = pinned
        with pytest.raises(TransportError) as failed:
            stranger.open(Report())
    assert failed.value.code == "unknown_issuer"
