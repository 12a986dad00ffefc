"""A new data key for a workspace: both are readable meanwhile, nothing is missed, and the old one goes in the end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from mailsetup.cli.data_keys import rotate_data
from mailsetup.core import crypto
from mailsetup.core.clock import utcnow
from mailsetup.core.db import Base
from mailsetup.core.errors import UnsealError
from mailsetup.credentials.models import CredentialVersion
from mailsetup.credentials.vault import credential_value
from mailsetup.events import signing
from mailsetup.events.models import EventEndpoint
from mailsetup.outbox import bodies
from mailsetup.outbox.models import MessageBody
from mailsetup.workspaces import data_keys, sealing
from mailsetup.workspaces.models import OldWorkspaceKey, WorkspaceKey
from tests import factories, walls


def rotate(session, *arguments: str):
    session.commit()
    result = CliRunner().invoke(rotate_data, list(arguments))
    session.expire_all()
    return result


def age(session) -> None:
    session.execute(update(OldWorkspaceKey).values(replaced_at=utcnow() - timedelta(minutes=11)))


@pytest.fixture
def furnished(session, alice):
    credential = factories.make_credential(session, alice.workspace, raw={"username": "m", "password": "hunter-2-x"})
    endpoint = session.get(EventEndpoint, walls.endpoint(session, alice))
    message_id = walls.message(session, alice)
    bodies.store(session, alice.workspace.id, message_id, b"Hello")
    session.commit()
    return credential, endpoint, message_id


def test_it_seals_everything_anew_and_destroys_the_old_key_later(session, alice, charlie, furnished):
    credential, endpoint, message_id = furnished
    stranger = factories.make_credential(session, charlie.workspace)
    before, secrets = sealing.data_key(session, alice.workspace.id), signing.signing_secrets(session, endpoint)
    first = rotate(session, str(alice.workspace.id))
    assert "0 of 1 old keys destroyed" in first.output
    age(session)
    assert "1 of 1 old keys destroyed" in rotate(session, "--resume").output
    assert sealing.data_key(session, alice.workspace.id) != before
    assert credential_value(session, credential).secrets["password"].reveal() == "hunter-2-x"
    assert signing.signing_secrets(session, endpoint)[0].reveal() == secrets[0].reveal()
    assert bodies.read(session, alice.workspace.id, message_id) == b"Hello"
    sealed = session.scalars(select(CredentialVersion.sealed).order_by(CredentialVersion.id)).all()
    assert [crypto.sealed_with(one) for one in sealed] == ["dk2", "dk1"]
    assert credential_value(session, stranger).secrets["password"]


def test_a_process_that_remembers_the_old_key_reads_and_writes_on(session, alice, furnished):
    credential, _, message_id = furnished
    sealing.data_key(session, alice.workspace.id)
    remembered = dict(sealing._cache)
    rotate(session, str(alice.workspace.id))
    sealing._cache.update(remembered)
    bodies.replace(session, alice.workspace.id, message_id, b"Late")
    assert credential_value(session, credential).secrets["password"].reveal() == "hunter-2-x"
    age(session)
    assert not data_keys.retire(session, alice.workspace.id)
    rotate(session, "--resume")
    assert bodies.read(session, alice.workspace.id, message_id) == b"Late"
    assert session.scalar(select(OldWorkspaceKey.workspace_id)) is None


def test_it_reports_what_does_not_open_and_keeps_the_key(session, alice, furnished):
    _, _, message_id = furnished
    session.execute(update(MessageBody).values(sealed=b"v1.dk1." + b"x" * 40))
    age(session)
    result = rotate(session, "--all")
    assert (result.exit_code, f"message_bodies {message_id} does not open" in result.output) == (1, True)
    age(session)
    assert "0 of 1 old keys destroyed" in rotate(session, "--resume").output


def test_it_begins_no_second_time_before_the_first_is_over(session, alice):
    rotate(session, str(alice.workspace.id))
    assert "--resume" in rotate(session, str(alice.workspace.id)).output
    assert session.get(WorkspaceKey, alice.workspace.id).key_id == "dk2"


def test_a_key_of_no_name_is_refused(session, alice):
    place = crypto.Place(str(alice.workspace.id), "x", "y", "z")
    sealed = sealing.seal(session, place, "text").replace(".dk1.", ".dk7.")
    with pytest.raises(UnsealError, match="dk7"):
        sealing.unseal(session, place, sealed)


def test_every_sealed_column_is_known():
    columns = {
        (table.name, one.name) for table in Base.metadata.tables.values() for one in table.c if "sealed" in one.name
    }
    known = {(one.column.class_.__tablename__, one.column.key) for one in sealing.SEALED}
    assert known == columns
