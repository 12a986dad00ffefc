"""Replies of Exchange Online's SMTP submission, and of mail servers in general.

Texts: https://learn.microsoft.com/exchange/mail-flow-best-practices/ (NDR codes, SMTP AUTH submission).
"""

from __future__ import annotations

from mailsetup.sandbox.faults import SmtpFault

_DENIED = "535 5.7.139 Authentication unsuccessful, "

OUTLOOK = (
    SmtpFault("5.7.3", "auth", "535 5.7.3 Authentication unsuccessful [localhost]"),
    SmtpFault(
        "5.7.139-tenant",
        "auth",
        f"{_DENIED}SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for "
        "more information. [localhost]",
    ),
    SmtpFault(
        "5.7.139-mailbox",
        "auth",
        f"{_DENIED}SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for "
        "more information. [localhost]",
    ),
    SmtpFault(
        "5.7.139-security-defaults",
        "auth",
        f"{_DENIED}user is locked by your organization's security defaults policy. Contact your administrator. "
        "[localhost]",
    ),
    SmtpFault(
        "5.7.139-criteria",
        "auth",
        f"{_DENIED}the request did not meet the criteria to be authenticated successfully. Contact your "
        "administrator. [localhost]",
    ),
    SmtpFault("5.7.139-credentials", "auth", f"{_DENIED}the user credentials were incorrect. [localhost]"),
    SmtpFault("5.7.139-basic", "auth:basic", f"{_DENIED}basic authentication is disabled. [localhost]"),
    SmtpFault("5.7.139-locked", "auth", f"{_DENIED}the account is locked. [localhost]"),
    SmtpFault(
        "5.7.30", "auth:basic", "550 5.7.30 Basic authentication is not supported for Client Submission. [localhost]"
    ),
    SmtpFault(
        "5.7.57",
        "mail",
        "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM [localhost]",
    ),
    SmtpFault("5.7.0-starttls", "mail", "530 5.7.0 Must issue a STARTTLS command first"),
    SmtpFault("451 5.7.3", "mail", "451 5.7.3 STARTTLS is required to send mail [localhost]"),
    SmtpFault("5.7.4", "auth", "504 5.7.4 Unrecognized authentication type [localhost]"),
    SmtpFault("5.7.60", "mail", "550 5.7.60 SMTP; Client does not have permissions to send as this sender [localhost]"),
    SmtpFault(
        "5.2.252",
        "data",
        "554 5.2.252 SendAsDenied; {user} not allowed to send as {sender}; STOREDRV.Submission.Exception:"
        "SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with "
        "message [BeginDiagnosticData]Cannot submit message. [localhost]",
    ),
    SmtpFault(
        "5.2.251",
        "data",
        "550 5.2.251 Sender throttled due to continuous mailbox full errors; STOREDRV.Submission.Exception [localhost]",
    ),
    SmtpFault(
        "5.2.252-throttled",
        "data",
        "550 5.2.252 Sender throttled due to continuous send as denied errors; STOREDRV.Submission.Exception "
        "[localhost]",
    ),
    SmtpFault("5.2.253", "data", "550 5.2.253 Sender throttled due to continuous invalid license errors [localhost]"),
    SmtpFault(
        "5.2.254", "data", "550 5.2.254 Sender throttled due to continuous too many recipients errors [localhost]"
    ),
    SmtpFault(
        "5.2.255", "data", "550 5.2.255 Sender throttled due to continuous invalid recipients errors [localhost]"
    ),
    SmtpFault(
        "5.2.2",
        "data",
        "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionQuotaExceeded; "
        "Failed to process message due to a permanent exception [localhost]",
    ),
    SmtpFault(
        "5.2.0",
        "data",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a "
        "permanent exception with message The message can't be submitted because the sender's submission quota was "
        "exceeded. [localhost]",
    ),
    SmtpFault(
        "5.1.90",
        "data",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
    ),
    SmtpFault(
        "432 4.3.2",
        "data",
        "432 4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more "
        "information. [Hostname=localhost]",
    ),
    SmtpFault(
        "432 4.3.2-thread",
        "data",
        "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded [Hostname=localhost]",
    ),
    SmtpFault("430 4.2.0", "data", "430 4.2.0 STOREDRV; mailbox logon failure; server busy [localhost]"),
    SmtpFault("421 4.3.2", "connect", "421 4.3.2 Service not available"),
    SmtpFault("421 4.4.1", "mail", "421 4.4.1 Connection timed out"),
    SmtpFault(
        "421 4.4.2", "mail", "421 4.4.2 Message submission rate for this client has exceeded the configured limit"
    ),
    SmtpFault(
        "421 4.7.66",
        "auth",
        "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2. Visit "
        "https://aka.ms/smtp_auth_tls. [localhost]",
    ),
    SmtpFault("451 4.7.0", "mail", "451 4.7.0 Temporary server error. Please try again later. PRX2 [localhost]"),
    SmtpFault("451 4.7.500", "mail", "451 4.7.500 Access denied, please try again later. (AS77711)"),
    SmtpFault("452 4.5.3", "rcpt", "452 4.5.3 Too many recipients"),
    SmtpFault("5.5.3", "rcpt", "550 5.5.3 Too many recipients"),
    SmtpFault("5.3.4", "data", "552 5.3.4 Message size exceeds fixed maximum message size"),
    SmtpFault("5.1.8", "data", "550 5.1.8 Access denied, bad outbound sender AS(42004)"),
    SmtpFault("5.7.501", "data", "550 5.7.501 Access denied, spam abuse detected"),
    SmtpFault("5.7.502", "data", "550 5.7.502 Access denied, banned sender"),
    SmtpFault("5.7.503", "data", "550 5.7.503 Access denied, banned sender"),
    SmtpFault("5.7.705", "data", "550 5.7.705 Access denied, tenant has exceeded threshold"),
    SmtpFault("5.7.708", "data", "550 5.7.708 Access denied, traffic not accepted from this IP"),
    SmtpFault(
        "5.7.750", "data", "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains"
    ),
    SmtpFault(
        "5.7.233",
        "data",
        "550 5.7.233 Your message can't be sent because your tenant exceeded its daily limit "
        "for sending email to external recipients (tenant external recipient rate limit)",
    ),
    SmtpFault(
        "5.7.236",
        "data",
        "550 5.7.236 Your message can't be sent because your organization exceeded the limit "
        "for external recipients from onmicrosoft.com domains",
    ),
    SmtpFault("5.1.10", "rcpt", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found"),
    SmtpFault("5.1.1", "rcpt", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"),
    SmtpFault("5.4.1", "rcpt", "550 5.4.1 Recipient address rejected: Access denied"),
    SmtpFault("5.7.1", "data", "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized"),
    SmtpFault(
        "5.7.124",
        "data",
        "550 5.7.124 RESOLVER.RST.SenderNotInAllowedSenders; sender not in the allowed senders list of the group",
    ),
    SmtpFault(
        "5.7.133", "data", "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; sender not authenticated for group"
    ),
    SmtpFault(
        "5.7.134",
        "data",
        "550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; sender not authenticated for mailbox",
    ),
    SmtpFault(
        "5.7.136", "data", "550 5.7.136 RESOLVER.RST.SenderNotAuthenticatedForMailUser; sender not authenticated"
    ),
    SmtpFault("5.7.509", "data", "550 5.7.509 Access denied, sending domain does not pass DMARC verification"),
    SmtpFault("5.6.11", "data", "550 5.6.11 SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds"),
    SmtpFault("5.1.3", "rcpt", "501 5.1.3 Invalid address"),
    SmtpFault("5.5.4", "ehlo", "501 5.5.4 Invalid domain name"),
    SmtpFault("drop-connect", "connect", ""),
    SmtpFault("drop-starttls", "starttls", ""),
    SmtpFault("drop-after-data", "data", "", accepted=True),
)


def _plain(label: str, places: str, reply: str, *, accepted: bool = False) -> SmtpFault:
    return SmtpFault(label, places, reply, family="mail-server", accepted=accepted)


def _operator(label: str, places: str, reply: str) -> SmtpFault:
    return SmtpFault(label, places, reply, family="operator")


MAIL_SERVER = (
    _plain("535 5.7.8", "auth", "535 5.7.8 Error: authentication failed"),
    _plain("534 5.7.9", "auth", "534 5.7.9 Application-specific password required"),
    _plain("454 4.7.0", "auth", "454 4.7.0 Temporary authentication failure"),
    _plain("530 5.7.0", "mail", "530 5.7.0 Authentication required"),
    _plain("553 5.7.1", "mail", "553 5.7.1 Sender address rejected: not owned by user {user}"),
    _plain("450 4.2.1", "rcpt", "450 4.2.1 The mailbox is busy, try again later"),
    _plain("451 4.7.1", "rcpt", "451 4.7.1 Greylisting in action, please come back later"),
    _plain("452 4.3.1", "mail", "452 4.3.1 Insufficient system storage"),
    _plain("550 5.1.1", "rcpt", "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown"),
    _plain("554 5.7.1", "rcpt", "554 5.7.1 <{recipient}>: Relay access denied"),
    _plain("552 5.2.2", "rcpt", "552 5.2.2 Mailbox full"),
    _plain("552 5.3.4", "data", "552 5.3.4 Message size exceeds fixed limit"),
    _plain("550 5.7.1", "data", "550 5.7.1 Message rejected as spam"),
    _plain("451 4.3.0", "data", "451 4.3.0 Temporary server error"),
    _plain("454 4.7.0-starttls", "starttls", "454 4.7.0 TLS not available due to local problem"),
    _plain("421 4.3.2", "connect", "421 4.3.2 Service not available, closing transmission channel"),
    _plain("421 4.7.0", "mail", "421 4.7.0 Too many messages in this session"),
    _plain("drop-connect", "connect", ""),
    _plain("drop-after-data", "data", "", accepted=True),
)

OPERATOR = (
    _operator("451 4.3.0", "data", "451 4.3.0 Temporary server error"),
    _operator("550 5.7.1", "data", "550 5.7.1 Message rejected"),
    _operator("drop-connect", "connect", ""),
)
