"""Mail providers that we know by the names of their servers, and how each wants a program to sign in."""

from __future__ import annotations

from dataclasses import dataclass

from mailsetup.mail_services.hints.catalogue import Cause, Rule, smtp

_PASTE_IT = "Paste it as the password in the credential, without blanks, and test again."


@dataclass(frozen=True)
class Provider:
    """One provider. `signs` are words by which its answers are known when the server's name is not.

    `wants` says what it takes instead of the usual password; `steps` say where that is found.
    """

    slug: str
    label: str
    hosts: tuple[str, ...]
    wants: str
    steps: tuple[str, ...]
    signs: tuple[str, ...] = ()


PROVIDERS = (
    Provider(
        "gmail",
        "Gmail",
        ("smtp.gmail.com", "smtp.googlemail.com", "aspmx.l.google.com"),
        "Gmail takes an app password of 16 letters here, not the usual password.",
        (
            "In the Google account open Security and switch on 2-Step Verification.",
            "Open https://myaccount.google.com/apppasswords and make an app password.",
            _PASTE_IT,
        ),
        ("gsmtp", "support.google.com/mail", "google.com/support"),
    ),
    Provider(
        "google_relay",
        "Google Workspace",
        ("smtp-relay.gmail.com",),
        "The relay of Google Workspace takes mail only from addresses or accounts that are listed there.",
        (
            "In the Google Admin console open Apps > Gmail > Routing > SMTP relay service.",
            "List our address, or allow SMTP authentication and enter an app password here.",
        ),
    ),
    Provider(
        "ses",
        "Amazon SES",
        ("amazonaws.com",),
        "Amazon SES has its own SMTP user name and password for each region. A secret access key does not work.",
        (
            "In the SES console, in the region of {host}, open SMTP settings > Create SMTP credentials.",
            "Enter that user name and password in the credential.",
        ),
        ("amazonses.com",),
    ),
    Provider(
        "sendgrid",
        "SendGrid",
        ("sendgrid.net",),
        "SendGrid wants the word apikey as user name, and an API key as password.",
        (
            "In SendGrid open Settings > API Keys and make a key with Mail Send permission.",
            "Type apikey as the user name here, and the key as the password.",
        ),
        ("the provided authorization grant is invalid", "sendgrid"),
    ),
    Provider(
        "mailgun",
        "Mailgun",
        ("mailgun.org",),
        "Mailgun has an SMTP user and password for each sending domain. The API key does not work.",
        (
            "In Mailgun open Sending > Domain settings > SMTP credentials and reset the password.",
            "Enter that user name and password in the credential. For the EU region the host is smtp.eu.mailgun.org.",
        ),
        ("mailgun",),
    ),
    Provider(
        "postmark",
        "Postmark",
        ("postmarkapp.com",),
        "Postmark takes the Server API token, as user name and as password.",
        (
            "In Postmark open your server > API Tokens and copy the Server API token.",
            "Enter it as the user name and as the password in the credential.",
        ),
        ("postmark",),
    ),
    Provider(
        "zoho",
        "Zoho Mail",
        ("zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zoho.jp", "zohocloud.ca"),
        "With two-factor sign-in Zoho takes only an app password. Each region has its own server.",
        (
            "In Zoho Accounts open Security > App Passwords and make one.",
            _PASTE_IT,
            "Check the region in the Host: smtp.zoho.com, .eu, .in, .com.au or .jp.",
        ),
        ("zoho",),
    ),
    Provider(
        "yahoo",
        "Yahoo Mail",
        ("mail.yahoo.com", "smtp.aol.com", "aol.com"),
        "Yahoo and AOL take an app password here, not the usual password.",
        ("In the Yahoo or AOL account open Security > Generate app password.", _PASTE_IT),
        ("(#auth005)", "(#auth012)", "yahoo"),
    ),
    Provider(
        "icloud",
        "iCloud Mail",
        ("mail.me.com", "icloud.com"),
        "iCloud takes an app-specific password here, not the one of the Apple account.",
        (
            "Open https://account.apple.com, Sign-In and Security > App-Specific Passwords, and make one.",
            _PASTE_IT,
        ),
        ("support.apple.com",),
    ),
    Provider(
        "fastmail",
        "Fastmail",
        ("fastmail.com", "messagingengine.com"),
        "Fastmail takes an app password here, not the usual password.",
        (
            "In Fastmail open Settings > Privacy & Security > App passwords and make one with access to SMTP.",
            _PASTE_IT,
        ),
        ("fastmail",),
    ),
    Provider(
        "ionos",
        "IONOS",
        (
            "ionos.com",
            "ionos.de",
            "ionos.co.uk",
            "ionos.fr",
            "ionos.es",
            "ionos.it",
            "1und1.de",
            "1and1.com",
            "kundenserver.de",
        ),
        "IONOS takes the mailbox's whole address as user name and the mailbox's own password, not that of the account.",
        (
            "Type the whole address of the mailbox as the user name.",
            "Set the mailbox's password under Email in your IONOS account, and enter it here.",
        ),
        ("ionos", "1and1", "kundenserver"),
    ),
    Provider(
        "acs",
        "Azure Communication Services",
        ("azurecomm.net",),
        "It takes an SMTP user name made for the resource, and a client secret of its Entra app as the password.",
        (
            "In the Azure portal open the resource > SMTP Usernames, and copy the user name.",
            "Make a new client secret for the app named there, and enter its Value as the password here.",
        ),
    ),
    Provider(
        "gmx",
        "GMX and WEB.DE",
        ("gmx.net", "gmx.com", "gmx.de", "web.de"),
        "GMX and WEB.DE let a program in only after access by POP3 and IMAP is switched on in the mailbox.",
        (
            "In the mailbox open Settings > POP3 & IMAP and allow access.",
            "With two-factor sign-in make an app password there, and enter it here.",
        ),
    ),
    Provider(
        "ovh",
        "OVHcloud",
        ("ovh.net",),
        "OVHcloud takes the mailbox's whole address as user name and the mailbox's own password.",
        (
            "Type the whole address of the mailbox as the user name.",
            "Check the Host: ssl0.ovh.net for MX Plan, ex or pro followed by a number for Exchange and Email Pro.",
            "Set the password in the OVHcloud control panel, and enter it here.",
        ),
        ("ovh.net",),
    ),
    Provider(
        "brevo",
        "Brevo",
        ("brevo.com", "sendinblue.com"),
        "Brevo takes an SMTP key as the password. An API key does not work.",
        (
            "In Brevo open Settings > SMTP & API > SMTP and copy the login and an SMTP key.",
            "Enter them in the credential.",
        ),
        ("brevo", "sendinblue"),
    ),
    Provider(
        "mailjet",
        "Mailjet",
        ("mailjet.com",),
        "Mailjet takes the API key as user name and the secret key as password.",
        (
            "In Mailjet open Account settings > SMTP and SEND API settings and copy both keys.",
            "Enter the API key as the user name and the secret key as the password.",
        ),
        ("mailjet",),
    ),
    Provider(
        "sparkpost",
        "SparkPost",
        ("sparkpostmail.com",),
        "SparkPost wants the word SMTP_Injection as user name, and an API key as password.",
        (
            "In SparkPost make an API key with the permission Send via SMTP.",
            "Type SMTP_Injection as the user name here, and the key as the password.",
        ),
        ("5.7.8 sorry.", "sparkpost"),
    ),
)
# Servers of Microsoft where people, not organisations, have their mailboxes.
PERSONAL_OUTLOOK = ("smtp-mail.outlook.com", "smtp.live.com", "hotmail.com")
# These have no door where the connection is encrypted from the start.
ONLY_STARTTLS = (
    "smtp.office365.com",
    "smtp-mail.outlook.com",
    "smtp.office365.us",
    "smtp.partner.outlook.cn",
    "postmarkapp.com",
    "mail.me.com",
    "sparkpostmail.com",
)


def provider_of(host: str) -> str:
    """What the provider is called whose server this is; empty when we do not know it."""
    host = host.lower().rstrip(".")
    named = (each.label for each in PROVIDERS for end in each.hosts if host == end or host.endswith("." + end))
    return next(named, "")


def _login_cause(provider: Provider) -> Cause:
    return Cause(
        f"{provider.slug}_login",
        f"{provider.label} refused the sign-in",
        provider.wants,
        provider.steps,
        "workspace_admin",
    )


def _login_rule(provider: Provider, **sign: tuple[str, ...]) -> Rule:
    return smtp(f"{provider.slug}_login", "535", "534", **sign)


CAUSES = tuple(_login_cause(provider) for provider in PROVIDERS)
# The name of the server proves more than a word in its answer.
LOGIN_RULES = (
    *(_login_rule(provider, hosts=provider.hosts) for provider in PROVIDERS),
    *(_login_rule(provider, says=provider.signs) for provider in PROVIDERS if provider.signs),
)
