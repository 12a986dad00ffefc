"""The operator's mail server of the tests, and the mails that people get."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from werkzeug.test import TestResponse

from mailsetup.workspaces import post
from tests.ports import free_port


class Mailbox:
    """Takes every mail; the newest first."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.insert(0, mail)
        return "250 OK"


@pytest.fixture(scope="module")
def operator_server() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    yield box, port
    controller.stop()


LettersOf = Callable[[], list[EmailMessage]]


@pytest.fixture
def letters_sent(operator_server: tuple[Mailbox, int]) -> LettersOf:
    """Runs the worker's job and gives what has arrived since, newest first."""
    box, _ = operator_server
    box.mails.clear()

    def send() -> list[EmailMessage]:
        post.send_due()
        return box.mails

    return send


def words_of(page: TestResponse, email: str) -> str:
    """The page without what differs on every page, and without the address."""
    return re.sub(r'(nonce|content|value)="[\w.-]+"', "", page.text).replace(email, "")


def link_in(mail: EmailMessage) -> str:
    """The path of the link in a mail."""
    return str(re.findall(r"http://localhost(/\S+/[\w-]{43})\s", mail.get_content())[0])
