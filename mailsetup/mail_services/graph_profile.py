"""Which addresses the person who signed in has (learn.microsoft.com/graph/api/user-get, `/me`)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import urllib3

from mailsetup.core.errors import EgressError
from mailsetup.mail_services.base import Platform, Token
from mailsetup.mail_services.clouds import Cloud
from mailsetup.mail_services.graph import headers_of

PATH = "/v1.0/me?$select=mail,userPrincipalName,proxyAddresses"
SECONDS = urllib3.Timeout(connect=3, read=5)
LIMIT = 40


def own_addresses(platform: Platform, cloud: Cloud, token: Token) -> tuple[str, ...]:
    """The main address first, then the others; none when Graph does not say: a sign-in never fails for that."""
    url = f"{cloud.graph_url.rstrip('/')}{PATH}"
    try:
        answer = platform.door.http_pool().request(
            "GET", url, headers=headers_of(token, str(uuid.uuid4())), timeout=SECONDS
        )
        found = json.loads(answer.data) if answer.status == 200 else {}
    except (urllib3.exceptions.HTTPError, EgressError, OSError, ValueError):
        return ()
    return tuple(dict.fromkeys(_addresses(found)))[:LIMIT] if isinstance(found, dict) else ()


def _addresses(found: Mapping[str, Any]) -> Iterator[str]:
    proxies = found.get("proxyAddresses")
    others = [str(one) for one in proxies] if isinstance(proxies, list) else []
    smtp = (one.partition(":")[2] for one in others if one[:5].lower() == "smtp:")
    for one in (found.get("mail"), *smtp, found.get("userPrincipalName")):
        text = str(one or "").lower()
        # A guest's name at sign-in is no address that mail can come from.
        if "@" in text and "#ext#" not in text and not any(character.isspace() for character in text):
            yield text
