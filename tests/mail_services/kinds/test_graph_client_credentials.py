"""Graph without anyone signing in, against the sandbox."""

from __future__ import annotations

import secrets
from dataclasses import replace
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
import trustme
from cryptography import x509

from mailsetup.core.redact import Secret
from mailsetup.mail_services import credential_types, hints, registry
from mailsetup.mail_services.base import CredentialValue, FreshTokens, Mail, NullReport
from mailsetup.mail_services.errors import TransportError


def with_secret(box, secret: str | None = None) -> CredentialValue:
    public = {"tenant_id": box.world.contoso.tenant_id, "client_id": box.world.app.client_id, "cloud": "global"}
    return CredentialValue("microsoft_app", public, {"client_secret": Secret(secret or box.world.app.secret)}, "1")


@pytest.fixture
def send(cloud):
    def deliver(credential: CredentialValue, mail: Mail, mailbox: str = "ar@contoso.com"):
        kind = registry.get("graph_client_credentials")
        settings = kind.clean({"from_address": mailbox}, platform=cloud)
        service = kind(settings, credential=credential, platform=cloud, tokens=FreshTokens())
        try:
            return service.deliver(mail, NullReport())
        finally:
            service.close()

    return deliver


def test_it_sends_with_a_secret(box, send, mail):
    assert send(with_secret(box), mail).service_id
    assert box.inbox("me@example.org")[-1].sender == "ar@contoso.com"


def _rich_mail(recipient: str) -> EmailMessage:
    """Everything that Graph's JSON loses: headers of a thread, many of our own, two bodies, an image inside."""
    made = EmailMessage(policy=policy.SMTP)
    made["From"], made["To"] = (
        Address("Łódź – Zażółć", "ar", "contoso.com"),
        Address("Jürgen Groß", addr_spec=recipient),
    )
    made["Subject"], made["Message-ID"] = "Rechnung für März 🧾", "<1@contoso.com>"
    made["In-Reply-To"], made["References"] = "<0@contoso.com>", "<a@contoso.com> <0@contoso.com>"
    made["List-Unsubscribe"] = "<mailto:off@contoso.com>"
    for number in range(1, 9):
        made[f"X-Shop-{number}"] = f"value {number}"
    made.set_content("Grüße")
    made.add_alternative('<p>Grüße <img src="cid:logo@contoso"></p>', subtype="html")
    page = made.get_body(("html",))
    assert page is not None
    page.add_related(b"\x89PNG", "image", "png", cid="<logo@contoso>", filename="logo.png", disposition="inline")
    return made


def test_everything_in_a_mail_survives(box, send):
    recipient = f"{secrets.token_hex(4)}@example.org"
    content = _rich_mail(recipient).as_bytes()
    sent = message_from_bytes(content, policy=policy.SMTP)
    send(with_secret(box), Mail("ar@contoso.com", (recipient,), content, "<1@contoso.com>"))
    arrived = message_from_bytes(box.inbox(recipient)[-1].content, policy=policy.SMTP)
    assert [(name, str(value)) for name, value in arrived.items()] == [(n, str(v)) for n, v in sent.items()]
    assert str(arrived["From"].addresses[0].display_name) == "Łódź – Zażółć"
    parts = [
        (part.get_content_type(), part.get("Content-ID"), part.get_payload(decode=True)) for part in arrived.walk()
    ]
    assert parts == [(p.get_content_type(), p.get("Content-ID"), p.get_payload(decode=True)) for p in sent.walk()]


def test_it_sends_with_a_certificate(box, send, mail):
    issued = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("mail.example.com", key_type=trustme.KeyType.RSA)
    pem = issued.private_key_pem.bytes() + issued.cert_chain_pems[0].bytes()
    world = box.world
    raw = {"tenant_id": world.contoso.tenant_id, "client_id": world.app.client_id, "cloud": "global"}
    given = credential_types.get("microsoft_app").clean(raw, {"certificate": pem}, None)
    world.add_certificate(issued.cert_chain_pems[0].bytes().decode())
    try:
        assert x509.load_pem_x509_certificate(pem)
        assert send(CredentialValue("microsoft_app", given.public, given.secrets, "1"), mail).service_id
    finally:
        world.remove_certificates()


def test_it_names_a_wrong_secret_and_who_acts(box, send, mail):
    with pytest.raises(TransportError) as refused:
        send(with_secret(box, "not-the-secret-of-this-app"), mail)
    explained = hints.explain(refused.value)
    assert (refused.value.stage, refused.value.permanent, refused.value.scope) == ("token", True, "backend")
    assert "AADSTS7000215" in refused.value.code
    assert explained.who_acts in {"microsoft_admin", "workspace_admin"}


def test_it_stops_when_consent_is_gone(box, send, mail):
    box.world.revoke_consent()
    try:
        with pytest.raises(TransportError) as refused:
            send(with_secret(box), mail)
        assert hints.explain(refused.value).permanent
        assert refused.value.scope == "backend"
    finally:
        box.world.grant_consent()


def test_it_may_send_only_as_its_mailbox(box, send, mail):
    other = replace(mail, content=mail.content.replace(b"ar@contoso.com", b"admin@contoso.com", 1))
    with pytest.raises(TransportError) as refused:
        send(with_secret(box), other)
    assert refused.value.code == "ErrorSendAsDenied"
    assert refused.value.stage == "sender"
