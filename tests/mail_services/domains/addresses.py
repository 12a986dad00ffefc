"""Domains as their DNS shows them, and what should be proposed to somebody with an address there."""

from __future__ import annotations

from dataclasses import dataclass

GRAPH, SMTP = "graph_client_credentials", "smtp_basic"
SPF_OF_MICROSOFT = "v=spf1 include:spf.protection.outlook.com -all"
SPF_OF_GOOGLE = "v=spf1 include:_spf.google.com ~all"


@dataclass(frozen=True)
class Case:
    """`server` is host, port and TLS; `says` must be among the reasons; `unsure` where nothing may be claimed."""

    name: str
    domain: str
    zone: str = ""
    kind: str = SMTP
    server: str = ""
    says: str = ""
    unsure: bool = False
    tenant: bool = False
    failing: str = ""


BY_NAME = (
    Case("microsoft's own", "contoso.onmicrosoft.com", kind=GRAPH, says="at Microsoft 365"),
    Case("microsoft's own, US", "contoso.onmicrosoft.us", kind=GRAPH, says="at Microsoft 365"),
    Case("gmail", "gmail.com", server="smtp.gmail.com 587 starttls", says="gmail.com belong to Gmail"),
    Case("yahoo", "yahoo.co.uk", server="smtp.mail.yahoo.com 587 starttls", says="app password"),
    Case("icloud", "me.com", server="smtp.mail.me.com 587 starttls", says="app password"),
    Case("gmx", "gmx.de", server="mail.gmx.net 587 starttls", says="GMX"),
    Case("personal microsoft", "hotmail.com", says="personal Microsoft accounts", unsure=True),
)
MICROSOFT = (
    Case("m365", "a1.example", "a1.example MX 0 a1-example.mail.protection.outlook.com", GRAPH, says="Microsoft 365"),
    Case("m365 with DNSSEC", "a2.example", "a2.example MX 0 a2-example.k-v1.mx.microsoft", GRAPH, says="Microsoft 365"),
    Case("m365, US government", "a3.example", "a3.example MX 0 a3.mail.protection.office365.us", GRAPH, says="365"),
    Case("m365, China", "a4.example", "a4.example MX 0 a4.mail.protection.partner.outlook.cn", GRAPH, says="365"),
    Case(
        "m365 with its directory",
        "a5.example",
        "a5.example MX 0 a5-example.mail.protection.outlook.com",
        GRAPH,
        says="directory at Microsoft (a0000000-",
        tenant=True,
    ),
    Case(
        "personal microsoft, own domain",
        "a6.example",
        "a6.example MX 0 a6.olc.protection.outlook.com",
        says="personal Microsoft accounts",
        unsure=True,
    ),
    Case(
        "proofpoint before m365",
        "a7.example",
        "a7.example MX 10 mx1.a7.pphosted.com\nautodiscover.a7.example CNAME autodiscover.outlook.com",
        GRAPH,
        says="first passes Proofpoint",
    ),
    Case(
        "mimecast before m365, told by SPF and directory",
        "a8.example",
        f"a8.example MX 10 eu-smtp-inbound-1.mimecast.com\na8.example TXT {SPF_OF_MICROSOFT}",
        GRAPH,
        says="lets Microsoft 365 send for it",
        tenant=True,
    ),
    Case(
        "a filter, and no more than a directory",
        "a9.example",
        "a9.example MX 10 d1.ess.barracudanetworks.com",
        GRAPH,
        says="That alone does not say",
        unsure=True,
        tenant=True,
    ),
    Case(
        "own server, mailboxes at m365",
        "a10.example",
        "a10.example MX 10 mx.a10.example\nautodiscover.a10.example CNAME autodiscover.outlook.com",
        GRAPH,
        says="Outlook finds the mailboxes",
    ),
    Case(
        "the DNS is silent about MX",
        "a11.example",
        "autodiscover.a11.example CNAME autodiscover.outlook.com",
        GRAPH,
        says="Outlook finds the mailboxes",
        failing="a11.example",
    ),
)
OTHERS = (
    Case("google", "b1.example", "b1.example MX 1 aspmx.l.google.com", server="smtp.gmail.com 587 starttls"),
    Case("google, new name", "b2.example", "b2.example MX 1 smtp.google.com", server="smtp.gmail.com 587 starttls"),
    Case(
        "yahoo", "b3.example", "b3.example MX 1 mx-biz.mail.am0.yahoodns.net", server="smtp.mail.yahoo.com 587 starttls"
    ),
    Case("icloud", "b4.example", "b4.example MX 10 mx01.mail.icloud.com", server="smtp.mail.me.com 587 starttls"),
    Case(
        "fastmail",
        "b5.example",
        "b5.example MX 10 in1-smtp.messagingengine.com",
        server="smtp.fastmail.com 587 starttls",
    ),
    Case("zoho", "b6.example", "b6.example MX 10 mx.zoho.com", server="smtp.zoho.com 587 starttls"),
    Case("zoho, Europe", "b7.example", "b7.example MX 10 mx.zoho.eu", server="smtp.zoho.eu 587 starttls"),
    Case("ionos", "b8.example", "b8.example MX 10 mx00.ionos.de", server="smtp.ionos.de 587 starttls"),
    Case("ionos, old name", "b9.example", "b9.example MX 10 mx00.kundenserver.de", server="smtp.ionos.de 587 starttls"),
    Case("ovh", "b10.example", "b10.example MX 1 mx1.mail.ovh.net", server="ssl0.ovh.net 587 starttls"),
    Case(
        "amazon, by region",
        "b11.example",
        "b11.example MX 10 inbound-smtp.eu-west-1.amazonaws.com",
        server="email-smtp.eu-west-1.amazonaws.com 587 starttls",
        says="check that you have an account",
        unsure=True,
    ),
    Case(
        "mailgun, Europe",
        "b12.example",
        "b12.example MX 10 mxa.eu.mailgun.org",
        server="smtp.eu.mailgun.org 587 starttls",
        unsure=True,
    ),
    Case(
        "mimecast before google",
        "b13.example",
        f"b13.example MX 10 us-smtp-inbound-1.mimecast.com\nb13.example TXT {SPF_OF_GOOGLE}",
        server="smtp.gmail.com 587 starttls",
        says="first passes Mimecast",
    ),
    Case(
        "the preferred MX decides",
        "b14.example",
        "b14.example MX 50 backup.b14.example\nb14.example MX 5 aspmx.l.google.com",
        server="smtp.gmail.com 587 starttls",
    ),
    Case(
        "letters of another alphabet",
        "bücher.example",
        "xn--bcher-kva.example MX 1 smtp.google.com",
        server="smtp.gmail.com 587 starttls",
    ),
)
OWN_SERVERS = (
    Case(
        "names its server, TLS from the start",
        "c1.example",
        "c1.example MX 10 mx.c1.example\n_submissions._tcp.c1.example SRV 0 1 465 send.c1.example",
        server="send.c1.example 465 implicit",
        says="names send.c1.example",
    ),
    Case(
        "names its server, STARTTLS",
        "c2.example",
        "c2.example MX 10 mx.c2.example\n_submission._tcp.c2.example SRV 0 1 587 send.c2.example",
        server="send.c2.example 587 starttls",
        says="names send.c2.example",
    ),
    Case(
        "own server", "c3.example", "c3.example MX 10 mx.c3.example", server="mx.c3.example 587 starttls", unsure=True
    ),
    Case(
        "own server that google may send for",
        "c4.example",
        f"c4.example MX 10 mx.c4.example\nc4.example TXT {SPF_OF_GOOGLE}",
        server="smtp.gmail.com 587 starttls",
        says="lets Google Workspace send",
        unsure=True,
    ),
    Case(
        "own server, senders for others say nothing",
        "c5.example",
        "c5.example MX 10 mx.c5.example\nc5.example TXT v=spf1 include:sendgrid.net ~all",
        server="mx.c5.example 587 starttls",
        unsure=True,
    ),
    Case("takes no mail", "c6.example", "c6.example MX 0 .", GRAPH, says="takes no mail", unsure=True),
    Case("a slip of the pen", "c7.example", kind=GRAPH, says="check how it is spelled", unsure=True),
    Case("a filter and no more", "c8.example", "c8.example MX 10 mx1.c8.iphmx.com", GRAPH, says="Cisco", unsure=True),
    Case("nobody answers", "c9.example", kind=GRAPH, says="could not find out", unsure=True, failing="c9.example"),
)
CASES = (*BY_NAME, *MICROSOFT, *OTHERS, *OWN_SERVERS)
