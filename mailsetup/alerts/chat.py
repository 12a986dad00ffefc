"""What a chat room is told: short, with a link, in the shape its incoming webhook reads; values never become markup."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from mailsetup.alerts.facts import NoticeFacts
from mailsetup.alerts.models import REMINDED, RESOLVED, TESTED

LIMIT = 1500
_MARKS = re.compile(r"([*_~`|\\])")


def heading_of(facts: NoticeFacts) -> str:
    """The first line of a notice."""
    if facts.event == TESTED:
        return f"This is a test of alerts for {facts.about}. Nothing is wrong."
    if facts.event == RESOLVED:
        return f"Solved after {facts.lasted}: {facts.subject_label}"
    return f"Still not solved: {facts.title}" if facts.event == REMINDED else facts.title


def lines_of(facts: NoticeFacts) -> list[str]:
    """The facts below the heading, a line each."""
    if facts.event == TESTED:
        return []
    if facts.event == RESOLVED:
        return [facts.resolution, facts.mail_line, f"It was about: {facts.title}"]
    who = f"Who acts: {facts.who}" if facts.who else ""
    steps = [f"{number}. {step}" for number, step in enumerate(facts.steps, 1)]
    return [line for line in (f"Since {facts.since}", facts.mail_line, facts.what, who, *steps) if line]


def _text(facts: NoticeFacts) -> str:
    return "\n".join([heading_of(facts), *lines_of(facts)])[:LIMIT]


def slack(notices: Sequence[NoticeFacts]) -> dict[str, Any]:
    """For Slack, and what reads the same: Mattermost, Rocket.Chat (docs.slack.dev/messaging, "Incoming webhooks")."""
    texts = [_slack_text(facts) for facts in notices]
    return {"text": "\n\n".join(texts)[: LIMIT * 2], "mrkdwn": False, "unfurl_links": False}


def _slack_text(facts: NoticeFacts) -> str:
    # With these three escaped no value can address a room or make a link (docs.slack.dev, "Escaping text").
    safe = _text(facts).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"{safe}\n{facts.link}" if facts.link else safe


def teams(notices: Sequence[NoticeFacts]) -> dict[str, Any]:
    """For Microsoft Teams: an Adaptive Card for a workflow that posts what it receives to a channel."""
    body: list[dict[str, Any]] = []
    for facts in notices:
        body.append({"type": "TextBlock", "text": _plain(heading_of(facts)), "weight": "Bolder", "wrap": True})
        body += [{"type": "TextBlock", "text": _plain(line), "wrap": True} for line in lines_of(facts)]
    links = [facts for facts in notices if facts.link]
    actions = [{"type": "Action.OpenUrl", "title": "Open it", "url": facts.link} for facts in links[:1]]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": body[:60], "actions": actions}
    return {
        "type": "message",
        "attachments": [
            {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
        ],
    }


def google_chat(notices: Sequence[NoticeFacts]) -> dict[str, Any]:
    """For Google Chat (developers.google.com/workspace/chat/quickstart/webhooks)."""
    return {"text": "\n\n".join(_slack_text(facts) for facts in notices)[: LIMIT * 2]}


def discord(notices: Sequence[NoticeFacts]) -> dict[str, Any]:
    """For Discord (discord.com/developers/docs/resources/webhook); it takes 2,000 characters and mentions nobody."""
    texts = [_plain(_text(facts)) + (f"\n{facts.link}" if facts.link else "") for facts in notices]
    return {"content": "\n\n".join(texts)[:1990], "allowed_mentions": {"parse": []}}


def _plain(text: str) -> str:
    """Text without what those services take for markup, links among it."""
    return _MARKS.sub(r"\\\1", text).replace("[", "(").replace("]", ")").replace("<", "(")


def event_of(facts: NoticeFacts) -> dict[str, Any]:
    """A notice as data, for a program that listens."""
    return {
        "alert_id": facts.alert_id,
        "notice_id": facts.notice_id,
        "event": facts.event,
        "workspace": facts.workspace,
        "severity": facts.severity,
        "subject": facts.subject_label,
        "title": facts.title,
        "what_happened": facts.what,
        "steps": list(facts.steps),
        "who_acts": facts.who,
        "since": facts.since_iso,
        "until": facts.until_iso,
        "resolution": facts.resolution,
        "mail_waiting": facts.waiting,
        "mail_gone_out": facts.gone_out,
        "failures": facts.failures,
        "link": facts.link,
    }
