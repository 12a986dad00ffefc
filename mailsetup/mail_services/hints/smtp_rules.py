"""What SMTP replies mean: Exchange Online, other providers, then RFC 5321, 3463 and 4954 in general."""

from __future__ import annotations

from mailsetup.mail_services.hints.catalogue import Rule, smtp
from mailsetup.mail_services.hints.providers import LOGIN_RULES, PERSONAL_OUTLOOK

_AUTH, _SENDER, _RCPT, _END = ("authenticate",), ("sender",), ("recipient",), ("accept",)
_BEFORE = ("connect", "tls")
_EXCHANGE = ("office365.com", "office365.us", "partner.outlook.cn", "outlook.com", "outlook.office.com")
_NO_SENDER_DOMAIN = ("sender address rejected: domain not found", "domain of sender address")
_NOT_RECIPIENT = ("", "connect", "tls", "authenticate", "sender", "accept")
_MICROSOFT_SAID = ("prod.outlook.com", "smtpclientauthentication", "aka.ms/", ".office365.com", "storedrv")
_FULL = ("quota exceeded", "over quota", "mailbox full", "mailbox is full", "out of storage", "exceeded storage")
_ACCOUNT_STOPPED = (
    *("account is suspended", "account has been suspended", "account suspended", "account was suspended"),
    *("account has been blocked", "account is blocked", "account blocked", "account has been disabled"),
    *("account is disabled", "account disabled", "account is not active", "not yet activated", "sending paused"),
    *("sending has been", "sending is suspended", "unusual sending activity", "suspicious activity"),
    *("outgoing mail from", "account has been deactivated", "account is under review"),
)
_ACCESS_OFF = (
    *("access is disabled", "access disabled", "smtp is disabled", "smtp service is disabled", "smtp access"),
    *("imap/smtp", "does not have access rights to this service", "user has no permission", "smtp is not enabled"),
    *("smtp authentication is disabled", "authentication is disabled for", "not enabled for smtp"),
)

_FIRST = (
    smtp("no_fault", "2", "354"),
    smtp("helo_refused", "5", says=("helo command rejected", "invalid helo", "invalid ehlo", "helo name", "bad helo")),
    smtp("relay_denied", "454", "4.7.1", says=("relay access denied",)),
    smtp("bad_line_ends", "4", "5", says=("smtplf.html", "bare lf", "bare linefeed", "bare newline", "bare cr")),
    smtp("sender_domain_unknown", "5", says=_NO_SENDER_DOMAIN),
    # Postfix says 450 to a domain that has never been, as to one that cannot be looked up just now.
    smtp("sender_domain_unknown", "4", says=_NO_SENDER_DOMAIN, confidence="medium"),
    smtp("our_ip_blocked", "4", "5", says=("cannot find your", "reverse dns", "ptr record"), confidence="medium"),
)

_EXCHANGE_LOGIN = (
    smtp("outlook_com_needs_oauth", "5.7.139", hosts=PERSONAL_OUTLOOK, says=("basic authentication is disabled",)),
    smtp("smtp_auth_off_tenant", "5", says=("disabled for the tenant",)),
    smtp("smtp_auth_off_mailbox", "5", says=("disabled for the mailbox",)),
    smtp("security_defaults", "5.7.139", says=("security defaults",)),
    smtp("basic_auth_retired", "5", says=("basic authentication is disabled", "basic authentication is not supported")),
    smtp("basic_auth_retired", "5.7.30"),
    smtp("smtp_auth_off", "535", says=("smtpclientauthentication is disabled", "aka.ms/smtp_auth_disabled")),
    smtp("password_changed", "5.7.139", says=("password has expired", "password is expired", "password expired")),
    smtp("account_locked", "5.7.139", says=("locked",)),
    smtp("account_disabled", "5.7.139", says=("account is disabled", "account has been disabled")),
    smtp("exchange_password_wrong", "5.7.139", says=("credentials were incorrect",)),
    smtp("smtp_policy_blocks", "5.7.139", says=("did not meet the criteria", "conditional access", "policy")),
    smtp("smtp_login_blocked", "5.7.139"),
    smtp("our_tls_too_old", "421 4.7.66"),
    smtp("our_tls_too_old", "4", "5", says=("tls 1.0 and 1.1 are not supported", "aka.ms/smtp_auth_tls")),
)

_GOOGLE = (
    smtp("gmail_browser_sign_in", "534 5.7.14"),
    smtp("gmail_browser_sign_in", "534", "535", says=("log in via your web browser", "weblogin")),
    smtp("gmail_login", "534 5.7.9", says=("google", "gsmtp")),
    smtp("app_password_needed", "534 5.7.9"),
    smtp("provider_daily_limit", "5.4.5"),
    smtp("relay_not_registered", "5.7.1", says=("invalid credentials for relay",)),
    smtp("provider_slow_down", "4.2.1", says=("relay limit exceeded", "receiving mail at a rate", "rate limit")),
    smtp("provider_slow_down", "4.7.28"),
    smtp("sender_unauthenticated", "5.7.25-30", "4.7.26"),
)

