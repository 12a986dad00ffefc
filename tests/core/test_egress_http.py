from __future__ import annotations

import pytest
import requests
import urllib3

from mailsetup.core import egress_http
from mailsetup.core.egress import Door
from mailsetup.core.errors import EgressRefused
from tests.core.egress_doors import LOOPBACK, loopback_door
from tests.fakes.certificates import Authority
from tests.fakes.http_server import Answer, HTTPServer


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def web(authority):
    with HTTPServer(authority.server(), lambda asked: Answer(200, b"seen " + asked.path.encode())) as server:
        yield server


def test_it_fetches_with_a_verified_name(web, authority):
    door = loopback_door(ca_bundle=str(authority.bundle))
    answer = door.http_pool().request("GET", f"{web.url}/x")
    assert (answer.status, answer.data) == (200, b"seen /x")


def test_it_refuses_a_certificate_nobody_vouches_for(web):
    with pytest.raises(urllib3.exceptions.SSLError, match="certificate verify failed"):
        loopback_door().http_pool().request("GET", web.url)


def test_it_refuses_a_certificate_for_another_name(authority):
    with HTTPServer(authority.server("other.example.com"), lambda _: Answer()) as web:
        door = loopback_door(ca_bundle=str(authority.bundle))
        with pytest.raises(urllib3.exceptions.SSLError, match="mismatch"):
            door.http_pool().request("GET", web.url)
    assert web.requests == []


def test_it_follows_no_redirect(authority):
    with HTTPServer(None, lambda _: Answer(302, headers={"Location": "http://127.0.0.1:1/"})) as web:
        assert loopback_door().http_pool().request("GET", web.url).status == 302
    assert len(web.requests) == 1


def test_it_ignores_proxies_and_authorities_of_the_environment(web, authority, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent")
    door = loopback_door(ca_bundle=str(authority.bundle))
    assert door.http_pool().request("GET", web.url).status == 200
    assert door.msal_http_client().get(web.url).status_code == 200


def test_it_does_not_leave_by_another_door(web):
    with pytest.raises(EgressRefused):
        Door().http_pool().request("GET", web.url)
    with pytest.raises(EgressRefused):
        Door().msal_http_client().get(web.url)
    assert web.requests == []


def test_msal_gets_what_it_reads(authority):
    def answer(asked):
        return Answer.json({"query": asked.path, "form": asked.form, "sent": asked.headers["X-A"]}, 401, **{"X-B": "b"})

    with HTTPServer(authority.server(), answer) as web:
        client = loopback_door(ca_bundle=str(authority.bundle)).msal_http_client()
        got = client.post(f"{web.url}/t", params={"p": "1"}, data={"a": "b c", "j": b"x"}, headers={"X-A": "y"})
    assert got.status_code == 401
    assert got.headers["X-B"] == "b"
    assert '"/t?p=1"' in got.text
    assert '{"a": "b c", "j": "x"}' in got.text
    with pytest.raises(requests.HTTPError):
        got.raise_for_status()


def test_msal_gets_no_endless_answer(authority):
    with HTTPServer(None, lambda _: Answer(200, b"x" * (egress_http.MSAL_ANSWER_LIMIT + 1))) as web:
        client = loopback_door().msal_http_client()
        with pytest.raises(requests.ConnectionError):
            client.get(web.url)


def test_msal_hears_of_a_timeout(monkeypatch):
    import socket

    monkeypatch.setattr(egress_http, "MSAL_TIMEOUT", urllib3.Timeout(connect=5, read=0.1))
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(requests.Timeout):
        loopback_door().msal_http_client().get(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_it_keeps_the_connection(authority):
    with HTTPServer(authority.server(), lambda _: Answer(200, b"ok")) as web:
        pool = Door(LOOPBACK, str(authority.bundle)).http_pool()
        for _ in range(3):
            assert pool.request("GET", web.url).data == b"ok"
    assert web.connections == 1
