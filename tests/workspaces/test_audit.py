"""The audit page: newest first, by pages, filtered, in the person's own time."""

import re

from mailsetup.workspaces import audit
from mailsetup.workspaces.audit import Actor, AuditFilter
from mailsetup.workspaces.audit_words import action_words, detail_words


def write(session, workspace, count, *, action="thing:do", label="Zoe"):
    for number in range(count):
        audit.record(session, workspace.id, actor=Actor(label), action=action, subject=f"{action} number {number:03d}")
        session.flush()
    session.commit()


def test_it_shows_the_newest_first_fifty_a_page(ada, session):
    write(session, ada.workspace, 60)
    first = ada.client.get("/audit").text
    seen = re.findall(r"number (\d+)", first)
    assert len(seen) == 50
    following = re.findall(r'href="(/audit\?cursor=[^"]+)"', first)[0]
    seen += re.findall(r"number (\d+)", ada.client.get(following).text)
    assert sorted(seen) == [f"{number:03d}" for number in range(60)]


def test_it_filters_by_action_and_person(ada, session):
    write(session, ada.workspace, 2, action="credential:create", label="Zoe")
    write(session, ada.workspace, 2, action="credential:delete", label="Yan")
    page = ada.client.get("/audit?action=credential:create").text
    assert "credential:create number" in page
    assert "credential:delete number" not in page
    assert "credential:delete number" in ada.client.get("/audit?person=Yan").text
    assert "Nothing matches" in ada.client.get("/audit?person=Yan&action=credential:create").text


def test_it_survives_cursors_that_are_none(ada):
    assert ada.client.get("/audit?cursor=nonsense").status_code == 200
    assert [ada.client.get(f"/audit?{name}=%00").status_code for name in ("action", "cursor")] == [400, 400]


def test_it_shows_nothing_of_other_workspaces(ada, charlie, session):
    write(session, charlie.workspace, 3, label="Stranger")
    assert "Stranger" not in ada.client.get("/audit").text
    assert audit.audit_choices(session, ada.workspace.id).people == ["mailsetup"]


def test_it_is_for_admins(bob):
    assert bob.client.get("/audit").status_code == 403


def test_it_escapes_what_people_wrote(ada, session):
    write(session, ada.workspace, 1, label="<script>alert(1)</script>")
    assert "<script>alert" not in ada.client.get("/audit").text


def test_it_keeps_within_the_columns(session, alice):
    audit.record(session, alice.workspace.id, actor=alice.actor, action="a:b", subject="x" * 500, fields=["name"])
    session.commit()
    events, cursor = audit.list_events(session, alice.workspace.id, AuditFilter(action="a:b"))
    assert (len(events[0].subject), events[0].detail, cursor) == (200, {"fields": ["name"]}, None)


def test_it_speaks_plain_words():
    assert action_words("credential:create") == "Credential made"
    assert action_words("api-key:revoke") == "API key revoked"
    assert action_words("message:view") == "Message content looked at"
    assert action_words("outbound:make_default") == "Setup made the default"
    assert action_words("alert_notice:send_again") == "Alert notice sent again"
    assert action_words("user:second-factor-on") == "Second factor turned on"
    assert action_words("odd") == "Odd"


def test_it_names_the_fields_that_changed_in_plain_words():
    assert detail_words({"fields": ["name", "expires_on"], "was": "member", "empty": ""}) == (
        "fields: name, expires on; was: member"
    )
    assert detail_words({"fields": ["credential_id", "unknown_policy"], "people": ["ada_l@northwind.example"]}) == (
        "fields: credential, when nobody knows whether a mail was accepted; people: ada_l@northwind.example"
    )