_LOGIN = (
    smtp("our_address_not_listed", "525"),
    smtp("our_address_not_listed", "5", says=("unauthorized ip", "ip address is not authorized", "ip not allowed")),
    smtp("our_address_not_listed", "5", says=("not whitelisted", "not allowlisted", "not in the whitelist")),
    smtp(
        "our_address_not_listed", "5", says=("ip address is not allowed", "ip is not allowed", "not an authorized ip")
    ),
    smtp("account_locked", "535", says=("account is locked", "account has been locked"), hosts=_EXCHANGE),
    smtp("oauth_login_refused", "535", logins=("XOAUTH2",)),
    smtp("provider_account_blocked", "4", "5", says=_ACCOUNT_STOPPED, stages=_NOT_RECIPIENT),
    smtp("smtp_access_off", "5", says=_ACCESS_OFF, stages=_NOT_RECIPIENT),
    smtp("login_not_offered", "5", says=("invalid authentication mechanism", "unsupported authentication mech")),
    smtp("login_not_offered", "5", says=("mechanism not supported", "mechanism is not supported")),
    *LOGIN_RULES,
    smtp("exchange_login_refused", "535 5.7.3"),
    smtp("exchange_login_refused", "535", hosts=_EXCHANGE),
    smtp("exchange_login_refused", "535", says=_MICROSOFT_SAID),
    smtp("login_attempts_exceeded", "535", says=("too many", "has been locked", "is locked", "temporarily blocked")),
    smtp("app_password_needed", "534"),
    smtp(
        "app_password_needed",
        "535",
        says=("application-specific", "app-specific", "app password", "application specific", "application password"),
    ),
    smtp(
        "app_password_needed",
        "5",
        says=("authorization code to log", "use authorized code", "parol prilozheniya", "app passcode"),
    ),
    smtp(
        "too_many_connections",
        "432",
        "421",
        says=("concurrent", "connection limit", "thread limit", "many connections"),
    ),
    smtp("provider_daily_limit", "454", says=("daily message quota", "daily sending quota", "daily quota")),
    smtp("provider_slow_down", "454", says=("throttling", "maximum sending rate", "sending rate")),
    smtp("tls_not_now", "454", says=("tls",)),
    smtp("tls_not_now", "454", stages=("tls",)),
    smtp("login_temporarily_refused", "454"),
    smtp(
        "login_temporarily_refused",
        "4",
        says=("too many login", "authentication failure", "authentication is temporarily"),
    ),
    smtp("login_temporarily_refused", "432", "421", "451", stages=_AUTH),
    smtp("starttls_required", "530", "538", "451 5.7.3", says=("starttls", "encryption", "tls")),
    smtp("starttls_required", "538", "451 5.7.3", "5.7.10", "5.7.11"),
    smtp("login_required", "530"),
    smtp("login_not_offered", "504"),
    smtp("login_not_offered", "502", "503", "500", stages=_AUTH),
    smtp("login_not_offered", "5", says=("unrecognized authentication type", "authentication not enabled")),
    smtp("login_not_offered", "5", says=("when not advertised", "auth not available", "auth command is not")),
    smtp("exchange_login_refused", "5.7.3", stages=_AUTH),
    smtp("password_wrong", "535"),
    smtp("password_wrong", "5.7.8"),
    smtp(
        "password_wrong",
        "5",
        says=("authentication failure", "authentication failed", "bad credentials", "login denied"),
    ),
    smtp("password_wrong", "5", says=("invalid credentials", "incorrect password", "login incorrect", "login failed")),
)

