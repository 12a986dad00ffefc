"""Addresses we link to or send a browser to."""

import pytest
from flask import Flask

from mailsetup.web.paths import local_path, safe_url, url_with


@pytest.mark.parametrize("path", ["/", "/messages?status=failed&cursor=abc", "/setup/1b2c/test"])
def test_it_goes_on_to_a_path_of_ours(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "hostile",
    [
        None, "", "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", "/a\\b", "messages",
        "/a\r\nSet-Cookie: x=1", "javascript:alert(1)", "/%0d\n", "/\t/evil.example", " /a", "/a\n",
    ],
)  # fmt: skip
def test_it_goes_home_for_anything_else(hostile: str | None) -> None:
    assert local_path(hostile) == "/"


@pytest.mark.parametrize("url", ["https://entra.microsoft.com/#view/x", "https://a.example:8443/b?c=d"])
def test_it_links_plain_https(url: str) -> None:
    assert safe_url(url) == url


@pytest.mark.parametrize(
    "hostile",
    ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "http://a.example", "https://", "https://u:p@a.example",
     "https://a.example/\"onclick=", "https://a.example/ x", "https://[", "https:\\\\a.example", None],
)  # fmt: skip
def test_it_links_nothing_else(hostile: str | None) -> None:
    assert safe_url(hostile) == ""


def test_it_changes_one_value_of_an_address(app: Flask) -> None:
    with app.test_request_context("/messages?status=failed&q=a%26b&cursor=old"):
        assert url_with(cursor="new/1") == "/messages?status=failed&q=a%26b&cursor=new%2F1"
        assert url_with(cursor=None, status=None, q=None) == "/messages"
