"""The SMTP door: who may in, what is taken, and when 250 is said."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from mailsetup.api.models import ApiKey
from mailsetup.core.clock import utcnow
from mailsetup.core.errors import SettingsError
from mailsetup.gateway.__main__ import listen_on, serve, tls_context
from mailsetup.outbox.models import Message
from mailsetup.settings import Settings
from tests import factories
from tests.api.conftest import key_of
from tests.outbox.conftest import mail
from tests.people import Person
from tests.ports import free_port


@contextmanager
def door(settings: Settings, certificate: str | None = None) -> Iterator[int]:
    port = free_port()
    loop, stop, started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    current = replace(settings, gateway_listen=("127.0.0.1", port), gateway_certificate_file=certificate)

    async def run() -> None:
        ready = asyncio.Event()
        served = asyncio.ensure_future(serve(current, stop, ready))
        await ready.wait()
        started.set()
        await served

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture
def key(session: Session, alice: Person) -> str:
    factories.make_config(session, alice.workspace)
    return key_of(session, alice, "send")


@pytest.fixture
def port(settings: Settings, key: str) -> Iterator[int]:
    with door(settings) as number:
        yield number


def signed_in(port: int, key: str) -> smtplib.SMTP:
    client = smtplib.SMTP("127.0.0.1", port, timeout=60)
    client.login("anything", key)
    return client


def rows(session: Session) -> list[Message]:
    session.commit()
    return list(session.scalars(select(Message)))


def test_it_queues_for_the_envelope(port: int, key: str, session: Session) -> None:
    with signed_in(port, key) as client:
        client.send_message(mail(), "ar@northwind.example", ["a@fabrikam.example", "b@fabrikam.example"])
    row = rows(session)[0]
    assert row.recipients_text == "a@fabrikam.example b@fabrikam.example"
    assert row.created_by == "SMTP, API key Shop"


def test_it_names_the_row_in_its_answer(port: int, key: str, session: Session) -> None:
    with signed_in(port, key) as client:
        client.mail("ar@northwind.example")
        client.rcpt("a@fabrikam.example")
        code, text = client.data(mail().as_bytes())
    assert (code, text.decode()) == (250, f"2.0.0 Ok: queued as {rows(session)[0].id}")


def test_it_wants_a_key_first(port: int, session: Session) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.ehlo()
        assert client.mail("ar@northwind.example")[0] == 530
    assert rows(session) == []


@pytest.mark.parametrize("wrong", ["secret", "oms_live_" + "0" * 49])
def test_it_refuses_wrong_keys(port: int, wrong: str) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError):
        signed_in(port, wrong)


def test_it_refuses_keys_that_may_not_send(port: int, session: Session, alice: Person) -> None:
    with pytest.raises(smtplib.SMTPAuthenticationError):
        signed_in(port, key_of(session, alice, "read", name="Reader"))


def test_it_says_why_a_mail_is_refused(port: int, key: str, session: Session) -> None:
    with signed_in(port, key) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.send_message(mail(From="ceo@northwind.example"), to_addrs=["a@fabrikam.example"])
    assert refused.value.smtp_code == 550
    assert b"ar@northwind.example" in (refused.value.smtp_error if isinstance(refused.value.smtp_error, bytes) else b"")
    assert rows(session) == []


def test_it_keeps_nothing_while_the_database_is_away(
    port: int, key: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_arguments: object, **_options: object) -> None:
        raise OperationalError("INSERT", {}, Exception("gone"))

    with signed_in(port, key) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        monkeypatch.setattr("mailsetup.gateway.door.queue_mail", away)
        client.send_message(mail(), "ar@northwind.example")
    assert refused.value.smtp_code == 451


def test_it_speaks_tls_where_others_can_listen(settings: Settings, key: str, tmp_path: Path, session: Session) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "door.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with door(settings, str(tmp_path / "door.pem")) as port:
        client = smtplib.SMTP("127.0.0.1", port, timeout=60)
        client.ehlo()
        assert "auth" not in client.esmtp_features
        client.starttls(context=context)
        client.login("anything", key)
        client.send_message(mail(), "ar@northwind.example")
        client.quit()
    assert len(rows(session)) == 1


def test_it_is_off_unless_configured(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="MAILSETUP_GATEWAY_LISTEN"):
        listen_on(settings)


def test_it_does_not_listen_to_others_without_a_certificate(settings: Settings) -> None:
    with pytest.raises(SettingsError, match="in the clear"):
        tls_context(replace(settings, gateway_listen=("0.0.0.0", 2525)))


def test_it_takes_nothing_from_a_key_that_was_revoked_meanwhile(port: int, key: str, session: Session) -> None:
    with signed_in(port, key) as client:
        client.send_message(mail(), "ar@northwind.example", ["a@fabrikam.example"])
        session.execute(update(ApiKey).values(revoked_at=utcnow()))
        session.commit()
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.7\.8"):
            client.send_message(mail(), "ar@northwind.example", ["a@fabrikam.example"])
    assert len(rows(session)) == 1