_ALIAS = {"alias": "yes"}
_SEND_AS = (
    smtp("sender_penalty_full", "5.2.251"),
    smtp("sender_penalty", "5.2.252", says=("throttled", "continuous")),
    smtp("alias_denied", "5.7.60", "5.2.252", facts=_ALIAS),
    smtp("own_address_denied", "5.7.60", "5.2.252", own_address=True),
    smtp("smtp_send_as_denied", "5.7.60", "5.2.252"),
    smtp("sender_penalty", "5.2.253"),
    smtp("sender_penalty_recipients", "5.2.254", "5.2.255"),
    smtp("alias_denied", "5", says=("sendasdenied", "permissions to send as"), facts=_ALIAS),
    smtp("own_address_denied", "5", says=("sendasdenied", "permissions to send as"), own_address=True),
    smtp("smtp_send_as_denied", "5", says=("sendasdenied", "permissions to send as")),
    smtp("relay_denied", "5", says=("relaying disallowed", "relay access denied"), stages=_RCPT),
    smtp(
        "sender_not_allowed",
        "5",
        says=(
            "not owned by user",
            "not allowed to send as",
            "not authorised to send from",
            "not authorized to send from",
            "sender address is not allowed",
            "from address is not one of your",
            "relaying disallowed as",
            "sender is not authorized",
            "sender verify failed",
            "from header sender",
            "sender address rejected: not logged in",
            "does not match authenticated",
            "must match authenticated",
            "is not authorized to perform",
        ),
    ),
    smtp(
        "sender_domain_unverified",
        "5",
        says=(
            "not verified",
            "not a verified",
            "verified sender",
            "unverified",
            "not confirmed",
            "unconfigured sending",
            "sender signature",
            "not been validated",
            "sender not validated",
            "not validated",
            "from not verified",
            "sender you used",
            "validate your sender",
        ),
    ),
    smtp("provider_daily_limit", "4", "5", says=("to send: recipient limit", "to send: message limit")),
    smtp("sending_domain_disabled", "5", "421", says=("is not allowed to send", "domain is disabled")),
    smtp("sending_domain_disabled", "5", says=("sandbox subdomains", "pending approval")),
)

_LIMITS = (
    smtp("onmicrosoft_limit", "5.7.236"),
    smtp("tenant_recipient_limit", "5.7.232-235"),
    smtp("sending_limit_reached", "5.1.90"),
    smtp("sending_limit_reached", "5", "4", says=("submissionquotaexceeded", "submission quota")),
    smtp("mailbox_full", "554 5.2.2", says=("quotaexceeded", "mailbox full", "storedrv")),
    smtp("provider_credits_used_up", "4", "5", says=("credits exceeded", "out of credits", "messaging limits")),
    smtp(
        "provider_daily_limit",
        "4",
        "5",
        says=(
            "daily user sending",
            "daily sending",
            "daily limit",
            "daily quota",
            "sending quota",
            "sending limit",
            "quota exceeded for sender",
            "message quota",
            "hourly limit",
            "mails per hour",
            "messages per hour",
            "emails per hour",
            "failures per hour",
            "hourly message",
            "hourly sending",
            "send limit",
            "exceeded the daily",
            "exceeded your daily",
        ),
    ),
    smtp("suspicious_traffic", "4.7.500-699"),
    smtp("provider_slow_down", "4", says=("throttl", "rate limit", "sending rate", "too many messages", "slow down")),
    smtp("provider_slow_down", "4", says=("submission rate", "too many emails", "unusual rate", "too quickly")),
    smtp(
        "provider_slow_down", "4", says=("too much mail", "too many auth", "unexpected volume", "temporarily deferred")
    ),
)

_BLOCKED = (
    smtp("mailbox_blocked", "5.1.8"),
    smtp("mailbox_blocked", "5", says=("bad outbound sender", "as(42004)")),
    smtp("sender_banned", "5.7.501-504"),
    smtp("dmarc_failed", "5.7.509"),
    smtp("our_ip_blocked", "5.7.511", "5.7.606-649"),
    smtp("domain_not_registered", "5.7.750"),
    smtp("tenant_blocked", "5.7.700-749"),
    smtp("sender_unauthenticated", "5.7.23", "5.7.515"),
    smtp(
        "sender_unauthenticated", "5", says=("spf check", "spf fail", "failed spf", "dmarc", "dkim", "spf validation")
    ),
    smtp(
        "our_ip_blocked",
        "5",
        "4",
        says=("blocked using", "spamhaus", "blocklist", "blacklist", "block list", "banned sending ip"),
    ),
    smtp("our_ip_blocked", "5", "4", says=("black list", "block-list", "ipcheck.proofpoint", "ip reputation")),
    smtp(
        "our_ip_blocked", "5", says=("client host rejected", "bad reputation", "poor reputation"), stages=(*_BEFORE, "")
    ),
)

_SIZE = (
    smtp("message_too_large", "552 5.3.4", "552 5.2.3", "523", "5.3.4", "5.2.3"),
    smtp(
        "message_too_large",
        "5",
        says=("message size exceeds", "message too large", "too big", "size limit", "message is too large"),
    ),
    smtp("recipients_in_parts", "452 4.5.3"),
    smtp("too_many_recipients", "5.5.3"),
    smtp("too_many_recipients", "5", says=("too many recipients", "maximum number of recipients")),
)

