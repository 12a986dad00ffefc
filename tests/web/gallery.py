"""Every macro on one page, with values as real pages have them."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

from flask import Blueprint, Flask, flash, render_template

from mailsetup.core.clock import utcnow
from mailsetup.mail_services.base import Field
from mailsetup.web.frame import Banner, FrameData, Person, WorkspaceChoice

FIELDS = (
    Field(
        "host",
        "Host",
        help="The server that takes your mail, such as smtp.example.com.",
        placeholder="smtp.example.com",
    ),
    Field("port", "Port", input="number", default="587"),
    Field(
        "tls", "TLS", input="select", choices=(("starttls", "STARTTLS"), ("tls", "TLS from the start")), default="tls"
    ),
    Field(
        "fixed_host", "Host", default="smtp.office365.com", fixed=True, help="Microsoft gives every customer this one."
    ),
    Field("fixed_tls", "TLS", input="select", choices=(("starttls", "STARTTLS"),), default="starttls", fixed=True),
    Field("secret", "Client secret", input="password", secret=True, help="The Value, not the Secret ID."),
    Field("expires", "Expires on", input="date", required=False),
    Field("certificate", "Certificate", input="textarea", placeholder="-----BEGIN CERTIFICATE-----", required=False),
    Field("key_file", "Key file", input="file", required=False),
    Field("shared", "Other setups may use this credential", input="checkbox", required=False, default="true"),
)
ERRORS = {
    "host": "Enter the name of the server, such as smtp.example.com, without https:// before it.",
    "secret": "This looks like the Secret ID. Paste the Value of the client secret.",
}
EXPLANATION = {
    "title": "The client secret has expired",
    "explanation": "Microsoft refused to sign in because the secret of this app registration ended on 11/03/2026.",
    "who": "Your Microsoft admin",
    "steps": [
        "Open https://entra.microsoft.com and go to App registrations > Outbound mail.",
        "Choose Certificates & secrets > New client secret.",
        "Copy its Value, come back here and paste it into the credential.",
    ],
    "quote": "AADSTS7000222: The provided client secret keys for app 'Outbound mail' are expired.",
}
STAGES = [
    SimpleNamespace(name="settings", state="passed", milliseconds=2, verdict=""),
    SimpleNamespace(name="resolve", state="passed", milliseconds=41, verdict="", label="Finding smtp.office365.com"),
    SimpleNamespace(name="connect", state="passed", milliseconds=180, verdict=""),
    SimpleNamespace(name="tls", state="running", milliseconds=None, verdict=""),
    SimpleNamespace(name="authenticate", state="failed", milliseconds=1240, verdict="The client secret has expired."),
    SimpleNamespace(name="sender", state="skipped", milliseconds=None, verdict=""),
    SimpleNamespace(name="accept", state="pending", milliseconds=None, verdict=""),
]
HOURS = [(hour, (hour * 37) % 61 + 8, 9 if hour in {6, 7} else 0) for hour in range(24)]


def frame_of_gallery() -> FrameData:
    contoso = WorkspaceChoice("1", "Contoso Ltd")
    return {
        "person": Person("Alice Example", "alice@contoso.com"),
        "workspace": contoso,
        "workspaces": [contoso, WorkspaceChoice("2", "Fabrikam")],
        "banners": [
            Banner("Mail of Contoso is waiting: the client secret has expired.", "/", "Fix it"),
            Banner("The certificate of Invoices ends in 12 days.", "/", "Renew it", level="warn"),
        ],
        "counts": {"alerts.index": 2},
        "operator": True,
        "locale": "en_US",
        "timezone": "Europe/Berlin",
        "switch_url": "/switch",
        "sign_out_url": "/out",
        "account_url": "/account",
    }


def add_gallery(app: Flask) -> None:
    for name in (
        "overview",
        "outbound",
        "messages",
        "alerts",
        "credentials",
        "members",
        "api_keys",
        "audit",
        "operator",
    ):
        page = Blueprint(name, __name__)
        page.add_url_rule(f"/{name}", "index", view_func=show)
        app.register_blueprint(page)
    app.add_url_rule("/plain", "plain", view_func=lambda: render_template("plain_gallery.html", fields=FIELDS))


def show() -> str:
    flash("The setup is saved. 3 waiting messages go out now.", "success")
    flash("The test mail was not accepted.", "error")
    now = utcnow()
    times = {"now": now, "earlier": now - timedelta(minutes=4), "later": now + timedelta(days=2)}
    return render_template(
        "gallery.html", fields=FIELDS, errors=ERRORS, e=EXPLANATION, stages=STAGES, hours=HOURS,
        values={"host": "https://smtp", "secret": "must-not-show"}, **times,
    )  # fmt: skip
