"""What happened to a mail, in words, where no mail service said anything."""

from __future__ import annotations

from typing import Any

OURS = "Your operator"
YOU = "You"


def explanation(title: str, what: str, *steps: str, who: str = YOU, raw: str = "") -> dict[str, Any]:
    """An explanation in the shape that pages and the API show."""
    words = {"title": title, "what": what, "steps": list(steps), "who": who, "raw": raw}
    return {**words, "explanation": what, "quote": raw}


OUTCOME_UNKNOWN = explanation(
    "Nobody knows whether this mail was accepted",
    "The connection ended after the whole mail was handed over and before the mail service answered.",
    "Ask a recipient, or look into the Sent folder of the mailbox.",
    "Then choose “It arrived” or “Send again” on this page.",
)
LOOKED_UP_NEXT = explanation(
    "Microsoft did not say whether it took this mail",
    "The next try looks into the mailbox first, and sends the mail only if it is not there.",
    who="Nobody: it goes on by itself",
)
WORKER_DIED = explanation(
    "The sending process ended while this mail was on its way",
    "It was not possible to see whether the mail service accepted it.",
    who=OURS,
)
POISON = explanation(
    "This mail was set aside",
    "The sending process ended three times while it held this mail, so it is not tried again by itself.",
    "Ask your operator to look at it.",
    "Then choose “Send again” on this page.",
    who=OURS,
)
EXPIRED = explanation(
    "The mail's time ran out",
    "It could not be handed to the mail service before the time it was to expire.",
    "See the last attempt below for the reason.",
)
_SEE_DRAFTS = (
    "Look into Drafts of the sending mailbox: a mail that did not go is there, and can be deleted.",
    "If it is not there, look into Sent Items: then an earlier try was accepted.",
)
CANCELLED_WITH_DRAFT = explanation(
    "The mail was cancelled, and its draft may still be in the mailbox",
    "An earlier try had put it into the mailbox as a draft. Nothing more is sent from here.",
    *_SEE_DRAFTS,
)
EXPIRED_WITH_DRAFT = explanation(
    "The mail's time ran out, and its draft may still be in the mailbox",
    "An earlier try had put it into the mailbox as a draft, and Microsoft did not confirm that it was sent.",
    *_SEE_DRAFTS,
)
CONTENT_GONE = explanation(
    "The content of this mail is no longer kept",
    "It was deleted when its time was over, so it cannot be sent.",
    "Let the product that made it queue it again.",
)
CONTENT_SEALED = explanation(
    "The content of this mail cannot be opened",
    "The key that it was sealed with is not available to the sending process.",
    "Ask your operator to run `flask --app app keys status`.",
    who=OURS,
)
INTERNAL = explanation(
    "The sending process met a fault of its own",
    "The fault is recorded. The mail is tried again.",
    who=OURS,
)


def unfit(sentence: str) -> dict[str, Any]:
    """For a mail that the setup cannot send as it was queued."""
    return explanation(
        "This mail does not fit the setup that sends it",
        sentence,
        "Let the product that made it queue it again without a From address, or with the setup's own.",
    )