_RECIPIENT = (
    smtp("forwarding_blocked", "5", says=("external forwarding",)),
    smtp("recipient_refuses_sender", "5.7.123-136"),
    smtp("recipient_refuses_sender", "5", says=("resolver.rst",)),
    smtp("greylisted", "4", says=("greylist", "graylist", "grey-list")),
    smtp("recipient_mailbox_over_quota", "552", stages=_RCPT, says=_FULL),
    smtp("recipient_mailbox_over_quota", "5.2.2"),
    smtp("recipient_mailbox_over_quota", "5", says=_FULL),
    smtp("recipient_mailbox_full", "4.2.2"),
    smtp("recipient_mailbox_full", "4", says=_FULL),
    smtp("greylisted", "45", stages=_RCPT),
    smtp("recipient_unknown", "552", says=("mailbox not found",)),
    smtp("recipient_mailbox_over_quota", "552", stages=_RCPT),
    smtp("message_too_large", "552", stages=("sender", "accept")),
    smtp("relay_denied", "5.7.54", "5.7.64"),
    smtp(
        "relay_denied",
        "5",
        says=(
            "relay access denied",
            "relaying denied",
            "unable to relay",
            "relay not permitted",
            "not permitted to relay",
            "rcpthosts",
        ),
    ),
    smtp("relay_denied", "5", stages=_RCPT, says=("relay", "authenti", "log in first", "login first")),
    smtp("recipient_mailbox_disabled", "5.2.1"),
    smtp("recipient_domain_unknown", "5.1.2", "5.4.4", "5.4.310"),
    smtp("recipient_domain_unknown", "5", says=("unrouteable address", "unroutable address", "unrouteable domain")),
    smtp("address_malformed", "5", says=("contains control or whitespace", "bad address syntax", "malformed address")),
    smtp("address_malformed", "501 5.1.3", "5.1.3"),
    smtp("recipient_unknown", "5.1.1", "5.1.10", "5.1.6", "5.1.0", "5.4.1", stages=(*_RCPT, *_END, "")),
    smtp(
        "recipient_unknown",
        "5",
        stages=_RCPT,
        says=("unknown", "no such", "not found", "does not exist", "invalid user", "invalid recipient"),
    ),
    smtp(
        "recipient_unknown",
        "5",
        says=(
            "user unknown",
            "no such user",
            "mailbox unavailable",
            "recipnotfound",
            "recipientnotfound",
            "nosuchuser",
            "user not found",
            "mailbox not found",
            "no such mailbox",
            "no mailbox here",
            "unknown user",
            "unknown recipient",
            "address does not exist",
            "you tried to reach does not exist",
            "this user doesn't have a",
        ),
    ),
    smtp("mail_loop", "5.4.6", "5.4.14"),
    smtp("recipient_server_silent", "5.4.300-318", "5.4.7", "4.4.7"),
    smtp("recipient_refused", "5", stages=_RCPT),
)

_CONVERSATION = (
    smtp("helo_refused", "5", stages=_BEFORE, says=("helo", "ehlo", "domain name", "hostname")),
    smtp("helo_refused", "501 5.5.4", "504 5.5.2", says=("domain name", "helo", "ehlo", "hostname", "fully-qualified")),
    smtp("needs_smtputf8", "5.6.7"),
    smtp("bad_line_ends", "5.6.11"),
    smtp("login_required", "5.7.57"),
    smtp(
        "login_required",
        "5",
        says=("client was not authenticated", "authentication required", "authentication is required"),
    ),
    smtp(
        "login_required",
        "5",
        says=("smtp authentication", "must authenticate", "please authenticate", "authenticate first"),
    ),
    smtp("login_required", "5", says=("unauthenticated sender",)),
    smtp("login_required", "5", stages=_SENDER, says=("authenti",)),
    smtp("sender_not_allowed", "553", stages=_SENDER),
    smtp("sender_not_allowed", "553", says=("sender", "from")),
    smtp("sender_not_allowed", "551", "5.1.7"),
    smtp("smtp_protocol_fault", "5.5.1", "5.5.2", "5.5.4", "5.5.6"),
    smtp("smtp_protocol_fault", "500", "502", "503"),
    smtp("smtp_protocol_fault", "5", says=("synchronization error", "command pipelining")),
    smtp("content_refused", "5.6", "5.7.1", stages=(*_END, "")),
    smtp("content_refused", "5", says=("spam", "virus", "malware", "content rejected", "because its content")),
    smtp("content_refused", "5", says=("policy reasons", "policy violation", "policy rejection", "message filtered")),
    smtp("content_refused", "5", says=("administrative prohibition", "message rejected", "message blocked")),
    smtp("content_refused", "5", stages=_END),
    smtp("server_busy", "4"),
    smtp("smtp_refused", "5"),
    Rule("login_not_offered", ("smtp_exception",), codes=("login_not_offered",)),
    Rule("password_wrong", ("smtp_exception",), codes=("login_failed",), confidence="low"),
)
RULES = (
    *_FIRST,
    *_EXCHANGE_LOGIN,
    *_GOOGLE,
    *_LOGIN,
    *_SEND_AS,
    *_LIMITS,
    *_BLOCKED,
    *_SIZE,
    *_RECIPIENT,
    *_CONVERSATION,
)
