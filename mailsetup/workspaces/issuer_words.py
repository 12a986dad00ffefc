"""What people read when signing in elsewhere did not work: what happened, what to do, who does it."""

from __future__ import annotations

from typing import NamedTuple

from mailsetup.core.errors import MailsetupError


class Words(NamedTuple):
    """A heading, sentences, and the status of the page."""

    title: str
    sentences: tuple[str, ...]
    status: int = 400


class NotSignedIn(MailsetupError):
    """Signing in elsewhere led nowhere; `reason` is one of WORDS."""

    def __init__(self, reason: str, *, name: str = "", account: str = "", said: str = "") -> None:
        super().__init__(reason)
        self.reason, self.name, self.account, self.said = reason, name, account, said

    @property
    def words(self) -> Words:
        """What to read, with the names filled in."""
        title, sentences, status = WORDS[self.reason]
        facts = {"name": self.name or "The other service", "account": self.account or "another account"}
        return Words(title.format(**facts), tuple(one.format(**facts) for one in sentences), status)


OPERATOR = "If it stays like this, tell whoever runs this service, and say when it happened."
WORDS = {
    "away": Words(
        "{name} does not answer",
        ("It cannot be reached, or is out of order. Try again in a few minutes, or use your password.", OPERATOR),
        502,
    ),
    "declined": Words(
        "{name} did not sign you in",
        ("If you pressed Cancel there, nothing is wrong. Else the admin of your organisation at {name} decides.",),
    ),
    "client": Words(
        "{name} does not know this service",
        ("Whoever runs this service has to renew its client secret at {name}. Until then, use your password.",),
        502,
    ),
    "answer": Words(
        "The answer of {name} cannot be trusted",
        ("It did not pass our checks, so nobody was signed in. Try once more.", OPERATOR),
    ),
    "directory": Words(
        "Your organisation may not sign in here",
        ("Whoever runs this service decides which organisations of {name} may. Ask them to add yours.",),
        403,
    ),
    "stale": Words(
        "{name} did not say that it is you now",
        (
            "Before secrets, keys or members change, {name} has to ask you anew who you are, and say so. Try again, "
            "and sign in there once more.",
            "If you did: whoever runs this service must have {name} tell when you signed in (the claim auth_time).",
        ),
        403,
    ),
    "unknown": Words(
        "This account is not connected here",
        (
            "At {name} you are {account}, which signs nobody in here yet.",
            "You have an account here: sign in with its password, then connect {name} at Settings, Signing in.",
            "You are new: open the link of your invitation, and join with {name} there.",
        ),
        403,
    ),
    "other": Words(
        "That is another account",
        ("At {name} you are {account}, which is not connected with the account you are signed in with here.",),
        403,
    ),
    "address": Words(
        "Open the link in your mail",
        ("The link you used was shown and not mailed. Join by the one in the mail of the invitation.",),
        403,
    ),
    "begin": Words(
        "Begin again",
        ("This sign-in was begun in another browser, was used already, or took longer than 10 minutes.",),
    ),
    "taken": Words("This cannot be connected", ("{account}",), 409),
}
