"""A customer of the sandbox's Microsoft: credentials and setups, made as the product makes them."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy.orm import Session

from mailsetup.core.redact import Secret
from mailsetup.credentials.models import Credential
from mailsetup.credentials.vault import store_grant
from mailsetup.mail_services import microsoft, registry
from mailsetup.mail_services.base import CredentialValue
from mailsetup.outbound.fingerprint import config_fingerprint
from mailsetup.outbound.models import OutboundConfig
from mailsetup.platform import current_platform
from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import Mailbox
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import Workspace
from tests import factories
from tests.sandbox.person import Person

BASE_URL = "http://localhost:8000"


def settings_for(box: Sandbox) -> dict[str, Any]:
    """The operator's settings that lead to the sandbox."""
    app = box.world.platform_app
    return {
        "base_url": BASE_URL,
        "microsoft_login_url": box.login_url,
        "graph_url": box.graph_url,
        "outlook_smtp": box.outlook_smtp,
        "ca_bundle": str(box.ca_file),
        "microsoft_client_id": app.client_id,
        "microsoft_client_secret": Secret(app.secret),
    }


def new_mailbox(box: Sandbox, **facts: Any) -> Mailbox:
    """A mailbox of Contoso that no other test uses."""
    mailbox = Mailbox(f"m{secrets.token_hex(4)}@contoso.com", "Billing", box.world.contoso.tenant_id, **facts)
    box.world.mailboxes.append(mailbox)
    box.world.save()
    return mailbox


def signed_in(mailbox: Mailbox, kind: str = "graph_delegated", **public: str) -> microsoft.SignIn:
    """What a person's sign-in at Microsoft gives, with the platform's app."""
    value = CredentialValue("microsoft_grant", {"app": "platform", "cloud": "global", **public}, {}, "new")
    service, platform = registry.get(kind), current_platform()
    scopes = service.sign_in_scopes(value.public, platform)
    flow = microsoft.start_sign_in(
        platform, value, scopes + service.profile_scopes(value.public, platform), prompt="login"
    )
    person = Person()
    person.open(flow["auth_uri"])
    person.sign_in(mailbox)
    if person.page:
        person.submit(decision="accept")
    brought = dict(parse_qsl(urlsplit(person.at).query))
    return microsoft.finish_sign_in(platform, value, flow, brought, scopes=scopes)


def make_grant(session: Session, workspace: Workspace, mailbox: Mailbox, kind: str = "graph_delegated") -> Credential:
    """A credential made by signing in."""
    found = signed_in(mailbox, kind)
    credential = store_grant(
        session,
        workspace_id=workspace.id,
        actor=SYSTEM,
        user_id=None,
        name=mailbox.address,
        public={"app": "platform", "cloud": "global", **found.account},
        secrets={},
        token_cache=found.cache.blob,
    )
    session.commit()
    return credential


def make_app_credential(session: Session, workspace: Workspace, box: Sandbox, **changes: str) -> Credential:
    """The customer's own app with its client secret."""
    app = box.world.app
    raw = {"tenant_id": box.world.contoso.tenant_id, "client_id": app.client_id, "client_secret": app.secret}
    return factories.make_credential(session, workspace, type="microsoft_app", raw={**raw, **changes})


def make_setup(
    session: Session, credential: Credential, address: str, kind: str = "graph_delegated", **values: Any
) -> OutboundConfig:
    """A healthy setup that sends from this address."""
    settings = registry.get(kind).clean({"from_address": address}, platform=current_platform())
    workspace = session.get_one(Workspace, credential.workspace_id)
    config = factories.make_config(
        session, workspace, name=f"Mail of {address}", kind=kind, settings=settings, credential=credential, **values
    )
    session.refresh(config)
    config.tested_fingerprint = config_fingerprint(config)
    session.commit()
    return config
