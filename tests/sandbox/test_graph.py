from __future__ import annotations

from typing import Any


def test_it_accepts_a_message_from_an_app(box: Any, customer: Any) -> None:
    answer = customer.send()
    assert (answer.status, answer.data) == (202, b"")
    assert [(mail.subject, mail.text.strip()) for mail in box.inbox("me@example.org")] == [("Hello", "Hi")]
