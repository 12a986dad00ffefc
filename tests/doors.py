"""Who may open which door, decided by a person: a rule that changes in the code has to change here too."""

from __future__ import annotations

# The lowest role, or for programs the scope; whose doors are open to everybody stands in tests/test_walls.py.
DECIDED = {
    "owner": """
        erasing.erase erasing.index exports.begin exports.delete exports.file privacy.index privacy.retention
        settings.second_factor""",
    "admin": """
        alert_ways.create alert_ways.edit alert_ways.new alert_ways.remove alert_ways.save alert_ways.test
        alerts.acknowledge alerts.again alerts.close alerts.snooze alerts.test api_keys.create api_keys.new
        api_keys.revoke audit.export audit.index calendar.make calendar.revoke credential_rights.save
        credential_rights.show credentials.confirm_delete credentials.create credentials.delete credentials.edit
        credentials.new credentials.update events.again events.change events.confirm_delete events.create
        events.delete events.edit events.new events.renew_secret events.set_active events.test
        members.change_role members.invite members.remove members.revoke members.send_invitation messages.cancel
        messages.content messages.resolve messages.retry outbound.confirm_delete outbound.delete
        outbound.fallback outbound.limits outbound.make_default outbound.pause outbound.policy outbound.probe
        outbound.resume settings.workspace setup.add_proof setup.admin_consent setup.begin_reconnect
        setup.callback setup.change_account setup.check_credential setup.check_permissions
        setup.create_credential setup.discard_proof setup.edit setup.end_handover setup.end_old setup.explain
        setup.explain_reconnect setup.go_back setup.make_handover setup.move setup.move_back setup.move_draft
        setup.new_certificate setup.permissions setup.promote setup.prove_limit setup.reconnect setup.rotate
        setup.sign_in setup.test_proof tests.again tests.arrived tests.begin tests.cancel tests.look_at_domain""",
    "builder": """
        setup.choose_credential setup.choose_kind setup.create setup.credential setup.discard setup.index
        setup.kind setup.new setup.resume setup.run_test setup.save setup.save_sender setup.save_setup
        setup.sender setup.test setup.test_outcome""",
    "member": """
        alerts.addresses alerts.index alerts.show api_keys.index calendar.download calendar.index
        credentials.certificate credentials.index credentials.show events.index events.show explain.answer
        explain.index members.index members.leave messages.index messages.show outbound.index outbound.show
        overview.index tests.domain tests.show tests.stages""",
    "signed_in": """
        operator.connections operator.index operator.test_connections operator_alerts.act
        operator_alerts.again operator_alerts.index operator_alerts.test proof.index proof.prove
        second_factor.begin second_factor.codes second_factor.confirm second_factor.index second_factor.off
        security.disconnect security.end_others security.end_session security.index security.password
        settings.index settings.person with_issuer.connect with_issuer.leave_again workspaces.create
        workspaces.index workspaces.new workspaces.switch""",
    "api send": "api.cancel api.create api.create_batch api.resolve api.retry",
    "api read": "api.index api.list_setups api.show api.show_test",
    "api test": "api.start_test",
}
