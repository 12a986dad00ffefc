"""Plain words for every failure, and the one place that decides what is permanent and who is at fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mailsetup.mail_services.errors import TransportError
from mailsetup.mail_services.hints import graph_answers, network, sign_in, sign_in_rules, smtp_replies
from mailsetup.mail_services.hints.catalogue import Cause, Confidence, WhoActs
from mailsetup.mail_services.hints.raw import read_raw
from mailsetup.mail_services.hints.words import WHO, fillings, stage_label

__all__ = ["Explanation", "cause_of", "explain", "judged", "read_raw", "stage_label"]

CAUSES: Mapping[str, Cause] = {
    cause.slug: cause for cause in (*sign_in.CAUSES, *graph_answers.CAUSES, *smtp_replies.CAUSES, *network.CAUSES)
}
RULES = (*sign_in_rules.RULES, *graph_answers.RULES, *smtp_replies.RULES, *network.RULES)


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


def cause_of(error: TransportError, context: Mapping[str, Any] | None = None) -> Cause:
    """The first cause of the catalogue whose rule fits; the last rule fits everything."""
    known = {**(context or {}), **error.context}
    return next(CAUSES[rule.cause] for rule in RULES if rule.matches(error, known))


def judged(error: TransportError) -> TransportError:
    """The error, its `permanent` and `scope` set as the catalogue says."""
    cause = cause_of(error)
    error.permanent, error.scope = cause.permanent, cause.scope
    return error


def explain(error: TransportError, context: Mapping[str, Any] | None = None) -> Explanation:
    """The failure in plain words, filled with the values of this setup."""
    cause = cause_of(error, context)
    words = fillings({**error.context, **{name: value for name, value in (context or {}).items() if value}})
    return Explanation(
        cause=cause.slug,
        title=cause.title.format_map(words),
        explanation=cause.explanation.format_map(words),
        steps=tuple(step.format_map(words) for step in cause.steps),
        who_acts=cause.who_acts,
        permanent=cause.permanent,
        confidence=cause.confidence,
        quote=error.raw,
    )
