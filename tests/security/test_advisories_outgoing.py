"""Advisories 1 to 16: what comparable products were made to connect to, and what was slipped into their mail."""

from __future__ import annotations

import socket
import ssl
from dataclasses import replace
from ipaddress import ip_address

import pytest
from sqlalchemy import func, select

from mailsetup.core import public_networks
from mailsetup.core.egress import Door
from mailsetup.core.errors import EgressRefused, InvalidInput
from mailsetup.diagnosis import start
from mailsetup.diagnosis.models import TestRun
from mailsetup.mail_services import webhooks
from mailsetup.mail_services.base import Report
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.smtp import ehlo_name
from mailsetup.outbound import binding
from mailsetup.outbound.connect import connect
from tests import factories
from tests.api.conftest import caller, key_of
from tests.core.egress_doors import answers
from tests.fakes.smtp_server import smtp_server
from tests.mail_services.values import login
from tests.mail_services.values import session as talk_to
from tests.security import source

ELSEWHERE = factories.smtp_settings(host="smtp.evil.example", tls="starttls")
PUBLIC, PRIVATE = "93.184.216.34", "10.0.0.7"


@pytest.fixture
def dialled(monkeypatch):
    """What would be connected to; nothing is."""
    asked: list[str] = []

    def dial(address, *_words, **_more):
        asked.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", dial)
    return asked


@pytest.fixture
def bound(session, alice):
    """A password that belongs to one server."""
    credential = factories.make_credential(session, alice.workspace)
    binding.bind(session, credential, factories.smtp_settings(host="smtp.here.example", tls="starttls"))
    session.commit()
    return credential


def runs(session):
    return session.scalar(select(func.count()).select_from(TestRun))


def test_advisory_01_saved_password_to_another_host(session, bound, dialled):
    """CVE-2026-84721: the stored password was sent to a host that was typed in later."""
    with pytest.raises(InvalidInput) as refused:
        binding.check(session, bound, ELSEWHERE)
    assert list(refused.value.fields) == ["host"]
    assert dialled == []


def test_advisory_02_test_with_a_new_address_and_the_stored_secret(session, alice, bound, dialled):
    """CVE-2024-5967, GHSA-c25h-c27q-5qpv: a test took a new address together with the stored secret."""
    values = {"kind": "smtp_basic", "settings": ELSEWHERE, "credential_id": bound.id}
    with pytest.raises(TransportError) as refused:
        connect(session, workspace_id=alice.workspace.id, **values)
    assert refused.value.code == "credential_bound_elsewhere"
    assert dialled == []


@pytest.mark.parametrize("web", [True, False], ids=["web", "mail"])
def test_advisory_03_one_door_for_every_protocol(web, dialled):
    """GHSA-vvxf-f8q9-86gh: the filter of addresses wrapped HTTP only, and mail went around it."""
    with pytest.raises(EgressRefused):
        Door().connect("127.0.0.1", 443 if web else 587, web=web)
    assert dialled == []
    assert source.imports("smtplib", "httpx", "ftplib", "telnetlib") == []


def test_advisory_04_test_as_a_port_scanner(monkeypatch, dialled):
    """GHSA-2fpm-8hx3-wxj9: the mail test told open ports from closed ones."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_words, **_more: answers(PUBLIC))
    for port in (22, 3306, 6379, 8080):
        with pytest.raises(EgressRefused):
            Door().connect("mail.evil.example", port)
    assert dialled == []
    assert start.LIMIT <= 10
    assert start.LIMIT_WINDOW.total_seconds() >= 60


def test_advisory_05_probe_without_the_right_role(alice, bob, session, dialled):
    """CVE-2021-35299: the mail configuration could be probed by anybody."""
    setup = factories.make_config(session, alice.workspace)
    assert bob.client.post("/tests", data={"config_id": setup.id, "recipient": "b@x.example"}).status_code == 403
    assert (runs(session), dialled) == (0, [])


def test_advisory_06_probe_of_another_workspace(alice, charlie, session, dialled):
    """CVE-2022-2352: blind requests through the test of another site."""
    setup = factories.make_config(session, alice.workspace)
    assert charlie.client.post("/tests", data={"config_id": setup.id, "recipient": "c@x.example"}).status_code == 404
    assert (runs(session), dialled) == (0, [])


def test_advisory_07_webhook_test_inside_the_network(dialled):
    """GHSA-g6h5-pf7p-qmvj: testing an alert's webhook reached what only the server reaches."""
    for host in ("127.0.0.1", "[::1]", "169.254.169.254"):
        outcome = webhooks.post_json(f"https://{host}/latest", b"{}", door=Door())
        assert not outcome.accepted
    assert dialled == []


