"""The page of the small world, and the forms that change it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from mailsetup.core.errors import InvalidInput, MailsetupError
from mailsetup.sandbox.faults import Fault
from mailsetup.sandbox.people import App, Consent, Organisation
from mailsetup.sandbox.state import state
from mailsetup.sandbox.switches import FAMILIES, FAULTS

bp = Blueprint("world", __name__)

FAMILY_NAMES = {
    "entra": "Sign-in and tokens (Entra)",
    "graph": "Graph",
    "smtp": "Outlook SMTP",
    "mail-server": "Other mail servers",
    "operator": "The operator's mailer",
}
MAILBOX_FACTS = {
    "blocked": "Sign-in blocked",
    "mfa": "Second factor",
    "licensed": "Exchange licence",
    "smtp_auth": "SMTP AUTH",
}
ORGANISATION_FACTS = {
    "user_consent": "People may consent for themselves",
    "smtp_auth": "SMTP AUTH allowed",
    "basic_auth": "Passwords over SMTP allowed",
    "security_defaults": "Security defaults",
}
_LAST = 12


@bp.get("/")
def world() -> str:
    """Organisations, apps, mailboxes, addresses, switches, and the last requests."""
    return _page()


@bp.get("/switches")
def switches() -> str:
    """Every error that can be switched on."""
    return render_template("sandbox/switches.html", families=_families(), on=state().switches.on())


@bp.errorhandler(MailsetupError)
def wrong(error: MailsetupError) -> tuple[str, int]:
    """The page again, with what was wrong with the form."""
    return _page(str(error)), 422


@bp.post("/switches")
def switch() -> Response:
    """Switches one error on or off."""
    name, times = request.form.get("name", "").strip(), request.form.get("times", "").strip()
    if times and not times.isdecimal():
        raise InvalidInput({"times": "The number of calls is a number, or empty for all."})
    state().switches.turn(name, request.form.get("on") == "1", int(times) if times else None)
    back = "world.switches" if request.form.get("from") == "switches" else "world.world"
    return redirect(url_for(back, _anchor="switches"), 303)


@bp.post("/switches/off")
def switch_all_off() -> Response:
    """Switches every error off."""
    state().switches.all_off()
    return _back("switches")


@bp.post("/consent")
def change_consent() -> Response:
    """Grants or revokes an organisation's consent to an app."""
    act = state().world.grant_consent if request.form.get("grant") == "1" else state().world.revoke_consent
    act(request.form.get("client_id", ""), request.form.get("tenant_id", ""))
    return _back("apps")


@bp.post("/limit")
def limit() -> Response:
    """Limits an app to one mailbox, or lifts the limit."""
    address = request.form.get("address", "")
    state().world.limit_app_to([address] if address else [], request.form.get("client_id", ""))
    return _back("apps")


@bp.post("/app")
def change_app() -> Response:
    """Makes a new secret, lets it expire, removes certificates, grants Mail.ReadWrite, switches the app off or on."""
    world, client_id = state().world, request.form.get("client_id", "")
    acts: dict[str, Callable[[], object]] = {
        "rotate": lambda: world.rotate_secret(client_id),
        "expire": lambda: world.expire_secret(client_id),
        "renew": lambda: world.expire_secret(client_id, expired=False),
        "no-certificates": lambda: world.remove_certificates(client_id),
        "enable": lambda: world.set_enabled(client_id, True),
        "disable": lambda: world.set_enabled(client_id, False),
        "drafts": lambda: world.allow_drafts(client_id),
        "no-drafts": lambda: world.allow_drafts(client_id, allowed=False),
    }
    act = acts.get(request.form.get("act", ""))
    if act is None:
        raise InvalidInput({"act": "The sandbox does not know this action."})
    act()
    return _back("apps")


@bp.post("/certificate")
def add_certificate() -> Response:
    """Uploads a public certificate."""
    upload = request.files.get("file")
    pem = upload.read().decode(errors="replace") if upload and upload.filename else request.form.get("pem", "")
    state().world.add_certificate(pem, request.form.get("client_id", ""))
    return _back("apps")


@bp.post("/redirect-uri")
def add_redirect_uri() -> Response:
    """Registers a redirect URI with both apps."""
    uri = request.form.get("uri", "").strip()
    if not uri.startswith(("http://localhost", "https://")):
        raise InvalidInput({"uri": "A redirect URI begins with https://, or with http://localhost."})
    state().world.add_redirect_uri(uri)
    return _back("apps")


@bp.post("/mailbox")
def change_mailbox() -> Response:
    """Changes one fact of a mailbox, or ends its sessions."""
    address, fact = request.form.get("address", ""), request.form.get("fact", "")
    if fact == "sessions":
        state().world.revoke_sessions(address)
    else:
        state().world.change_mailbox(address, **_change(fact, MAILBOX_FACTS))
    return _back("mailboxes")


@bp.post("/organisation")
def change_organisation() -> Response:
    """Changes one rule of an organisation."""
    change = _change(request.form.get("fact", ""), ORGANISATION_FACTS)
    state().world.change_organisation(request.form.get("domain", ""), **change)
    return _back("organisations")


def _change(fact: str, known: Mapping[str, str]) -> dict[str, bool]:
    if fact not in known:
        raise InvalidInput({"fact": f"The sandbox does not know {fact or 'this'}."})
    return {fact: request.form.get("value") == "1"}


def _page(problem: str = "") -> str:
    shared = state()
    return render_template(
        "sandbox/world.html",
        problem=problem,
        world=shared.world,
        addresses=shared.addresses,
        consents=_consents(),
        on=shared.switches.on(),
        faults=FAULTS,
        mailbox_facts=MAILBOX_FACTS,
        organisation_facts=ORGANISATION_FACTS,
        requests=list(reversed(shared.requests.list()))[:_LAST],
    )


def _consents() -> list[tuple[App, Organisation, Consent | None]]:
    world = state().world
    pairs = [(app, each) for app in world.apps for each in world.organisations]
    own = [(app, each) for app, each in pairs if app.multi_tenant or each.tenant_id == app.home_tenant]
    return [(app, each, world.consent(app.client_id, each.tenant_id)) for app, each in own]


def _families() -> list[tuple[str, tuple[Fault, ...]]]:
    return [(FAMILY_NAMES[family], faults) for family, faults in FAMILIES.items()]


def _back(anchor: str) -> Response:
    return redirect(url_for("world.world", _anchor=anchor), 303)
