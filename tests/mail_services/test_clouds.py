"""Microsoft's clouds: chosen per credential, and what the operator's settings change of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailsetup.mail_services.base import Platform
from mailsetup.mail_services.clouds import CLOUDS, OWN, check_clouds, choices_for, cloud_of
from mailsetup.mail_services.kinds.graph_client_credentials import GraphClientCredentials

PRIVATE = {
    "label": "Contoso's own",
    "login_url": "https://login.contoso.example",
    "graph_url": "https://graph.contoso.example",
}


@pytest.fixture
def platform(cloud: Platform) -> Platform:
    """The operator knows better about one host, and has a private cloud."""
    return replace(cloud, clouds={"usgov": {"smtp_host": "smtp.gov.example"}, OWN: PRIVATE})


def test_it_knows_four_clouds_with_addresses_of_their_own(cloud: Platform) -> None:
    for name in ("usgov", "usgov_dod", "china"):
        assert cloud_of(name, cloud) == CLOUDS[name]
    addresses = [(one.graph_url, one.smtp_host) for one in CLOUDS.values()]
    assert len(set(addresses)) == len(addresses) == 4


def test_it_takes_the_operators_word_for_a_host(platform: Platform) -> None:
    found = cloud_of("usgov", platform)
    assert (found.smtp_host, found.graph_url) == ("smtp.gov.example", "https://graph.microsoft.us")
    assert cloud_of("china", platform) == CLOUDS["china"]


def test_it_offers_a_private_cloud_only_where_there_is_one(cloud: Platform, platform: Platform) -> None:
    assert [OWN in dict(choices_for(one)) for one in (cloud, platform)] == [False, True]
    found = cloud_of(OWN, platform)
    assert (found.name, found.login_url) == (OWN, "https://login.contoso.example")


def test_a_setup_goes_to_the_cloud_of_its_credential(platform: Platform) -> None:
    scopes = {name: cloud_of(name, platform).graph_scope for name in CLOUDS}
    assert scopes["china"] == "https://microsoftgraph.chinacloudapi.cn/.default"
    assert len(set(scopes.values())) == len(CLOUDS)
    assert GraphClientCredentials.app_permission == "Mail.Send"


@pytest.mark.parametrize(
    ("clouds", "words"),
    [
        ({"mars": {}}, "There is no cloud mars"),
        ({"usgov": {"smtp": "x"}}, "A cloud has no smtp"),
        ({"usgov": {"login_url": "http://login.example"}}, "must begin with https://"),
        ({OWN: {"label": "Ours"}}, "needs graph_url and login_url"),
        ({OWN: PRIVATE, "china": {"smtp_host": "smtp.example"}}, ""),
        ({}, ""),
    ],
)
def test_it_says_what_is_wrong_with_the_operators_clouds(clouds: dict[str, dict[str, str]], words: str) -> None:
    assert words in check_clouds(clouds)
    assert bool(check_clouds(clouds)) == bool(words)


@pytest.mark.parametrize(
    ("stand_in", "server"), [("smtp.office365.com", "smtp-mail.outlook.com"), ("localhost", "localhost")]
)
def test_personal_accounts_have_a_mail_server_of_their_own(cloud: Platform, stand_in: str, server: str) -> None:
    place = replace(cloud, outlook_smtp_host=stand_in)
    assert cloud_of("", place).personal_smtp_host == server
    assert cloud_of("", replace(place, clouds={"global": {"personal_smtp_host": "mx.example"}})).personal_smtp_host == (
        "mx.example"
    )
