"""A stored password is never sent to another server than the one it was typed for."""

import pytest

from mailsetup.core.errors import InvalidInput
from mailsetup.credentials.vault import update_credential
from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound import binding
from mailsetup.outbound.connect import connect
from mailsetup.workspaces.audit import SYSTEM
from tests.factories import smtp_settings

HERE, THERE = smtp_settings(host="smtp.here.example", tls="starttls"), smtp_settings(host="smtp.there.example")


@pytest.fixture
def bound(session, credential):
    binding.bind(session, credential, HERE)
    return credential


def test_it_ties_a_password_to_the_first_server_that_took_it(session, bound):
    assert binding.bound_target(session, bound) == "smtp.here.example"
    binding.bind(session, bound, HERE)
    with pytest.raises(InvalidInput) as caught:
        binding.bind(session, bound, THERE)
    assert "smtp.here.example" in caught.value.fields["host"]


def test_it_refuses_to_turn_encryption_off_but_lets_it_be_turned_on(session, credential):
    binding.bind(session, credential, {**HERE, "tls": "none"})
    binding.check(session, credential, HERE)


def test_it_refuses_to_turn_encryption_off(session, bound):
    with pytest.raises(InvalidInput):
        binding.check(session, bound, {**HERE, "tls": "none"})


def test_it_takes_another_port_of_the_same_server(session, bound):
    binding.check(session, bound, {**HERE, "port": 465, "tls": "implicit"})


def test_it_is_open_again_when_the_password_was_typed_again(session, bound):
    raw = {"username": "mailer", "password": "typed-again"}
    update_credential(session, bound, actor=SYSTEM, user_id=None, name=bound.name, raw=raw)
    binding.bind(session, bound, THERE)
    assert binding.bound_target(session, bound).startswith("smtp.there.example")


def test_it_stops_the_connection_itself_too(session, workspace, bound):
    with pytest.raises(TransportError) as caught:
        connect(session, workspace_id=workspace.id, kind="smtp_basic", settings=THERE, credential_id=bound.id)
    assert caught.value.code == "credential_bound_elsewhere"


def test_it_does_not_concern_setups_without_a_typed_password(session):
    binding.bind(session, None, THERE)
