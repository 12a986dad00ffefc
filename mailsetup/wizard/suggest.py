"""From an address to a suggestion: who takes this domain's mail, and how a program sends through it."""

from __future__ import annotations

from dataclasses import replace

from mailsetup.mail_services import discovery, proposal
from mailsetup.mail_services.proposal import Proposal
from mailsetup.mail_services.values import ascii_domain, email_address
from mailsetup.platform import current_platform

__all__ = ["Proposal", "suggest"]


def suggest(address: str) -> Proposal:
    """What fits this address; takes a few seconds at most. Raises ValueError when it is none."""
    address = email_address(address)
    domain = ascii_domain(address.rpartition("@")[2])
    platform = current_platform()
    found = proposal.from_name(domain, personal=platform.lets_personal_in)
    if found is None:
        found = proposal.from_facts(discovery.gather(domain, platform), personal=platform.lets_personal_in)
    return replace(found, settings={"from_address": address, **found.settings})
