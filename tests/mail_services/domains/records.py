"""DNS records of a sender's domain, and what should be said of each topic: its state, and words of it."""

from __future__ import annotations

from dataclasses import dataclass

MICROSOFT, GOOGLE, SENDGRID, OWN = "smtp.office365.com", "smtp.gmail.com", "smtp.sendgrid.net", "mail.d.example"
# What the providers themselves publish.
WORLD = """
    spf.protection.outlook.com TXT v=spf1 ip4:40.92.0.0/15 ip4:40.107.0.0/16 -all
    _spf.google.com TXT v=spf1 include:_netblocks.google.com ~all
    _netblocks.google.com TXT v=spf1 ip4:35.190.247.0/24 ~all
    sendgrid.net TXT v=spf1 ip4:167.89.0.0/17 ~all
    mail.d.example A 203.0.113.7
    selector1-d.dkim.example TXT v=DKIM1; k=rsa; p=MIIBIjANBg
"""
SIGNED = "selector1._domainkey.d.example CNAME selector1-d.dkim.example"
WATCHES, REFUSES = "_dmarc.d.example TXT v=DMARC1; p=none", "_dmarc.d.example TXT v=DMARC1; p=reject"
SPF_365 = "d.example TXT v=spf1 include:spf.protection.outlook.com -all"


@dataclass(frozen=True)
class Case:
    """`expects` maps a topic to its state; `says` must be among the words, `value` is the record to copy."""

    name: str
    zone: str
    expects: str
    says: str = ""
    value: str = ""
    host: str = MICROSOFT
    domain: str = "d.example"
    failing: str = ""


def spf(record: str) -> str:
    """An SPF record of the domain."""
    return f"d.example TXT v=spf1 {record}"


def chain(length: int) -> str:
    """An SPF record that leads to so many look-ups."""
    links = " ".join(f"include:s{number}.example" for number in range(length))
    return "\n".join(
        [spf(f"{links} -all"), *(f"s{number}.example TXT v=spf1 ip4:192.0.2.{number} -all" for number in range(length))]
    )


