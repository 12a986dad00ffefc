"""The environment every process of `make run` gets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from mailsetup.cli.development.folder import Folder
from mailsetup.cli.development.programs import gunicorn_arguments
from mailsetup.core import valkey

LOOPBACK_NETWORKS = "127.0.0.0/8,::1/128"
PREFIX = "MAILSETUP_"
DEMO_EMAIL = "demo@example.com"


def own_values(folder: Folder, *, base_url: str, port: int) -> dict[str, str]:
    """What this machine decides."""
    return {
        "MAILSETUP_ENV": "development",
        "MAILSETUP_DATABASE_URL": f"sqlite:///{folder.database}",
        "MAILSETUP_REDIS_URL": valkey.redis_url(folder.valkey),
        "MAILSETUP_BASE_URL": base_url,
        "MAILSETUP_SECRET_KEY": folder.secret_key(),
        "MAILSETUP_ENCRYPTION_KEYS_FILE": str(folder.key_ring),
        "MAILSETUP_DEMO_FILE": str(folder.path / "demo-password"),
        # The demo person sees the operator's pages too.
        "MAILSETUP_OPERATOR_EMAILS": DEMO_EMAIL,
        "GUNICORN_CMD_ARGS": gunicorn_arguments(port),
    }


def sandbox_values(addresses: Mapping[str, Any], platform_app: Mapping[str, Any]) -> dict[str, str]:
    """What the sandbox decides: where Microsoft is, which certificates to trust, which app is ours there."""
    return {
        "MAILSETUP_MICROSOFT_LOGIN_URL": addresses["login_url"],
        "MAILSETUP_GRAPH_URL": addresses["graph_url"],
        "MAILSETUP_OUTLOOK_SMTP": addresses["outlook_smtp"],
        "MAILSETUP_CA_BUNDLE": addresses["ca_file"],
        "MAILSETUP_EGRESS_ALLOW": LOOPBACK_NETWORKS,
        "MAILSETUP_OPERATOR_SMTP_URL": f"smtp://{addresses['operator_smtp']}?tls=none",
        "MAILSETUP_OPERATOR_FROM": "mailsetup@localhost",
        "MAILSETUP_MICROSOFT_CLIENT_ID": platform_app["client_id"],
        "MAILSETUP_MICROSOFT_CLIENT_SECRET": platform_app["client_secret"],
        "MAILSETUP_OIDC_ISSUERS": issuers(addresses["login_url"], **platform_app),
    }


def issuers(login_url: str, *, client_id: str, client_secret: str, **_: object) -> str:
    """People may sign in at Microsoft, of whatever organisation they are."""
    facts = {"issuer": f"{login_url}/organizations/v2.0", "client_id": client_id, "client_secret": client_secret}
    return json.dumps({"microsoft": {"name": "Microsoft", **facts}})


def given_values() -> dict[str, str]:
    """What whoever typed `make run` decided: it wins, except that this stays development."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    given.pop("MAILSETUP_ENV", None)
    return given
