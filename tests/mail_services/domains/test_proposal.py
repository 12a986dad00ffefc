"""What is proposed for an address, against a DNS server on loopback and a sign-in service that knows some domains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mailsetup.core.egress import Door
from mailsetup.mail_services import discovery, proposal
from mailsetup.mail_services.base import Platform
from tests.core.egress_doors import LOOPBACK
from tests.fakes.certificates import Authority
from tests.fakes.dns_server import NameServer
from tests.fakes.http_server import Answer, Asked, HTTPServer
from tests.mail_services.domains.addresses import CASES, Case

TENANT = "a0000000-1111-4222-8333-444444444444"
DIRECTORIES = {case.domain for case in CASES if case.tenant}


def about(asked: Asked) -> Answer:
    """What Microsoft's sign-in service says about a domain."""
    domain = asked.path.split("/")[1]
    if domain in DIRECTORIES:
        return Answer.json({"issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0"})
    return Answer.json({"error": "invalid_tenant"}, 400)


@pytest.fixture(scope="module")
def sign_in(authority: Authority) -> Iterator[HTTPServer]:
    with HTTPServer(authority.server(), about) as running:
        yield running


@pytest.fixture
def place(authority: Authority, sign_in: HTTPServer, names: NameServer) -> Platform:
    door = Door(LOOPBACK, str(authority.bundle), dns_servers=(("127.0.0.1", names.port),))
    return Platform(door, "https://mail.example.com", login_url=sign_in.url)


def proposed(domain: str, place: Platform) -> proposal.Proposal:
    domain = domain.encode("idna").decode()
    return proposal.from_name(domain) or proposal.from_facts(discovery.gather(domain, place))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_proposes_what_fits(case: Case, names: NameServer, place: Platform) -> None:
    names.has(case.zone)
    names.failing.add(case.failing)
    found = proposed(case.domain, place)
    assert found.kind == case.kind
    assert " ".join(found.settings.get(name, "") for name in ("host", "port", "tls")).strip() == case.server
    assert case.says in found.reason
    assert found.sure is not case.unsure
    assert found.reasons


def test_it_waits_for_nobody(names: NameServer, place: Platform) -> None:
    names.silent.update({"slow.example", "autodiscover.slow.example"})
    begun = time.monotonic()
    facts = discovery.gather("slow.example", place, seconds=0.5)
    assert time.monotonic() - begun < 4
    assert facts.mx is None
    assert not proposal.from_facts(facts).sure


def test_it_asks_the_dns_and_microsoft_about_the_domain_alone(names: NameServer, place: Platform, sign_in) -> None:
    sign_in.requests.clear()
    proposed("contoso.example", place)
    assert {name for name, _ in names.asked} <= {
        "contoso.example",
        "autodiscover.contoso.example",
        "_submission._tcp.contoso.example",
        "_submissions._tcp.contoso.example",
    }
    assert [asked.path for asked in sign_in.requests] == ["/contoso.example/v2.0/.well-known/openid-configuration"]


def test_it_believes_no_sign_in_service_that_talks_nonsense(
    names: NameServer, place: Platform, monkeypatch, sign_in
) -> None:
    monkeypatch.setattr(sign_in, "answer", lambda _asked: Answer(200, b"<html>captive portal</html>"))
    facts = discovery.gather("contoso.example", replace(place))
    assert facts.tenant is None


@pytest.mark.parametrize("domain", ["hotmail.com", "a6.example"])
def test_it_proposes_signing_in_for_personal_accounts_where_they_are_let_in(
    domain: str, names: NameServer, place: Platform
) -> None:
    names.has("a6.example MX 0 a6.olc.protection.outlook.com")
    facts = None if domain == "hotmail.com" else discovery.gather(domain, place)
    found = proposal.from_facts(facts, personal=True) if facts else proposal.from_name(domain, personal=True)
    assert found is not None
    assert (found.kind, found.sure) == ("graph_delegated", True)
    assert f"Addresses at {domain} are personal Microsoft accounts" in found.reason
