"""Causes that SMTP servers tell of before they take a mail: signing in, and whose address may send (RFC 4954)."""

from __future__ import annotations

from mailsetup.mail_services.hints.app_causes import SUPPORT
from mailsetup.mail_services.hints.catalogue import Cause

_OTHER_KIND = "Or change this setup to Microsoft 365, by signing in, or to Graph: neither needs SMTP sign-in."
_OAUTH = "With your Microsoft admin, change this setup to a kind with OAuth 2.0: Graph is the recommended one."
_SWITCH_ON = (
    "In Exchange Online PowerShell switch it on for this one mailbox: "
    "Set-CASMailbox -Identity {mailbox_id} -SmtpClientAuthenticationDisabled $false"
)

SWITCHED_OFF = (
    Cause(
        "smtp_auth_off_tenant",
        "Your organisation has switched off SMTP sign-in",
        "Authenticated SMTP is disabled for the whole Microsoft 365 organisation.",
        (_SWITCH_ON, "Wait up to an hour, then choose Test again.", _OTHER_KIND),
        "microsoft_admin",
    ),
    Cause(
        "smtp_auth_off_mailbox",
        "SMTP sign-in is switched off for this mailbox",
        "Authenticated SMTP is disabled for {mailbox}.",
        (
            "In the Microsoft 365 admin center open Users > Active users > {mailbox} > Mail > Manage email apps.",
            "Tick Authenticated SMTP and choose Save changes.",
            "Or in PowerShell: Set-CASMailbox -Identity {mailbox_id} -SmtpClientAuthenticationDisabled $false",
            _OTHER_KIND,
        ),
        "microsoft_admin",
    ),
    Cause(
        "smtp_auth_off",
        "SMTP sign-in is switched off at Microsoft",
        "Authenticated SMTP is disabled for {mailbox}, or for the whole organisation.",
        (_SWITCH_ON, "Wait up to an hour, then choose Test again.", _OTHER_KIND),
        "microsoft_admin",
    ),
    Cause(
        "security_defaults",
        "Security defaults block the password",
        "Your organisation's security defaults refuse sign-ins with user name and password alone.",
        (_OAUTH, "Or use Conditional Access policies instead of the security defaults, without this mailbox."),
        "microsoft_admin",
    ),
    Cause(
        "basic_auth_retired",
        "Microsoft no longer takes user name and password here",
        "Sign-in with a password is switched off for this mailbox or organisation.",
        (_OAUTH, "For mail within the organisation alone, your Microsoft admin can set up High Volume Email."),
        "microsoft_admin",
    ),
    Cause(
        "outlook_com_needs_oauth",
        "Outlook.com no longer takes a password here",
        "Private mailboxes of Outlook.com, Hotmail and Live let programs in with OAuth 2.0 only.",
        ("Change this setup to another mail service, or to a mailbox of your organisation.",),
        "workspace_admin",
    ),
    Cause(
        "smtp_policy_blocks",
        "A rule of your organisation blocks the sign-in",
        "Microsoft refused it because of a policy, usually one against older ways to sign in, or for a second factor.",
        (
            _OAUTH,
            "Or exclude {mailbox} from the policy. Entra > Monitoring & health > Sign-in logs names it.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "smtp_login_blocked",
        "Microsoft does not let this mailbox sign in by SMTP",
        "SMTP sign-in is off, or a policy blocks it, or the password is wrong. The answer does not say which.",
        (
            _SWITCH_ON,
            "In Entra open Monitoring & health > Sign-in logs. The failed entry names the policy, if there is one.",
            "Check the password at https://outlook.office.com.",
        ),
        "microsoft_admin",
        confidence="medium",
        general=True,
    ),
)

LOGIN = (
    Cause(
        "exchange_password_wrong",
        "Microsoft says the user name or password is wrong",
        "The sign-in of {mailbox} was refused. The same answer comes when the account has a second factor.",
        (
            "Sign in at https://outlook.office.com as {mailbox} to check the password.",
            "Type user name and password again in the credential.",
            "If they are right, change this setup to a kind with OAuth 2.0.",
        ),
        "mailbox_user",
    ),
    Cause(
        "exchange_login_refused",
        "Microsoft refused the sign-in",
        "User name or password is wrong, or SMTP sign-in is not allowed for {mailbox}.",
        (
            "Sign in at https://outlook.office.com as {mailbox} to check the password, and type it again here.",
            "If it is right, ask your Microsoft admin: "
            "Set-CASMailbox -Identity {mailbox_id} -SmtpClientAuthenticationDisabled $false",
        ),
        "mailbox_user",
        confidence="medium",
        general=True,
    ),
    Cause(
        "oauth_login_refused",
        "The mail server did not accept the token",
        "Its app is not registered in Exchange, has no right to {mailbox}, or SMTP sign-in is off there.",
        (
            "Switch SMTP on: Set-CASMailbox -Identity {mailbox_id} -SmtpClientAuthenticationDisabled $false",
            "For an app without sign-in, with the Object ID under Enterprise apps: "
            "New-ServicePrincipal -AppId {app_id} -ObjectId OBJECT-ID",
            "Then: Add-MailboxPermission -Identity {mailbox_id} -User OBJECT-ID -AccessRights FullAccess",
            "A change takes up to two hours. Then choose Test again.",
        ),
        "microsoft_admin",
        confidence="medium",
        general=True,
    ),
    Cause(
        "password_wrong",
        "User name or password is not right",
        "{host} refused the sign-in.",
        (
            "Check the user name. Many providers want the whole email address.",
            "Type the password again in the credential.",
            "If the account uses a second factor, make an app password at {provider} and use that.",
        ),
        "workspace_admin",
        general=True,
    ),
    Cause(
        "app_password_needed",
        "This provider wants an app password",
        "The account is protected by a second factor, so its usual password is refused here.",
        (
            "Make an app password in the account's security settings at {provider}.",
            "Paste it as the password in the credential, without blanks.",
        ),
        "workspace_admin",
    ),
    Cause(
        "gmail_browser_sign_in",
        "Google wants to see this account in a browser first",
        "Google does not trust the sign-in yet and has blocked it.",
        (
            "Sign in to the account in a browser and confirm that it was you.",
            "Then make an app password at https://myaccount.google.com/apppasswords and enter it here.",
        ),
        "workspace_admin",
    ),
    Cause(
        "login_temporarily_refused",
        "The server cannot check sign-ins just now",
        "{host} asks us to try the sign-in later. We do.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "login_attempts_exceeded",
        "There were too many failed sign-ins",
        "{host} has closed the account to sign-ins for a while.",
        (
            "Check user name and password in the credential before the next try.",
            "If the account uses a second factor, make an app password at {provider} and use that.",
            "Then wait an hour and choose Test again.",
        ),
        "workspace_admin",
    ),
    Cause(
        "login_not_offered",
        "The server offers no sign-in that we know",
        "{host} does not offer the way to sign in that this setup needs.",
        (
            "Check Host, Port and TLS: many servers offer sign-in only on port 587 with STARTTLS.",
            "If the server needs no sign-in, remove the credential from this setup.",
        ),
        "workspace_admin",
    ),
    Cause(
        "login_required",
        "The server wants a sign-in",
        "{host} takes mail only from those who have signed in.",
        ("Choose a credential with user name and password for this setup.",),
        "workspace_admin",
    ),
    Cause(
        "starttls_required",
        "The server demands encryption",
        "{host} takes mail only over an encrypted connection.",
        ("Choose TLS: STARTTLS.",),
        "workspace_admin",
    ),
    Cause(
        "tls_not_now",
        "The server cannot encrypt just now",
        "{host} offers encryption, but its own part of it has a fault at the moment. We try again.",
        ("Nothing to do. If it lasts, tell {provider}.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "our_address_not_listed",
        "The provider does not take mail from our address",
        "{host} lets in listed addresses only, and the address we send from is not on its list.",
        (
            "At {provider} open the list of allowed IP addresses and add ours. Our support tells you which.",
            "Or switch the list off there.",
        ),
        "workspace_admin",
    ),
    Cause(
        "relay_not_registered",
        "The relay does not know this sender",
        "Google's relay takes mail only from addresses, domains or accounts that are listed there.",
        (
            "In the Google Admin console open Apps > Gmail > Routing > SMTP relay service.",
            "Add our address or your domain, or allow SMTP authentication and choose a credential here.",
        ),
        "workspace_admin",
    ),
)

SENDER = (
    Cause(
        "smtp_send_as_denied",
        "The server does not let this login send as {from_address}",
        "The From address does not belong to the mailbox that signs in, and it has no Send As right for it.",
        (
            "In the Exchange admin center: Recipients > Mailboxes > {from_address} > Delegation > Send as, "
            "add {mailbox}.",
            "Or in PowerShell: "
            "Add-RecipientPermission -Identity {sender_id} -Trustee {mailbox_id} -AccessRights SendAs",
            "Or use the mailbox's own address as the From address.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "sender_not_allowed",
        "The provider does not let this login send as {from_address}",
        "The From address does not belong to the account that signs in.",
        (
            "Use the account's own address as the From address.",
            "Or add {from_address} as a sender or alias at {provider}.",
        ),
        "workspace_admin",
    ),
    Cause(
        "sender_domain_unverified",
        "The provider does not know {from_address} as a sender",
        "Mail leaves only from addresses or domains that are verified there.",
        ("Verify the address or its domain at {provider}, then choose Test again.",),
        "workspace_admin",
    ),
    Cause(
        "sender_domain_unknown",
        "The domain of {from_address} does not exist",
        "{host} looked for the part of the From address after the @ and found nothing.",
        (
            "Correct the From address in the setup.",
            "If it is right, check that the domain is paid for and has records.",
        ),
        "workspace_admin",
    ),
    Cause(
        "sending_domain_disabled",
        "The provider has switched off this sending domain",
        "The domain is not verified, is a trial domain, or the account was stopped.",
        ("Sign in at {provider} and look at the state of the domain and of the account.", "Do what is asked there."),
        "workspace_admin",
    ),
    Cause(
        "provider_account_blocked",
        "The provider has stopped this account from sending",
        "The account is suspended, under review, or not yet open for sending. Our trying again changes nothing.",
        (
            "Sign in at {provider} and look at the state of the account. Often a mail from the provider says why.",
            "Do what is asked there, or ask its support to open the account again. Then choose Test again.",
        ),
        "workspace_admin",
    ),
    Cause(
        "smtp_access_off",
        "The provider lets no mail program into this mailbox",
        "The mailbox itself works, but sending by a program is switched off in its settings.",
        (
            "Open the mailbox at {provider} in a browser and look in its settings for IMAP, POP3 or SMTP access.",
            "Switch it on. If an app password is offered there, make one and enter it here.",
        ),
        "workspace_admin",
    ),
    Cause(
        "helo_refused",
        "The server does not accept our name",
        "{host} refused how we introduced ourselves.",
        (SUPPORT,),
        "operator",
        confidence="medium",
    ),
    Cause(
        "our_ip_blocked",
        "The server refuses the address that we send from",
        "Our network address stands on a list of addresses that {host} does not trust.",
        (
            SUPPORT,
            "If this is your provider's server, use port 587 with a sign-in: it then takes mail from any address.",
        ),
        "operator",
    ),
    Cause(
        "our_tls_too_old",
        "Our side spoke an old version of TLS",
        "{host} takes TLS 1.2 and later. Something on our way out, such as a proxy, used an older one.",
        (SUPPORT,),
        "operator",
    ),
    Cause(
        "smtp_protocol_fault",
        "The server did not understand us",
        "{host} and we fell out of step in the conversation. This is a fault on our side, or of something in between.",
        (SUPPORT, "Check that Host and Port lead to a mail server."),
        "operator",
        confidence="medium",
        general=True,
    ),
)
CAUSES = (*SWITCHED_OFF, *LOGIN, *SENDER)
