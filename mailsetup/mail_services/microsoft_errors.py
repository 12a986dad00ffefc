"""The four shapes in which MSAL reports trouble, made into one: a TransportError with Microsoft's own facts."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msal.exceptions
import requests

from mailsetup.core.egress_http import MsalClient
from mailsetup.core.errors import EgressError
from mailsetup.core.redact import Secret, scrub
from mailsetup.mail_services.claims import LIMIT, is_object
from mailsetup.mail_services.dialing import egress_failure, tls_code
from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import judged
from mailsetup.mail_services.hints.reading.web import is_of_a_proxy
from mailsetup.mail_services.http_lane import HttpAnswer

_NUMBER = re.compile(r"AADSTS(\d{3,8})")
_WORD = re.compile(r"[\w.-]{1,80}")
_SUPPORT_FACTS = ("suberror", "correlation_id", "trace_id", "timestamp")


@dataclass
class Conversation:
    """One exchange with Microsoft's sign-in service: its client, and what may be said about it."""

    client: MsalClient
    facts: Mapping[str, Any]
    secrets: tuple[Secret, ...] = ()
    channel: str = "entra_token"
    extra: dict[str, Any] = field(default_factory=dict)

    def failure(self, raw: str, code: str, *, channel: str = "", **context: Any) -> TransportError:
        """A judged error at the stage `token`."""
        last = self.client.last
        status = last.status_code if last and last.status_code >= 400 else None
        return judged(
            TransportError(
                scrub(raw, self.secrets),
                channel=channel or self.channel,
                stage="token",
                code=code,
                http_status=status,
                retry_after=HttpAnswer(0, _lower(last.headers), b"").retry_after if last else None,
                context={**self.facts, **context},
            )
        )

    def refusal(self, answer: Mapping[str, Any]) -> TransportError:
        """Microsoft's error object."""
        facts = {name: str(answer[name])[:200] for name in _SUPPORT_FACTS if answer.get(name)}
        description = str(answer.get("error_description") or answer.get("error") or "")
        found = self.failure(description, code_of(answer), **facts)
        found.claims = claims_of(answer)
        return found

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Whatever MSAL raises inside becomes a TransportError."""
        try:
            yield
        except EgressError as error:
            raise egress_failure(error, stage="token", context=dict(self.facts)) from error
        except requests.RequestException as error:
            raise self._broken(error) from error
        except (json.JSONDecodeError, msal.exceptions.MsalError) as error:
            raise self._answered(error) from error
        except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
            raise self._answered(error) from error

    def _answered(self, error: Exception) -> TransportError:
        """MSAL gave up on an answer; its JSON, if it is one, says more than MSAL's words."""
        last = self.client.last
        answer = _json_object(last.text) if last else {}
        if "error" in answer:
            return self.refusal(answer)
        if last is not None and is_of_a_proxy(last.text):
            return self.failure(last.text[:500], "proxy_page", channel="http")
        if last is not None and (last.status_code >= 400 or not answer):
            return self.failure(last.text[:500], "unreadable_answer")
        return self.failure(str(error)[:500], "invalid_request")

    def _broken(self, error: requests.RequestException) -> TransportError:
        tls = next((found for found in _causes(error) if isinstance(found, ssl.SSLError)), None)
        if tls is not None:
            channel, code = "tls", tls_code(tls)
        else:
            channel, code = "http", "timeout" if isinstance(error, requests.Timeout) else "closed"
        context = {"host": str(self.facts.get("login_host", "")), **self.facts}
        return judged(
            TransportError(scrub(str(tls or error)), channel=channel, stage="token", code=code, context=context)
        )


def code_of(answer: Mapping[str, Any]) -> str:
    """`invalid_client AADSTS7000215`: the OAuth error, and the number that picks the help text."""
    error = str(answer.get("error") or "")
    description = str(answer.get("error_description") or "")
    listed = answer.get("error_codes")
    numbers = [str(number) for number in listed if isinstance(number, int)] if isinstance(listed, list) else []
    numbers = numbers or _NUMBER.findall(description)[:1]
    word = error if _WORD.fullmatch(error) else "error"
    return " ".join([word, *(f"AADSTS{number}" for number in numbers[:1])])


def claims_of(answer: Mapping[str, Any]) -> str:
    """What Microsoft demands of the next sign-in, to be handed back unchanged; empty when it is no JSON object."""
    claims = answer.get("claims")
    text = json.dumps(claims) if isinstance(claims, dict) else str(claims or "")
    return text if len(text) <= LIMIT and is_object(text) else ""


def _json_object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _causes(error: BaseException) -> Iterable[BaseException]:
    """The error and what it was made from, arguments too, as urllib3 wraps the TLS library's errors."""
    seen: list[BaseException] = []
    waiting: list[BaseException] = [error]
    while waiting and len(seen) < 12:
        found = waiting.pop()
        seen.append(found)
        waiting += [
            part for part in (found.__cause__, found.__context__, *found.args) if isinstance(part, BaseException)
        ]
    return seen
