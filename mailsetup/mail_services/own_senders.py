"""From limited to what the mailbox that signed in may send as: known before anything is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailsetup.mail_services.clouds import is_personal

OWN_ADDRESSES_ONLY = (
    "You signed in as {account}, and this sign-in may send as {own} only. Use that address here. To send from a shared "
    "mailbox, or on behalf of somebody, go back to the step Credential, tick “Send from a shared mailbox” and sign in."
)
ALIAS = (
    "{sender} is a second address (alias) of {main}. Exchange takes it only where the organisation lets people send "
    "from aliases (SendFromAliasEnabled, off until an admin turns it on); else it refuses the mail, or puts {main} in "
    "its place. Only {main} works for certain. When a test passes, look in the mail that arrived at who it is from."
)
OWN_MAILBOX_ONLY = "Mail is sent through the mailbox that signed in: {own}."


def refusals(
    settings: Mapping[str, Any], public: Mapping[str, str], *, other_sender: bool, other_mailbox: bool = False
) -> dict[str, str]:
    """A sentence by field, for addresses that are not the account's own; none where Microsoft did not tell those.

    `other_sender` and `other_mailbox` say that the sign-in was made for a shared mailbox: then a test decides.
    """
    own = addresses(public)
    if not own:
        return {}
    words = {"account": public.get("account_username", ""), "own": " or ".join(own[:3])}
    found = {}
    if not other_mailbox and str(settings.get("username", "")).lower() not in own:
        found["username"] = OWN_MAILBOX_ONLY.format(**words)
    if not other_sender and str(settings.get("from_address", "")).lower() not in own:
        found["from_address"] = OWN_ADDRESSES_ONLY.format(**words)
    return found


def addresses(public: Mapping[str, str]) -> list[str]:
    """The account's own, the main one first; none where Microsoft did not tell."""
    return public.get("account_addresses", "").lower().split()


def main_address(sender: str, public: Mapping[str, str]) -> str:
    """The main address of the account when the sender is another one of its own; else nothing."""
    if is_personal(public):
        return ""  # the person alone decides over the aliases of an account of outlook.com
    own = addresses(public)
    return own[0] if sender.lower() in own[1:] else ""


def doubts(settings: Mapping[str, Any], public: Mapping[str, str]) -> tuple[str, ...]:
    """What nobody outside the organisation can know, in sentences."""
    sender = str(settings.get("from_address", ""))
    main = main_address(sender, public)
    return (ALIAS.format(sender=sender, main=main),) if main else ()