WHOLE = (
    Case("all in order", f"{SPF_365}\n{SIGNED}\n{REFUSES}", "good good good", "SPF and DKIM vouches"),
    Case("nothing at all", "", "missing missing missing", value="v=spf1 include:spf.protection.outlook.com ~all"),
    Case("SPF alone", SPF_365, "good missing missing", value="v=DMARC1; p=none"),
    Case("DKIM alone is enough for DMARC", f"{SIGNED}\n{REFUSES}", "missing good good", "DKIM vouches"),
    Case(
        "nothing vouches, and receivers refuse", f"{spf('-all')}\n{REFUSES}", "wrong missing wrong", "refuses this mail"
    ),
    Case("nothing vouches, and receivers watch", f"{spf('-all')}\n{WATCHES}", "wrong missing note", "not held back"),
    Case("microsoft's own domain", "", "good good good", "Microsoft keeps SPF", domain="contoso.onmicrosoft.com"),
    Case("an address of gmail", "", "good good good", "nothing for you to do", host=GOOGLE, domain="gmail.com"),
    Case("the DNS is silent", "", "unknown unknown unknown", "gave no answer", failing="d.example"),
)
SPF = (
    Case("the service's addresses written out", spf("ip4:40.92.0.0/15 ip4:40.107.0.0/16 -all"), "good"),
    Case("wider than the service's addresses", spf("ip4:40.0.0.0/8 -all"), "good"),
    Case(
        "through another's include",
        f"{spf('include:all.example -all')}\nall.example TXT v=spf1 include:spf.protection.outlook.com -all",
        "good",
        "2 of 10",
    ),
    Case(
        "by redirect",
        f"{spf('redirect=all.example')}\nall.example TXT v=spf1 include:spf.protection.outlook.com -all",
        "good",
    ),
    Case(
        "other services only",
        spf("include:sendgrid.net -all"),
        "wrong",
        "does not let Microsoft 365",
        "v=spf1 include:sendgrid.net include:spf.protection.outlook.com -all",
    ),
    Case("says that nobody sends", spf("-all"), "wrong", value="v=spf1 include:spf.protection.outlook.com -all"),
    Case("without an end", spf("mx"), "wrong", value="v=spf1 mx include:spf.protection.outlook.com ~all"),
    Case(
        "everybody may",
        spf("include:spf.protection.outlook.com +all"),
        "wrong",
        "anybody",
        "v=spf1 include:spf.protection.outlook.com ~all",
    ),
    Case("everybody may, without a sign", spf("all"), "wrong", "anybody", "v=spf1 ~all"),
    Case(
        "two records",
        f"{SPF_365}\n{spf('include:sendgrid.net ~all')}",
        "wrong",
        "more than one",
        "v=spf1 include:spf.protection.outlook.com include:sendgrid.net ~all",
    ),
    Case("ten look-ups", chain(9).replace("-all", "include:spf.protection.outlook.com -all", 1), "good", "10 of 10"),
    Case(
        "eleven look-ups",
        chain(10).replace("-all", "include:spf.protection.outlook.com -all", 1),
        "wrong",
        "11 look-ups",
    ),
    Case("an include that is not there", spf("include:gone.example -all"), "wrong", "gone.example has no SPF record"),
    Case("includes itself", spf("include:d.example -all"), "wrong", "includes itself"),
    Case("an address that is none", spf("ip4:300.1.1.1 include:spf.protection.outlook.com -all"), "wrong", "300.1.1.1"),
    Case("asks for each mail", spf("include:%{i}._spf.d.example -all"), "unknown", "nobody can tell"),
    Case(
        "other records are no SPF", "d.example TXT google-site-verification=abc\nd.example TXT v=spf10 -all", "missing"
    ),
    Case("in capitals", "d.example TXT V=SPF1 INCLUDE:SPF.PROTECTION.OUTLOOK.COM -ALL", "good"),
    Case("in two strings", spf(f"{'ip4:192.0.2.1 ' * 14}include:spf.protection.outlook.com -all"), "good"),
    Case("google", spf("include:_spf.google.com ~all"), "good", "Google Workspace", host=GOOGLE),
    Case("a service with a return address of its own", spf("-all"), "note", "need not name it", host=SENDGRID),
    Case("the same, without a record", "", "note", "none is needed", host=SENDGRID),
    Case("own server, named", spf("ip4:203.0.113.0/24 -all"), "good", "lets mail.d.example send", host=OWN),
    Case("own server, by its name", spf("a:mail.d.example -all"), "good", host=OWN),
    Case("own server, not named", spf("ip4:198.51.100.1 -all"), "unknown", "often sends from another", host=OWN),
    Case("own server, no record", "", "missing", "Ask your mail provider", host=OWN),
)
DKIM = (
    Case("key taken back", "selector1._domainkey.d.example TXT v=DKIM1; p=", "- wrong", "taken back"),
    Case(
        "records without a key",
        "selector1._domainkey.d.example CNAME selector1-x.dkim.example",
        "- wrong",
        "does not sign yet",
    ),
    Case("the second key alone", "selector2._domainkey.d.example TXT v=DKIM1; p=MIIB", "- good", "selector2"),
    Case("google's usual key", "google._domainkey.d.example TXT k=rsa; p=MIIB", "- good", host=GOOGLE),
    Case("google, perhaps another name", "", "- unknown", "another name", host=GOOGLE),
    Case("own server", "", "- unknown", "cannot be known", host=OWN),
)
DMARC = (
    Case(
        "from a parent",
        "_dmarc.d.example TXT v=DMARC1; p=reject; sp=none\n"
        "m.d.example TXT v=spf1 include:spf.protection.outlook.com -all",
        "good missing good",
        "comes from d.example",
        domain="m.d.example",
    ),
    Case("two records", f"{SPF_365}\n{WATCHES}\n{REFUSES}", "good missing wrong", "take none"),
    Case("no policy", f"{SPF_365}\n_dmarc.d.example TXT v=DMARC1; pct=100", "good missing wrong", "names no policy"),
    Case("only reports", f"{SPF_365}\n_dmarc.d.example TXT v=DMARC1; rua=mailto:d@d.example", "good missing good"),
    Case(
        "DKIM unknown and receivers refuse",
        REFUSES,
        "note unknown unknown",
        "Look at a test mail",
        host="smtp.postmarkapp.com",
    ),
    Case(
        "a service's return address does not vouch",
        f"{spf('include:sendgrid.net -all')}\n{REFUSES}",
        "good unknown unknown",
        host=SENDGRID,
    ),
)
CASES = (*WHOLE, *SPF, *DKIM, *DMARC)
