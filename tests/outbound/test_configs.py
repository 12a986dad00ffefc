"""Saved setups."""

import pytest
from sqlalchemy import select

from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.outbound import configs
from mailsetup.outbound.fingerprint import config_fingerprint, fingerprint
from mailsetup.outbound.models import HEALTHY, UNVERIFIED, OutboundConfig
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import AuditEvent
from tests import factories


@pytest.fixture
def save(session, workspace, credential):
    def save(**changes):
        values = {
            "name": "Invoices",
            "kind": "smtp_basic",
            "settings": factories.smtp_settings(),
            "credential_id": credential.id,
            "alerts_address": "it@northwind.example",
            "tested": False,
            "fingerprint": "",
            **changes,
        }
        return configs.save_config(session, workspace_id=workspace.id, actor=SYSTEM, user_id=None, **values)

    return save


def test_it_holds_mail_back_until_a_test_passes(save):
    assert save().health == UNVERIFIED


def test_it_sends_at_once_when_these_very_values_passed_a_test(save, credential):
    passed = fingerprint("smtp_basic", factories.smtp_settings(), credential.id, credential.version)
    assert save(tested=True, fingerprint=passed).health == HEALTHY


def test_it_does_not_believe_a_test_of_other_values(save):
    assert save(tested=True, fingerprint="0" * 64).health == UNVERIFIED


def test_it_keeps_its_health_when_only_its_name_changes(save, config, session):
    save(config_id=config.id, name="Receipts")
    assert (config.health, config.name) == (HEALTHY, "Receipts")


def test_it_wants_a_test_when_a_value_changes(save, config):
    save(config_id=config.id, settings=factories.smtp_settings(from_address="other@northwind.example"))
    assert config.health == UNVERIFIED


def test_it_makes_the_first_setup_the_default_and_only_one(save, session, workspace):
    first, second = save(), save(name="Receipts")
    assert (first.is_default, second.is_default) == (True, False)
    configs.make_default(session, second, actor=SYSTEM)
    assert (first.is_default, second.is_default) == (False, True)
    assert configs.default_config(session, workspace.id) is second


def test_it_gives_the_default_on_when_it_is_deleted(save, session, workspace):
    first, second = save(), save(name="Receipts")
    configs.delete_config(session, first, actor=SYSTEM)
    assert configs.list_configs(session, workspace.id) == [second]
    assert second.is_default


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", " "), ("name", "x" * 121), ("alerts_address", "nobody"), ("alerts_address", "a@b.example\nBcc: c@d")],
)
def test_it_refuses_what_cannot_be_used(save, field, value):
    with pytest.raises(InvalidInput) as caught:
        save(**{field: value})
    assert set(caught.value.fields) == {field}


def test_it_refuses_a_name_twice(save):
    save()
    with pytest.raises(InvalidInput) as caught:
        save()
    assert "Invoices" in caught.value.fields["name"]


def test_it_refuses_a_credential_of_another_type_or_workspace(save, session):
    with pytest.raises(InvalidInput):
        save(kind="graph_client_credentials")
    stranger = factories.make_workspace(session, name="Fabrikam")
    with pytest.raises(NotFound):
        save(credential_id=factories.make_credential(session, stranger).id)


def test_it_writes_down_who_changed_which_fields(save, session):
    config = save()
    save(config_id=config.id, alerts_address="ops@northwind.example")
    session.commit()  # when the trail is written
    events = session.scalars(
        select(AuditEvent).where(AuditEvent.subject_id == str(config.id)).order_by(AuditEvent.id)
    ).all()
    assert [event.action for event in events] == ["outbound:create", "outbound:change"]
    assert events[1].detail["fields"] == ["alerts_address"]


def test_it_writes_down_each_setting_by_its_name(save, session):
    config = save()
    save(config_id=config.id, settings={**config.settings, "port": 465, "from_address": "new@northwind.example"})
    session.commit()
    last = select(AuditEvent).where(AuditEvent.action == "outbound:change")
    assert session.scalars(last).one().detail["fields"] == ["from_address", "port"]


def test_its_fingerprint_changes_with_the_credential(session, config, credential):
    before = config_fingerprint(config)
    credential.version += 1
    assert config_fingerprint(session.get(OutboundConfig, config.id)) != before
