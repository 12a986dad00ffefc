"""The fields every kind has: host, port, TLS, username, from address, from name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mailsetup.mail_services import values
from mailsetup.mail_services.base import Field
from mailsetup.mail_services.values import Answers

TLS_CHOICES = (
    ("starttls", "STARTTLS (usual with port 587)"),
    ("implicit", "TLS from the start (usual with port 465)"),
    ("none", "No encryption"),
)
HOST = Field("host", "Host", placeholder="smtp.example.com")
PORT = Field("port", "Port", input="number", default="587")
TLS = Field("tls", "TLS", input="select", default="starttls", choices=TLS_CHOICES)
USERNAME = Field("username", "Username", required=False)
FROM_ADDRESS = Field("from_address", "From email address", input="email", placeholder="name@example.com")
FROM_NAME = Field(
    "from_name",
    "From name",
    help="The name people see beside the address, like Contoso Accounts. May stay blank.",
    required=False,
    placeholder="Contoso Accounts",
)
ORDER = ("host", "port", "tls", "username", "from_address", "from_name")


def standard_fields(helps: Mapping[str, str], fixed: Mapping[str, str] | None = None) -> tuple[Field, ...]:
    """The standard fields in order, each with what it does for a kind; `fixed` names those shown but not chosen."""
    fields = []
    for base in (HOST, PORT, TLS, USERNAME, FROM_ADDRESS, FROM_NAME):
        shown = replace(base, help=helps.get(base.name, base.help))
        if fixed and base.name in fixed:
            shown = replace(shown, fixed=True, required=False, default=fixed[base.name])
        fields.append(shown)
    return tuple(fields)


def clean_sender(answers: Answers) -> dict[str, Any]:
    """From address and name, as every kind wants them."""
    missing = "Type the address that mail comes from, like accounts@example.com."
    return {
        "from_address": answers.parsed("from_address", values.email_address, missing=missing),
        "from_name": answers.parsed("from_name", _from_name),
    }


def _from_name(text: str) -> str:
    if len(text) > 200:
        raise ValueError("This is too long: at most 200 characters.")
    return values.one_line(text)


def clean_mailbox(answers: Answers, from_address: str) -> str:
    """The mailbox to send through, an address; the From address where none is given."""
    return answers.parsed("username", values.email_address) or from_address


def clean_server(answers: Answers) -> dict[str, Any]:
    """Host, port and TLS, checked together."""
    host = answers.parsed("host", values.host_name, missing="Type the mail server's name, like smtp.example.com.")
    port = int(answers.parsed("port", values.port_number, default=PORT.default) or 0)
    tls = answers.choice("tls", TLS_CHOICES, TLS.default)
    _check_port_and_tls(answers, port, tls)
    return {"host": host, "port": port, "tls": tls}


def _check_port_and_tls(answers: Answers, port: int, tls: str) -> None:
    if port == 465 and tls == "starttls":
        answers.refuse(
            "tls", "Port 465 speaks TLS from the start. Choose “TLS from the start”, or port 587 for STARTTLS."
        )
    if port == 587 and tls == "implicit":
        answers.refuse("tls", "Port 587 begins with STARTTLS. Choose “STARTTLS”, or port 465 for TLS from the start.")
