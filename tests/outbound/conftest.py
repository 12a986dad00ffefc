"""A workspace with a saved, tested SMTP setup."""

import pytest

from mailsetup.mail_services.errors import TransportError
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import OutboundConfig
from tests import factories
from tests.outbound.microsoft_fixtures import box

__all__ = ["box"]


@pytest.fixture
def workspace(session):
    return factories.make_workspace(session)


@pytest.fixture
def credential(session, workspace):
    return factories.make_credential(session, workspace)


@pytest.fixture
def config(session, workspace, credential) -> OutboundConfig:
    """Healthy, and its values passed a test."""
    found = factories.make_config(session, workspace, name="Invoices", credential=credential)
    session.refresh(found)
    found.tested_fingerprint = config_fingerprint(found)
    session.commit()
    return found


def refused(stage="authenticate", **facts) -> TransportError:
    """The mail server says no for good, unless told otherwise."""
    values = {"channel": "smtp_reply", "code": "535 5.7.8", "permanent": True, **facts}
    return TransportError("Authentication failed", stage=stage, **values)


def unreachable(**facts) -> TransportError:
    """The mail server does not answer just now."""
    return TransportError("", channel="tcp", stage="connect", code="timeout", permanent=False, **facts)
