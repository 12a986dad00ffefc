"""DMARC: what receivers do with mail that neither SPF nor DKIM vouches for (RFC 7489; parents found by walking up)."""

from __future__ import annotations

from dataclasses import dataclass

from mailsetup.mail_services.sender_domain.words import GOOD, MISSING, NOTE, UNKNOWN, WRONG, Advice, Lookup

POLICIES = {"none": "only watches", "quarantine": "sends to junk", "reject": "refuses"}
WALK = 5


@dataclass(frozen=True)
class Aligned:
    """Whether SPF and DKIM speak for the From domain itself; None where nobody can know."""

    spf: bool | None
    dkim: bool | None


def advise(domain: str, aligned: Aligned, lookup: Lookup) -> Advice:
    """What to do about DMARC. Raises ResolutionFailed."""
    place, records = _records(domain, lookup)
    name = f"_dmarc.{domain}"
    if not records:
        text = "Large receivers ask for one. This record changes nothing yet and is a good beginning."
        return Advice("dmarc", MISSING, f"{domain} has no DMARC record", text, name, "v=DMARC1; p=none")
    if len(records) > 1:
        return Advice("dmarc", WRONG, "There is more than one DMARC record", "Receivers then take none. Keep one.")
    tags = _tags(records[0])
    policy = _policy(tags, inherited=place != domain)
    if policy not in POLICIES:
        text = "Receivers pass over it, as it names no policy they know. Correct it like this."
        return Advice("dmarc", WRONG, "The DMARC record cannot be read", text, f"_dmarc.{place}", "v=DMARC1; p=none")
    return _judged(place if place != domain else "", policy, aligned)


def _records(domain: str, lookup: Lookup) -> tuple[str, list[str]]:
    """The nearest DMARC records, at the domain itself or at a parent."""
    labels = domain.split(".")
    places = [".".join(labels[start:]) for start in range(max(len(labels) - 1, 1))]
    for place in [places[0], *places[1:][-WALK:]]:
        found = [text for text in lookup(f"_dmarc.{place}", "TXT") if text.lower().lstrip().startswith("v=dmarc1")]
        if found:
            return place, found
    return domain, []


def _tags(record: str) -> dict[str, str]:
    parts = [part.partition("=") for part in record.split(";")]
    return {name.strip().lower(): value.strip().lower() for name, _, value in parts if name.strip()}


def _policy(tags: dict[str, str], *, inherited: bool) -> str:
    """A record with an address for reports but no usable policy counts as `none` (RFC 7489 6.6.3)."""
    policy = tags.get("sp", tags.get("p", "")) if inherited else tags.get("p", "")
    return "none" if policy not in POLICIES and tags.get("rua") else policy


def _judged(parent: str, policy: str, aligned: Aligned) -> Advice:
    source = f" It comes from {parent}." if parent else ""
    if aligned.spf or aligned.dkim:
        by = " and ".join(name for name, holds in (("SPF", aligned.spf), ("DKIM", aligned.dkim)) if holds)
        return Advice("dmarc", GOOD, "DMARC passes", f"{by} vouches for the From domain.{source}")
    if policy == "none":
        text = f"The record only watches, so mail is not held back.{source} Set up SPF or DKIM before you tighten it."
        return Advice("dmarc", NOTE, "DMARC would not pass", text)
    if aligned.spf is None or aligned.dkim is None:
        text = f"A receiver {POLICIES[policy]} what is not vouched for.{source} Look at a test mail that arrived."
        return Advice("dmarc", UNKNOWN, "Whether DMARC passes cannot be known", text)
    text = (
        f"A receiver {POLICIES[policy]} this mail, as neither SPF nor DKIM vouches for the From domain.{source} "
        "Mend one of the two above."
    )
    return Advice("dmarc", WRONG, "DMARC works against this mail", text)
