"""What every kind of mail service keeps to, whichever it is: runs for each kind of the registry."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mailsetup.core.egress import Door
from mailsetup.core.errors import InvalidInput, NotFound
from mailsetup.mail_services import credential_types, hints, kinds, registry
from mailsetup.mail_services import microsoft as microsoft_tokens
from mailsetup.mail_services.base import (
    STAGES,
    CredentialValue,
    FreshTokens,
    MailService,
    NullReport,
    Platform,
    TokenCache,
)
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.standard_fields import ORDER
from tests.mail_services.values import Heard, app_credential, grant_credential, smtp_credential

KINDS = registry.all_kinds()
GRAPH_SCOPE = ("https://graph.microsoft.com/Mail.Send", "https://graph.microsoft.com/User.Read")
CREDENTIALS: dict[str, CredentialValue] = {
    "smtp_login": smtp_credential(),
    "microsoft_app": app_credential(),
    "microsoft_grant": grant_credential(),
}


@dataclass
class World:
    """One kind with a credential, and the services it talks to."""

    kind: type[MailService]
    credential: CredentialValue
    platform: Platform
    microsoft: Any
    smtp: Any
    blob: str = ""

    def service(self, **more: Any) -> MailService:
        raw = {"from_address": "ar@contoso.com", "host": "localhost", "port": str(self.smtp.port), "tls": "starttls"}
        given = {"credential": self.credential, "platform": self.platform, "tokens": FreshTokens(TokenCache(self.blob))}
        return self.kind(self.kind.clean(raw, platform=self.platform), **{**given, **more})

    @property
    def arrived(self) -> int:
        return len(self.smtp.mails) + len(self.microsoft.mails)


PAIRS = [(kind, name) for kind in KINDS for name in kind.credential_types]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0].kind}-{pair[1]}")
def world(request, platform, microsoft, smtp):
    kind, name = request.param
    made = World(kind, CREDENTIALS[name], platform, microsoft, smtp)
    smtp.replies["AUTH XOAUTH2"] = "235 2.7.0 ok"
    if name == "microsoft_grant":
        flow = microsoft_tokens.start_sign_in(platform, made.credential, GRAPH_SCOPE)
        microsoft.claims["nonce"] = flow["auth_uri"].partition("nonce=")[2].partition("&")[0]
        params = {"code": "c", "state": flow["state"]}
        made.blob = microsoft_tokens.finish_sign_in(platform, made.credential, flow, params).cache.blob
    return made


@pytest.fixture(params=KINDS, ids=lambda kind: kind.kind)
def kind(request):
    return request.param


def test_the_four_kinds_are_there_in_order():
    assert [kind.kind for kind in KINDS] == [
        "graph_client_credentials",
        "graph_delegated",
        "smtp_xoauth2",
        "smtp_basic",
    ]
    assert [kind.recommended for kind in KINDS] == [True, False, False, False]


def test_it_is_named_like_its_module(kind):
    assert kind.kind == kind.__module__.rpartition(".")[2]
    assert registry.get(kind.kind) is kind


def test_it_describes_itself(kind):
    assert kind.label
    assert kind.summary.endswith(".")
    assert inspect.getdoc(kind)
    assert all(credential_types.get(name) for name in kind.credential_types)
    assert kind.connections_per_mailbox >= 1


def test_its_stages_are_a_part_of_all_in_order(kind):
    assert list(kind.stages) == [stage for stage in STAGES if stage in kind.stages]
    assert {"settings", "resolve", "connect", "accept"} <= set(kind.stages)


def test_it_has_the_standard_fields_and_explains_each(kind, platform):
    fields = kind.form_fields(platform)
    assert [field.name for field in fields][: len(ORDER)] == list(ORDER)
    for field in fields:
        assert field.help.endswith("."), field.name
        assert not field.secret
        assert field.default or not field.fixed


def test_it_refuses_every_wrong_value_by_field(kind, platform):
    for raw in (
        {},
        {"from_address": "x"},
        {"from_address": "a@b.com\r\nBcc: c@d.com"},
        {"from_address": "a@b.com,c@d.com"},
    ):
        with pytest.raises(InvalidInput) as refused:
            kind.clean(raw, platform=platform)
        names = {field.name for field in kind.fields}
        assert "from_address" in refused.value.fields
        assert set(refused.value.fields) <= names


def test_its_settings_survive_being_cleaned_again(kind, platform):
    raw = {"from_address": "ar@contoso.com", "host": "smtp.example.com", "port": "587", "tls": "starttls"}
    settings = kind.clean(raw, platform=platform)
    again = {name: str(value) if not isinstance(value, bool) else "on" * value for name, value in settings.items()}
    assert kind.clean(again, platform=platform) == settings


def test_it_delivers_through_exactly_its_stages(world, mail, heard):
    service = world.service()
    result = service.deliver(mail, heard)
    service.close()
    assert heard.names == list(world.kind.stages)
    assert {state for _, state in heard.stages} == {"passed"}
    assert (world.arrived, result.refused) == (1, ())
    assert result.text


def test_it_delivers_the_same_without_a_listener(world, mail):
    world.service().deliver(mail, NullReport())
    assert world.arrived == 1


def test_opening_twice_opens_once_and_closing_twice_is_fine(world, mail, heard):
    service = world.service()
    service.open(heard)
    count = len(heard.stages)
    service.open(heard)
    assert len(heard.stages) == count
    service.deliver(mail, NullReport())
    service.close()
    service.close()
    service.deliver(mail, NullReport())
    service.close()
    assert world.arrived == 2


def test_its_evidence_never_holds_a_secret(world, mail, heard):
    world.service().deliver(mail, heard)
    shown = str(heard.evidence)
    for secret in world.credential.secrets.values():
        assert secret.reveal() not in shown
    assert "eyJ" not in shown


def test_without_its_credential_it_stops_at_the_settings(world, mail, heard):
    if not world.kind.credential_required:
        pytest.skip("works without a login too")
    for credential in (None, replace(world.credential, type="another")):
        with pytest.raises(TransportError) as failed:
            world.service(credential=credential).deliver(mail, heard)
        assert heard.last == ("settings", "failed")
        assert hints.explain(failed.value).cause == "credential_missing"
    assert world.microsoft.server.requests == [] or world.blob


def test_it_leaves_by_the_door_only(world, mail):
    closed = replace(world.platform, door=Door())
    with pytest.raises(TransportError) as failed:
        world.service(platform=closed).deliver(mail, NullReport())
    assert hints.explain(failed.value).cause == "host_not_public"
    assert world.arrived == 0


def test_a_failure_is_marked_with_the_stage_that_failed(world, mail, heard):
    nowhere = replace(world.platform, graph_url="https://localhost:1", outlook_smtp_port=1)
    service = world.service(platform=nowhere)
    if service.settings["host"] == "localhost" and service.settings["port"] == world.smtp.port:
        service.settings = {**service.settings, "port": 1}
    with pytest.raises(TransportError) as failed:
        service.deliver(mail, heard)
    assert heard.last == ("connect", "failed")
    assert (failed.value.stage, failed.value.permanent, failed.value.scope) == ("connect", False, "backend")


def test_it_says_whose_limits_count(world):
    service = world.service()
    public = service.credential.public if service.credential else {}
    assert service.mailbox_of(service.settings, public)
    assert service.host_of(service.settings, public).partition(":")[0]


def test_an_unknown_kind_is_not_found():
    with pytest.raises(NotFound):
        registry.get("carrier_pigeon")


FIFTH = '''
from mailsetup.mail_services.base import Field, MailService, SendResult
from mailsetup.mail_services.standard_fields import clean_sender, standard_fields
from mailsetup.mail_services.values import Answers


class Pigeon(MailService):
    """A fifth kind."""

    kind, label, summary, position = "pigeon", "Pigeon", "By air.", 9
    fields = standard_fields({})
    stages = ("settings", "accept")
    credential_types = ()
    credential_required = False

    @classmethod
    def clean(cls, raw, *, platform):
        answers = Answers(raw)
        cleaned = clean_sender(answers)
        answers.finish()
        return cleaned

    def open(self, report):
        with report.stage("settings"):
            pass

    def deliver(self, mail, report):
        self.open(report)
        with report.stage("accept"):
            return SendResult("coo", "flown")
'''


def test_a_fifth_kind_needs_one_module(tmp_path, monkeypatch, platform, mail):
    (tmp_path / "pigeon.py").write_text(FIFTH)
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    found = registry.get("pigeon")
    assert registry.all_kinds()[-1] is found
    heard = Heard()
    service = found({"from_address": "a@b.com"}, credential=None, platform=platform, tokens=FreshTokens())
    assert service.deliver(mail, heard).service_id == "coo"
    assert heard.names == list(found.stages)
