"""On the way to Microsoft, and home again."""

from __future__ import annotations

import secrets

from flask import render_template, session, url_for
from flask.typing import ResponseReturnValue

from mailsetup.credentials.models import Credential
from mailsetup.outbound.models import OutboundConfig
from mailsetup.web.session import db_session
from mailsetup.wizard.flows import Traveller
from mailsetup.workspaces.access import current_user, current_workspace

BROWSER = "consent_browser"


def traveller() -> Traveller:
    """Who leaves, with this browser session."""
    browser = session.setdefault(BROWSER, secrets.token_urlsafe(32))
    return Traveller(current_user().id, current_workspace().id, str(browser))


def leave(address: str) -> ResponseReturnValue:
    """A page on the way: a redirect after a form would need Microsoft's address in `form-action`."""
    return render_template("setup/leaving.html", address=address)


def home_of(credential: Credential) -> str:
    """The setup that the credential belongs to when there is one alone, else its own page."""
    uses = db_session().query(OutboundConfig.id).filter(OutboundConfig.credential_id == credential.id).limit(2).all()
    if len(uses) == 1:
        return url_for("outbound.show", config_id=uses[0][0])
    return url_for("credentials.show", credential_id=credential.id)
