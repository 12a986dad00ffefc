"""The customer's side of the sandbox: mailboxes of one test alone, so that limits and changes stay apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mailsetup.sandbox import Sandbox
from mailsetup.sandbox.people import App, Mailbox


def new_mailbox(box: Sandbox, tag: str, **facts: Any) -> Mailbox:
    """A mailbox of Contoso that no other test uses."""
    mailbox = Mailbox(f"billing.{tag}@contoso.com", "Billing", box.world.contoso.tenant_id, **facts)
    box.world.mailboxes.append(mailbox)
    box.world.save()
    return mailbox


def app_values(box: Sandbox) -> dict[str, str]:
    """What Contoso's admin reads off the app registration."""
    app = box.world.app
    return {"tenant_id": box.world.contoso.tenant_id, "client_id": app.client_id, "secret": app.secret}


@contextmanager
def consent_revoked(box: Sandbox, app: App) -> Iterator[None]:
    """Contoso's admin takes the app's permissions away; they come back afterwards."""
    box.world.revoke_consent(app.client_id)
    try:
        yield
    finally:
        box.world.grant_consent(app.client_id)
