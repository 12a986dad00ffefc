"""Explains an answer that somebody pasted, with what its kind of mail service tells beside the words."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from mailsetup.core.errors import NotFound
from mailsetup.mail_services import hints

APP, PERSON = "app", "person"
_SENDER = {("microsoft_app",): APP, ("microsoft_grant",): PERSON}


def explain_answer(
    raw: str | bytes, *, channel: str = "", http_status: int | None = None, context: Mapping[str, Any] | None = None
) -> hints.Explanation:
    """The answer in plain words. `context` may hold kind, stage, host, port, tls, mailbox, from_address, client_id,
    tenant_id, cloud; whatever else is in it is treated as a secret."""
    known = dict(context or {})
    facts = facts_of_kind(str(known.get("kind") or ""), host=str(known.get("host") or ""))
    return hints.explain_raw(raw, channel=channel, http_status=http_status, context={**facts, **known})


def facts_of_kind(kind: str, *, host: str = "") -> dict[str, Any]:
    """Who signs in for a kind, with which app, and how; nothing for a kind that we do not know."""
    facts: dict[str, Any] = {}
    if kind:
        # Only a named kind needs the kinds, which bring Microsoft's library with them.
        from mailsetup.mail_services import registry

        with contextlib.suppress(NotFound):
            facts = _facts(registry.get(kind), host)
    return facts


def _facts(service: type[Any], host: str) -> dict[str, Any]:
    signs_in = _SENDER.get(service.credential_types, "")
    facts: dict[str, Any] = {"signs_in": signs_in} if signs_in else {}
    if signs_in == PERSON:
        facts["app"] = "platform"
    facts["login"] = "XOAUTH2" if "token" in service.stages else "PLAIN"
    at_microsoft = "token" in service.stages and not host
    return {**facts, "microsoft": True} if at_microsoft else facts
