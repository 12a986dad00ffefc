"""What the tests of the mail services share: an authority, a door to loopback, a platform, a mail, a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mailsetup.core.egress import Door
from mailsetup.mail_services.base import Mail, Platform
from mailsetup.sandbox import Sandbox
from tests.core.egress_doors import LOOPBACK
from tests.fakes.certificates import Authority
from tests.fakes.microsoft_server import Microsoft
from tests.fakes.smtp_server import SMTPServer
from tests.mail_services.values import SHORT, Heard


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def door(authority: Authority) -> Door:
    return Door(LOOPBACK, str(authority.bundle))


@pytest.fixture
def microsoft(authority: Authority) -> Iterator[Microsoft]:
    with Microsoft(authority.server()) as running:
        yield running


@pytest.fixture
def smtp(authority: Authority) -> Iterator[SMTPServer]:
    with SMTPServer(authority.server()) as running:
        yield running


@pytest.fixture
def platform(door: Door, microsoft: Microsoft, smtp: SMTPServer) -> Platform:
    return Platform(
        door,
        "https://mail.example.com",
        login_url=microsoft.url,
        graph_url=microsoft.url,
        outlook_smtp_host="localhost",
        outlook_smtp_port=smtp.port,
        timeouts=SHORT,
    )


@pytest.fixture
def mail() -> Mail:
    content = b"From: ar@contoso.com\r\nTo: me@example.org\r\nSubject: Hi\r\n\r\nHello\r\n.dot\r\n"
    return Mail("ar@contoso.com", ("me@example.org",), content, "<1@mailsetup>")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSETUP_ENV", "test")
        with Sandbox(tmp_path_factory.mktemp("sandbox")) as running:
            yield running


@pytest.fixture(scope="module")
def cloud(box: Sandbox) -> Platform:
    host, port = box.outlook_smtp
    door = Door(LOOPBACK, str(box.ca_file))
    place = Platform(door, "https://mail.example.com", box.login_url, box.graph_url, host, port)
    return replace(place, timeouts=SHORT)
