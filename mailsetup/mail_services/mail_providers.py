"""Mail providers as their DNS names show them: who receives a domain's mail, and how its mail is sent and signed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MICROSOFT, PERSONAL = "Microsoft 365", "Outlook.com"
ADDRESS = "your full email address"
_APP = "an app password, made in the account's security settings"
_OWN = "the mailbox's own password"


@dataclass(frozen=True)
class Provider:
    """One provider. `receives` are ends of its MX names, `domains` the addresses it gives away.

    `host`, `port`, `tls`, `username` and `proof` (what to enter as the password) are how a program sends through it;
    `sends` are ends of the server names it sends through. `spf` is what a domain includes for it; `selectors` are
    its usual DKIM names, none where each customer gets others. `own_return` says that bounces go to the provider's
    own domain, so that SPF never speaks for the customer's.
    """

    name: str
    receives: tuple[str, ...] = ()
    domains: frozenset[str] = field(default_factory=frozenset)
    host: str = ""
    port: str = "587"
    tls: str = "starttls"
    username: str = ADDRESS
    proof: str = _OWN
    sends: tuple[str, ...] = ()
    spf: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    own_return: bool = False
    gives: str = ""  # what the service with the given away addresses is called, where that is another name


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


PROVIDERS = (
    Provider(
        MICROSOFT,
        ("mail.protection.outlook.com", "mx.microsoft", "mail.protection.office365.us", "partner.outlook.cn"),
        host="smtp.office365.com",
        sends=("office365.com", "office365.us", "outlook.cn", "graph.microsoft.com", "graph.microsoft.us"),
        spf=("spf.protection.outlook.com", "spf.protection.office365.us", "spf.protection.partner.outlook.cn"),
        selectors=("selector1", "selector2"),
    ),
    Provider(
        PERSONAL,
        ("olc.protection.outlook.com",),
        _set("outlook.com hotmail.com live.com msn.com"),
        host="smtp-mail.outlook.com",
        sends=("smtp-mail.outlook.com",),
        spf=("spf2.outlook.com",),
    ),
    Provider(
        "Google Workspace",
        ("google.com", "googlemail.com"),
        _set("gmail.com googlemail.com"),
        gives="Gmail",
        host="smtp.gmail.com",
        proof=_APP,
        sends=("smtp.gmail.com", "smtp-relay.gmail.com", "googlemail.com"),
        spf=("_spf.google.com",),
        selectors=("google",),
    ),
    Provider(
        "Yahoo",
        ("yahoodns.net",),
        _set("yahoo.com yahoo.co.uk yahoo.de yahoo.fr ymail.com rocketmail.com"),
        host="smtp.mail.yahoo.com",
        proof=_APP,
        sends=("mail.yahoo.com",),
        spf=("_spf.mail.yahoo.com",),
    ),
    Provider("AOL", (), _set("aol.com"), host="smtp.aol.com", proof=_APP, sends=("aol.com",)),
    Provider(
        "iCloud",
        ("mail.icloud.com",),
        _set("icloud.com me.com mac.com"),
        host="smtp.mail.me.com",
        proof=_APP,
        sends=("mail.me.com",),
        spf=("icloud.com",),
        selectors=("sig1",),
    ),
    Provider(
        "Fastmail",
        ("messagingengine.com",),
        _set("fastmail.com fastmail.fm"),
        host="smtp.fastmail.com",
        proof=_APP,
        sends=("fastmail.com", "messagingengine.com"),
        spf=("spf.messagingengine.com",),
        selectors=("fm1", "fm2", "fm3"),
    ),
    Provider(
        "Zoho",
        ("zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp", "zohomail.com"),
        _set("zoho.com zohomail.com"),
        host="smtp.zoho.com",
        proof="the account's password, or an app password with two-factor sign-in",
        sends=("zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp", "zohomail.com"),
        spf=("zohomail.com", "zoho.com", "zohomail.eu", "zoho.eu", "zoho.in", "zoho.com.au", "one.zoho.com"),
        selectors=("zmail", "zoho", "default", "1"),
    ),
    Provider(
        "GMX",
        ("gmx.net", "gmx.com"),
        _set("gmx.de gmx.net gmx.at gmx.ch gmx.com"),
        host="mail.gmx.net",
        sends=("gmx.net", "gmx.com"),
    ),
    Provider(
        "IONOS",
        ("ionos.com", "ionos.de", "ionos.co.uk", "ionos.fr", "ionos.es", "ionos.it", "kundenserver.de", "perfora.net"),
        host="smtp.ionos.com",
        sends=("ionos.com", "ionos.de", "ionos.co.uk", "ionos.fr", "ionos.es", "ionos.it", "1und1.de"),
        spf=("_spf-eu.ionos.com", "_spf-us.ionos.com", "_spf.kundenserver.de", "_spf.perfora.net"),
        selectors=("s1-ionos", "s2-ionos"),
    ),
    Provider(
        "OVHcloud",
        ("mail.ovh.net", "ovh.net", "mail.ovh.ca"),
        host="ssl0.ovh.net",
        sends=("ovh.net",),
        spf=("mx.ovh.com", "mx.ovh.net", "mx.ovh.ca"),
    ),
    Provider(
        "Amazon SES",
        ("amazonaws.com",),
        host="email-smtp.us-east-1.amazonaws.com",
        username="the SMTP user name of that region",
        proof="the SMTP password of that region",
        sends=("amazonaws.com",),
        spf=("amazonses.com",),
        own_return=True,
    ),
    Provider(
        "SendGrid",
        ("sendgrid.net",),
        host="smtp.sendgrid.net",
        username="apikey",
        proof="an API key",
        sends=("sendgrid.net",),
        spf=("sendgrid.net",),
        selectors=("s1", "s2"),
        own_return=True,
    ),
    Provider(
        "Mailgun",
        ("mailgun.org",),
        host="smtp.mailgun.org",
        username="an SMTP user made for the domain",
        proof="that SMTP user's password",
        sends=("mailgun.org",),
        spf=("mailgun.org",),
        selectors=("pic", "k1", "mx", "smtp", "mailo"),
        own_return=True,
    ),
    Provider(
        "Postmark",
        ("inbound.postmarkapp.com",),
        host="smtp.postmarkapp.com",
        username="the server's API token",
        proof="the same token",
        sends=("postmarkapp.com",),
        spf=("spf.mtasv.net",),
        own_return=True,
    ),
    Provider(
        "Brevo",
        ("brevo.com", "sendinblue.com"),
        host="smtp-relay.brevo.com",
        username="the login shown under SMTP settings",
        proof="an SMTP key",
        sends=("brevo.com", "sendinblue.com"),
        spf=("spf.brevo.com", "spf.sendinblue.com"),
        selectors=("brevo1", "brevo2", "mail"),
        own_return=True,
    ),
    Provider(
        "Mailjet",
        ("mailjet.com",),
        host="in-v3.mailjet.com",
        username="the API key",
        proof="the secret key",
        sends=("mailjet.com",),
        spf=("spf.mailjet.com",),
        selectors=("mailjet",),
        own_return=True,
    ),
    Provider(
        "SparkPost",
        ("sparkpostmail.com",),
        host="smtp.sparkpostmail.com",
        username="SMTP_Injection",
        proof="an API key with the right Send via SMTP",
        sends=("sparkpostmail.com",),
        spf=("sparkpostmail.com",),
        own_return=True,
    ),
)
# What only filters mail on its way in: it does not say where the mailboxes are.
GATEWAYS = {
    "pphosted.com": "Proofpoint",
    "ppe-hosted.com": "Proofpoint",
    "mimecast.com": "Mimecast",
    "barracudanetworks.com": "Barracuda",
    "hornetsecurity.com": "Hornetsecurity",
    "iphmx.com": "Cisco",
    "messagelabs.com": "Symantec",
    "tmes.trendmicro.com": "Trend Micro",
    "mailcontrol.com": "Forcepoint",
    "sophos.com": "Sophos",
    "antispameurope.com": "Hornetsecurity",
    "mailanyone.net": "a mail filter",
}
_REGION = re.compile(r"inbound-smtp\.([a-z0-9-]+)\.amazonaws\.com$")


def ends_with(name: str, ends: tuple[str, ...]) -> bool:
    """Whether a host name is one of these, or below one."""
    name = name.lower().rstrip(".")
    return any(name == end or name.endswith("." + end) for end in ends)


def receiving(mx: str) -> Provider | None:
    """Whose mail server this MX name is."""
    # The personal ones are below Microsoft's own name, so the longer end decides.
    found = [one for one in PROVIDERS if ends_with(mx, one.receives)]
    return next((one for one in found if one.name == PERSONAL), found[0] if found else None)


def giving(domain: str) -> Provider | None:
    """Who gives away addresses of this domain."""
    return next((one for one in PROVIDERS if domain in one.domains), None)


def sending(host: str) -> Provider | None:
    """Through whose server this host sends."""
    found = [one for one in PROVIDERS if ends_with(host, one.sends)]
    return max(found, key=lambda one: len(max(one.sends, key=len)), default=None)


def gateway(mx: str) -> str:
    """What the filter is called that this MX name belongs to; empty when it is none we know."""
    return next((label for end, label in GATEWAYS.items() if ends_with(mx, (end,))), "")


def host_for(provider: Provider, mx: str) -> str:
    """The sending server that goes with an MX name: providers with regions have one for each."""
    if (region := _REGION.search(mx)) and provider.name == "Amazon SES":
        return f"email-smtp.{region[1]}.amazonaws.com"
    end = next((end for end in provider.receives if mx == end or mx.endswith("." + end)), "")
    if provider.name == "Zoho" and end.startswith("zoho.") and end != "zoho.com":
        return f"smtp.{end}"
    if provider.name == "IONOS":
        national = {"kundenserver.de": "smtp.ionos.de", "perfora.net": "smtp.ionos.com"}
        return national.get(end, f"smtp.{end}" if end else provider.host)
    if provider.name == "Mailgun" and ".eu." in f".{mx}":
        return "smtp.eu.mailgun.org"
    return provider.host
