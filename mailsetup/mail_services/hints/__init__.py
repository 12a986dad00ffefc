"""Plain words for every failure, and the one place that decides what is permanent and who is at fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import (
    app_causes,
    graph_answers,
    graph_causes,
    network_causes,
    network_rules,
    people_causes,
    providers,
    sign_in_rules,
    smtp_login_causes,
    smtp_mail_causes,
    smtp_rules,
    tls_causes,
)
from mailsetup.mail_services.hints.catalogue import Cause, Confidence, Evidence, Rule, WhoActs
from mailsetup.mail_services.hints.quoting import Veil, quoted
from mailsetup.mail_services.hints.reading import CHANNELS, Pasted, Reading, channel_of, readings
from mailsetup.mail_services.hints.words import WHO, filled, fillings, stage_label

__all__ = ["CHANNELS", "Explanation", "cause_of", "explain", "explain_raw", "judged", "read_raw", "stage_label"]

_OF_CAUSES = (
    *(app_causes.CAUSES, people_causes.CAUSES, graph_causes.CAUSES, providers.CAUSES, smtp_login_causes.CAUSES),
    *(smtp_mail_causes.CAUSES, tls_causes.CAUSES, network_causes.CAUSES),
)
CAUSES: Mapping[str, Cause] = {cause.slug: cause for causes in _OF_CAUSES for cause in causes}
_HOST_OF = {
    "entra_token": "login.microsoftonline.com",
    "entra_authorize": "login.microsoftonline.com",
    "graph": "graph.microsoft.com",
}
# Graph's own word for it, in a 429 (learn.microsoft.com/graph/throttling-limits, Outlook).
_MAILBOX_CONCURRENCY = "mailboxconcurrency"
RULES = (*sign_in_rules.RULES, *graph_answers.RULES, *smtp_rules.RULES, *network_rules.RULES)


@dataclass(frozen=True)
class Explanation:
    """What a person reads about a failure. `quote` is the service's own words, already scrubbed."""

    cause: str
    title: str
    explanation: str
    steps: tuple[str, ...]
    who_acts: WhoActs
    permanent: bool
    confidence: Confidence
    quote: str

    @property
    def who(self) -> str:
        """Who acts, in plain words."""
        return WHO[self.who_acts]

    def to_dict(self) -> dict[str, Any]:
        """The explanation for JSON, with `who` in plain words."""
        return {**asdict(self), "steps": list(self.steps), "who": self.who}


@cache
def _rules_of(channel: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if not rule.channels or channel in rule.channels)


def _rule_of(found: Evidence) -> Rule:
    """The first rule that fits; the last one fits everything."""
    return next(rule for rule in _rules_of(found.error.channel) if rule.matches(found))


def cause_of(error: TransportError, context: Mapping[str, Any] | None = None) -> Cause:
    """Why the error came about."""
    return CAUSES[_rule_of(Evidence(error, {**(context or {}), **error.context})).cause]


def judged(error: TransportError) -> TransportError:
    """The error, its `permanent` and `scope` set as the catalogue says."""
    cause = cause_of(error)
    error.permanent, error.scope = cause.permanent, cause.scope
    error.crowded = cause.slug == "too_many_connections" or _MAILBOX_CONCURRENCY in error.raw.lower()
    return error


def explain(error: TransportError, context: Mapping[str, Any] | None = None) -> Explanation:
    """The failure in plain words, filled with the values of this setup."""
    evidence = Evidence(error, {**(context or {}), **error.context})
    return _explanation(_rule_of(evidence), evidence, context or {}, error.raw, Veil({}))


def explain_raw(
    raw: str | bytes, *, channel: str = "", http_status: int | None = None, context: Mapping[str, Any] | None = None
) -> Explanation:
    """An answer as it was pasted, in plain words. Never fails, and never shows a secret of the context."""
    known = dict(context or {})
    pasted, veil = Pasted(raw), Veil(known)
    evidence, rule = _likeliest(_found(pasted, channel_of(channel), http_status, known))
    traceback = "Traceback (most recent" in pasted.original
    words = Pasted(veil.over(pasted.original)).readable if pasted.is_page else pasted.original
    quote = quoted(words, veil, last_words=traceback)
    return _explanation(rule, evidence, known, quote, veil)


def read_raw(raw: str | bytes, *, channel: str = "", http_status: int | None = None) -> TransportError:
    """The error that a pasted answer is most likely about."""
    pasted = Pasted(raw)
    evidence, _rule = _likeliest(_found(pasted, channel_of(channel), http_status, {}))
    evidence.error.raw = quoted(evidence.text, Veil({}))
    return evidence.error


def _found(
    pasted: Pasted, channel: str, http_status: int | None, context: Mapping[str, Any]
) -> Iterable[tuple[Evidence, Rule]]:
    for found in readings(pasted, channel, http_status, context):
        evidence = _evidence(found, channel, context)
        yield evidence, _rule_of(evidence)


def _evidence(found: Reading, channel: str, context: Mapping[str, Any]) -> Evidence:
    """What was asked at Microsoft failed on the way to Microsoft, whether its server is named or not."""
    said = {name: value for name, value in found.error.context.items() if value}
    if context.get("host"):
        said.pop("host", None)
    if found.error.channel in {"tls", "dns", "tcp"} and not context.get("host"):
        said |= {"host": host} if (host := _HOST_OF.get(channel) or _microsoft_in(found.text)) else {}
    return Evidence(found.error, {**context, **said}, found.text)


def _microsoft_in(text: str) -> str:
    """The server of Microsoft that the words name; empty when they name none."""
    lower = text.lower()
    return next((host for host in _HOST_OF.values() if host in lower), "")


def _likeliest(found: Iterable[tuple[Evidence, Rule]]) -> tuple[Evidence, Rule]:
    """The first that names a particular cause; else the first that names any; else the first."""
    seen: list[tuple[Evidence, Rule]] = []
    for evidence, rule in found:
        if not CAUSES[rule.cause].general:
            if seen and _family(seen[0][0]) != _family(evidence) and _is_sure(seen[0][1]):
                break
            return evidence, rule
        seen.append((evidence, rule))
    return next((each for each in seen if _is_sure(each[1])), seen[0])


def _is_sure(rule: Rule) -> bool:
    return (rule.confidence or CAUSES[rule.cause].confidence) != "low"


def _family(evidence: Evidence) -> str:
    """Answers of one service belong together; another service's words in them are only passed on."""
    channel = evidence.error.channel
    return channel.partition("_")[0] if channel.startswith(("entra", "graph")) or channel == "smtp_reply" else "way"


def _explanation(rule: Rule, found: Evidence, context: Mapping[str, Any], quote: str, veil: Veil) -> Explanation:
    cause = CAUSES[rule.cause]
    given = {name: value for name, value in context.items() if value}
    values = fillings({**found.context, **given}, found.error.code)
    words = {name: veil.over(value) for name, value in values.items()}
    return Explanation(
        cause=cause.slug,
        title=filled(cause.title, words),
        explanation=filled(cause.explanation, words),
        steps=tuple(filled(step, words) for step in cause.steps),
        who_acts=cause.who_acts,
        permanent=cause.permanent,
        confidence=rule.confidence or cause.confidence,
        quote=quote,
    )
