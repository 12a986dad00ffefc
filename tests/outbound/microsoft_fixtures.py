"""What tests against the sandbox's Microsoft share: the world of one file, and what a customer has made in it.

A file imports the fixtures that it uses and names them in `__all__`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mailsetup.credentials.models import Credential
from mailsetup.outbound.models import OutboundConfig
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import Mailbox
from tests.outbound import microsoft_world as world
from tests.people import Person


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One Microsoft for a whole file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAILSETUP_ENV", "test")
        folder = tmp_path_factory.mktemp("sandbox")
        with Sandbox(folder, redirect_uri=f"{world.BASE_URL}/setup/microsoft/callback") as running:
            yield running


@pytest.fixture
def settings_changes(box: Sandbox) -> dict[str, Any]:
    """The operator's settings lead to this Microsoft."""
    return world.settings_for(box)


@pytest.fixture
def mailbox(box: Sandbox) -> Mailbox:
    """A mailbox that no other test uses."""
    return world.new_mailbox(box)


@pytest.fixture
def grant(session: Session, alice: Person, mailbox: Mailbox) -> Credential:
    """Alice has signed in as the mailbox."""
    return world.make_grant(session, alice.workspace, mailbox)


@pytest.fixture
def app_credential(session: Session, alice: Person, box: Sandbox) -> Credential:
    """The app of Alice's organisation, with its client secret."""
    return world.make_app_credential(session, alice.workspace, box)


@pytest.fixture
def app_setup(session: Session, app_credential: Credential) -> OutboundConfig:
    """A healthy setup that sends by that app."""
    return world.make_setup(session, app_credential, "ar@contoso.com", "graph_client_credentials")
