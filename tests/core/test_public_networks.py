from __future__ import annotations

import pytest

from mailsetup.core.public_networks import is_public, parse_address, parse_networks

PRIVATE = """
0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:20::1
2001:db8::1 2002:7f00:1:: 2002:0a00:0001::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1
ff02::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 172.15.255.255
172.32.0.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8
64:ff9b::808:808 2002:808:808::1 2001:200::1 2606:4700::1111 2a01:111:f400::1
"""


@pytest.mark.parametrize("text", PRIVATE.split())
def test_it_knows_what_is_not_public(text):
    assert not is_public(parse_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_it_knows_what_is_public(text):
    assert is_public(parse_address(text))


def test_it_reads_a_list_of_networks():
    assert [str(network) for network in parse_networks("10.0.0.0/8, ::1/128,")] == ["10.0.0.0/8", "::1/128"]


def test_it_refuses_a_list_that_is_none():
    with pytest.raises(ValueError, match="does not appear"):
        parse_networks("intranet")


@pytest.mark.parametrize("text", ["2a01:111::5efe:7f00:1", "2a01:111::200:5efe:a00:1"])
def test_it_looks_into_tunnels_within_a_site(text):
    assert not is_public(parse_address(text))
