"""From limited to what the mailbox that signed in may send as: known before anything is tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OWN_ADDRESSES_ONLY = (
    "You signed in as {account}, and this sign-in may send as {own} only. Use that address here. To send from a shared "
    "mailbox, or on behalf of somebody, go back to the step Credential, tick “Send from a shared mailbox” and sign in."
)
OWN_MAILBOX_ONLY = "Mail is sent through the mailbox that signed in: {own}."


def refusals(
    settings: Mapping[str, Any], public: Mapping[str, str], *, other_sender: bool, other_mailbox: bool = False
) -> dict[str, str]:
    """A sentence by field, for addresses that are not the account's own; none where Microsoft did not tell those.

    `other_sender` and `other_mailbox` say that the sign-in was made for a shared mailbox: then a test decides.
    """
    own = public.get("account_addresses", "").split()
    if not own:
        return {}
    words = {"account": public.get("account_username", ""), "own": " or ".join(own[:3])}
    found = {}
    if not other_mailbox and str(settings.get("username", "")).lower() not in own:
        found["username"] = OWN_MAILBOX_ONLY.format(**words)
    if not other_sender and str(settings.get("from_address", "")).lower() not in own:
        found["from_address"] = OWN_ADDRESSES_ONLY.format(**words)
    return found
