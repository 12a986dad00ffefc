"""Causes that SMTP servers tell of when they refuse a mail, a recipient, or more mail (RFC 5321, RFC 3463)."""

from __future__ import annotations

from mailsetup.mail_services.hints.app_causes import SUPPORT
from mailsetup.mail_services.hints.catalogue import Cause

_PENALTY = "Then wait. Microsoft lifts the pause by itself, and nobody can shorten it."

LIMITS = (
    Cause(
        "sender_penalty",
        "Microsoft pauses this mailbox after repeated errors",
        "The same error came again and again: it may not send as {from_address}, or has no licence. Microsoft refuses "
        "all its mail for a while.",
        (
            "Give {mailbox} the Send As right for {from_address}, or use its own address as the From address.",
            "Check in the Microsoft 365 admin center that {mailbox} has a licence with Exchange Online.",
            _PENALTY,
        ),
        "microsoft_admin",
    ),
    Cause(
        "sender_penalty_full",
        "Microsoft pauses this mailbox because it is full",
        "The mailbox had no room again and again, so Microsoft refuses all its mail for a while.",
        ("Delete or archive old mail in {mailbox}, Sent Items first.", _PENALTY),
        "mailbox_user",
    ),
    Cause(
        "sender_penalty_recipients",
        "Microsoft pauses this mailbox after wrong recipients",
        "Too many recipients, or addresses that do not exist, came again and again. Microsoft refuses all its mail for "
        "a while.",
        ("Remove addresses that do not exist, and write to fewer recipients in one mail.", _PENALTY),
        "workspace_admin",
    ),
    Cause(
        "onmicrosoft_limit",
        "Mail from an onmicrosoft.com address has a small limit",
        "Such an address may write to 100 recipients outside the organisation in 24 hours. Mail flows again by itself.",
        (
            "Add a domain of your own in the Microsoft 365 admin center and give {mailbox} an address of it.",
            "Use that address as the From address.",
        ),
        "microsoft_admin",
        permanent=False,
    ),
    Cause(
        "tenant_recipient_limit",
        "Your organisation has reached its limit for mail to outside",
        "The limit counts the recipients outside the organisation in 24 hours. It grows with the licences.",
        ("Wait. Mail flows again by itself.", "For more, ask your Microsoft admin for more licences."),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "provider_daily_limit",
        "The account has reached its limit at the provider",
        "{host} takes no more mail from this account for now. Mail flows again by itself.",
        ("Wait until the provider's day is over.", "For more mail, ask {provider} for a higher limit."),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "provider_credits_used_up",
        "The account at the provider has no credits left",
        "The plan at the provider is used up, so it takes no more mail.",
        ("Sign in at {provider} and buy credits or choose a larger plan.", "We try again meanwhile."),
        "workspace_admin",
        permanent=False,
    ),
    Cause(
        "provider_slow_down",
        "The provider asks us to slow down",
        "There was more mail in a short time than {host} takes from one account. We wait and go on by ourselves.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "too_many_connections",
        "Too many connections at once",
        "The server takes only a few connections for a mailbox. We use fewer and try again.",
        ("Nothing to do. Other programs may be sending through {mailbox} too.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "suspicious_traffic",
        "Microsoft holds back our mail for a while",
        "It saw an unusual amount or kind of mail. It lifts this by itself when the mail looks right.",
        ("Wait. We try again.", "If it lasts a day, have your Microsoft admin ask Microsoft."),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "server_busy",
        "The server is busy",
        "{host} asks us to try again later. We do.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
        general=True,
    ),
)

BLOCKED = (
    Cause(
        "sender_banned",
        "Microsoft has banned this sender",
        "Microsoft saw spam from {mailbox} and takes no more mail from it.",
        (
            "Find out who used the mailbox, and change its password.",
            "In the Microsoft 365 admin center open Support and ask for the block to be lifted.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "tenant_blocked",
        "Microsoft has stopped mail from your organisation",
        "Too much suspicious mail came from the organisation, so Microsoft sends nothing from it to outside.",
        (
            "Open https://security.microsoft.com/restrictedusers and secure the accounts named there.",
            "In the Microsoft 365 admin center open Support and ask for the block to be lifted.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "domain_not_registered",
        "Microsoft does not know the sender's domain",
        "The domain of {from_address} is not verified in your organisation.",
        (
            "In the Microsoft 365 admin center open Settings > Domains and add and verify it.",
            "Or use a From address of a domain that is verified there.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "dmarc_failed",
        "The recipient's server could not check the sender's domain",
        "The domain of {from_address} asks for a DMARC check, and the mail did not pass it.",
        (
            "Switch on DKIM for the domain: Microsoft Defender portal > Email authentication settings > DKIM.",
            "Check that its SPF record includes the service that sends.",
        ),
        "microsoft_admin",
        scope="message",
    ),
    Cause(
        "sender_unauthenticated",
        "The recipient's server does not trust the sender's domain",
        "SPF, DKIM or DMARC of the domain of {from_address} do not allow this mail service.",
        (
            "Add the records for SPF and DKIM that {provider} shows to the domain.",
            "Then send the mail again. New records can take a day.",
        ),
        "workspace_admin",
        scope="message",
    ),
)

RECIPIENT = (
    Cause(
        "greylisted",
        "The server asks us to come back later",
        "Many servers do this once for a sender they do not know yet. We try again.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
        scope="message",
    ),
    Cause(
        "recipient_unknown",
        "The recipient's address does not exist",
        "The mail server says that nobody has this address.",
        ("Correct {recipient}, then send the mail again.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "recipient_domain_unknown",
        "The recipient's domain takes no mail",
        "There is no mail server for the part of the address after the @.",
        ("Correct {recipient}, then send the mail again.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "recipient_refuses_sender",
        "The recipient does not take mail from this sender",
        "The mailbox or group is closed to {from_address}, or takes mail only from its own organisation.",
        ("Ask the recipient, or the admin there, to allow {from_address}.", "Then send the mail again."),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "recipient_refused",
        "The server does not take mail for this recipient",
        "{host} refused the address.",
        ("Check {recipient}.", "If all recipients are refused, ask {provider} whether relaying is allowed."),
        "workspace_admin",
        scope="message",
        confidence="medium",
        general=True,
    ),
    Cause(
        "recipient_mailbox_disabled",
        "The recipient's mailbox is switched off",
        "The address exists, but takes no mail.",
        ("Ask the recipient for another address, then send the mail again.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "recipient_mailbox_full",
        "The recipient's mailbox is full",
        "Their server takes no more mail for it at the moment.",
        ("Tell the recipient another way.",),
        "workspace_admin",
        permanent=False,
        scope="message",
    ),
    Cause(
        "recipient_mailbox_over_quota",
        "The recipient's mailbox is full, and their server gave up",
        "Their server will not take this mail later either. It has to be sent anew once there is room.",
        ("Tell the recipient another way.", "When there is room again, send the mail again."),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "forwarding_blocked",
        "Your organisation does not let mail be forwarded to outside",
        "A rule of a mailbox passes mail on, and Microsoft stops that.",
        (
            "Have your Microsoft admin allow it: Microsoft Defender portal > Anti-spam outbound policy > Forwarding.",
            "Or remove the forwarding rule in the mailbox.",
        ),
        "microsoft_admin",
        scope="message",
    ),
    Cause(
        "recipient_server_silent",
        "The recipient's server could not be reached in time",
        "The mail service tried for a long time and gave up.",
        ("Check {recipient}, then send the mail again later.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "mail_loop",
        "The mail went round in a circle",
        "Two mail servers passed the mail to each other, mostly because of a forwarding rule.",
        ("Have the recipient's admin check forwarding for {recipient}.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "relay_denied",
        "The server does not pass on mail for us",
        "{host} takes mail only for its own addresses, or only after signing in.",
        (
            "Choose a credential with user name and password for this setup.",
            "Or have the server's admin allow our addresses to relay.",
        ),
        "workspace_admin",
    ),
    Cause(
        "too_many_recipients",
        "The mail has too many recipients",
        "The server takes fewer recipients in one mail.",
        ("Split the mail into several with fewer recipients.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "recipients_in_parts",
        "The server takes fewer recipients at once",
        "The rest of the recipients get the mail in a moment, in a mail of their own.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
        scope="message",
    ),
)

CONTENT = (
    Cause(
        "content_refused",
        "The server refused the mail's content",
        "Filters on {host} did not accept this mail. Other mail may pass.",
        ("Read the server's words below.", "Change the content, or ask {provider} about its filter."),
        "workspace_admin",
        scope="message",
        confidence="medium",
        general=True,
    ),
    Cause(
        "bad_line_ends",
        "The mail has line ends that are not allowed",
        "A line of the mail does not end as mail must. This is a fault on our side.",
        (SUPPORT,),
        "operator",
        scope="message",
    ),
    Cause(
        "smtp_refused",
        "The server refused",
        "{host} refused, and we do not know this answer well enough to name the cause.",
        ("Read the server's own words below.", "Ask {provider} what they mean."),
        "workspace_admin",
        confidence="low",
        general=True,
    ),
)
CAUSES = (*LIMITS, *BLOCKED, *RECIPIENT, *CONTENT)