def test_advisory_08_checked_address_is_the_one_dialled(monkeypatch, dialled):
    """CVE-2026-77242, CVE-2026-77972: the name was looked up again after the check, and led elsewhere."""
    turns = iter([answers(PUBLIC), answers(PRIVATE)])
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_words, **_more: next(turns))
    door = Door()
    checked = door.resolve("rebinding.evil.example", 587)
    with pytest.raises(Exception, match="did not answer"):
        door.connect("rebinding.evil.example", 587, addresses=checked)
    assert dialled == [PUBLIC]


@pytest.mark.parametrize("url", ["https://good.example@127.0.0.1/", "https://127.0.0.1#@good.example/"])
def test_advisory_09_one_reading_of_an_address(url, dialled):
    """GHSA-jp9j-jr97-w9pj: one field was checked, another one dialled."""
    assert not webhooks.post_json(url, b"{}", door=Door()).accepted
    assert dialled == []


@pytest.mark.parametrize(
    "address",
    ["192.0.0.8", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "fec0::1", "ff02::1", "::ffff:10.0.0.1"],
)
def test_advisory_10_own_list_of_networks(address):
    """CVE-2024-4032: Python's own idea of public addresses was wrong."""
    assert not public_networks.is_public(ip_address(address))


def test_advisory_11_stripped_starttls(door):
    """GHSA-3588-2mr7-vrcm, GHSA-2x4j-7g3q-wr6f: without STARTTLS the login went out in clear."""
    with smtp_server() as server:
        with pytest.raises(TransportError):
            talk_to(door, server, tls="starttls", who=login()).open(Report())
        assert server.sent("AUTH") == []


def test_advisory_12_certificates_are_verified(door, smtp):
    """CVE-2016-0772, cpython#91826: a refused STARTTLS was ignored, and the default context verifies nothing."""
    context = Door().ssl_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    smtp.replies["STARTTLS"] = "454 4.7.0 not now"
    with pytest.raises(TransportError):
        talk_to(door, smtp, who=login()).open(Report())
    assert smtp.sent("AUTH") == []


def test_advisory_13_answer_slipped_in_before_tls(door, smtp):
    """GHSA-f329-rp43-94r4, Mutt c547433c: what came before the handshake was believed after it."""

    def inject(talk):
        talk.write(b"220 go\r\n250 AUTH PLAIN\r\n")
        talk.encrypt()

    smtp.replies["STARTTLS"] = inject
    with pytest.raises(TransportError) as refused:
        talk_to(door, smtp, who=login()).open(Report())
    assert refused.value.code == "injected"
    assert smtp.sent("AUTH") == []


def test_advisory_14_encoded_line_break_in_a_subject(client, session, alice, config):
    """CVE-2024-6923, CVE-2026-1299: an encoded line break in a subject became a Bcc header."""
    call = caller(client, key_of(session, alice))
    subject = "=?utf-8?q?Hello=0D=0ABcc=3A_spy=40evil.example?="
    answer = call("POST", "/messages", json={"to": "c@fabrikam.example", "subject": subject, "text": "x"})
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["subject"])


def test_advisory_15_line_break_in_an_address(door, smtp, mail):
    """PYSEC-2026-2338, bpo-43124: a line break in an address became an SMTP command."""
    talk = talk_to(door, smtp)
    talk.open(Report())
    with pytest.raises(TransportError) as refused:
        talk.deliver(replace(mail, recipients=("a@x.org>\r\nRCPT TO:<spy@evil.example",)), Report())
    assert refused.value.code == "address_malformed"
    assert smtp.sent("RCPT") == []


@pytest.mark.parametrize("name", ["List-Unsubscribe", "List-Id", "X-Order", "X-A\r\nBcc"])
def test_advisory_16_line_break_in_any_other_field(client, session, alice, config, name):
    """GHSA-vvjj-xcjg-gr5g, GHSA-c7w3-x93f-qmm8, GHSA-268h-hp4c-crq3: the greeting, SIZE and List-* headers."""
    call = caller(client, key_of(session, alice))
    headers = {name: "<https://a.example/>\r\nBcc: spy@evil.example"}
    answer = call("POST", "/messages", json={"to": "c@x.example", "subject": "x", "text": "x", "headers": headers})
    assert answer.status_code == 422
    assert not set(ehlo_name("https://a.example\r\nMAIL FROM:<x>")) & set("\r\n <>")
