"""What the answers of Microsoft Graph mean: first what only words tell, then codes, then the status alone."""

from __future__ import annotations

from mailsetup.mail_services.hints.catalogue import Rule, graph

_APP_SENDS = {"signs_in": "app"}
_CHALLENGED = ("insufficient_claims",)

_WORDS = (
    Rule("proxy_login", ("graph",), statuses=(407,)),
    graph("answer_lost", "answer_lost"),
    graph("no_fault", statuses=(202,)),
    graph("conditional_access", "insufficient_claims", facts=_APP_SENDS),
    graph("conditional_access", statuses=(403,), says=_CHALLENGED),
    graph("claims_challenge", "insufficient_claims"),
    graph("claims_challenge", says=_CHALLENGED),
    graph("conditional_access", says=("conditional access",)),
    graph(
        "app_limited_to_other_mailboxes",
        says=("access to odata is disabled", "appaccesspolicy", "accesspolicy settings"),
    ),
    graph("mailbox_on_premises", "extensionError"),
    graph("permission_missing", says=("scp or roles claim",)),
)

_CODES = (
    graph("drafts_denied", "ErrorAccessDenied", "AccessDenied", facts={"permission": "Mail.ReadWrite"}),
    graph("alias_denied", "ErrorSendAsDenied", facts={"alias": "yes"}),
    graph("own_address_denied", "ErrorSendAsDenied", own_address=True),
    graph("send_as_denied", "ErrorSendAsDenied"),
    graph("recipient_invalid", "ErrorInvalidRecipients", "ErrorInvalidSmtpAddress", "ErrorInvalidRecipient"),
    graph("message_too_large", "ErrorMessageSizeExceeded", "RequestBodyTooLarge", "requestEntityTooLarge"),
    graph("message_malformed", "ErrorMimeContentInvalidBase64String", "ErrorMimeContentInvalid", confidence="high"),
    graph("message_headers_refused", "InvalidInternetMessageHeader", "InvalidInternetMessageHeaderCollection"),
    graph("attachment_too_small_for_upload", "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
    graph("mailbox_unknown", "ErrorInvalidUser", "ErrorNonExistentMailbox", "ErrorMailRecipientNotFound"),
    graph(
        "mailbox_missing", "MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorMissingEmailAddress"
    ),
    graph("account_disabled", "ErrorAccountDisabled"),
    graph("password_changed", "ErrorPasswordExpired"),
    graph("exchange_not_in_tenant", "OrganizationFromTenantGuidNotFound"),
    graph("mailbox_without_licence", "ErrorInvalidLicense"),
    graph("mailbox_blocked", "ErrorAccountSuspend", "ErrorAccountSuspendShowTierUpgrade"),
    graph("mailbox_blocked", "ErrorMessageSubmissionBlocked", "ErrorMessageBlocked"),
    graph("sending_limit_reached", "ErrorExceededMessageLimit", "ErrorExceededHourlyMessageLimit"),
    graph("sending_limit_reached", "ErrorExceededMaxRecipientLimit", "ErrorSubmissionQuotaExceeded"),
    graph("mailbox_full", "ErrorQuotaExceeded", "quotaLimitReached"),
    graph("mailbox_moving", "ErrorMailboxMoveInProgress", "ErrorMailboxFailover", "ErrorMailboxStoreUnavailable"),
    graph("mailbox_moving", "ErrorConnectionFailed", "MailboxInfoStale"),
    graph("draft_gone", "ErrorItemNotFound"),
    graph("draft_changed", "ErrorIrresolvableConflict", "resourceModified"),
    graph("throttled", "ApplicationThrottled", "TooManyRequests", "activityLimitReached", "ErrorTooManyRequests"),
    graph("throttled", "bandwidthLimitExceeded"),
    graph("mailbox_unknown", "ResourceNotFound", "Request_ResourceNotFound"),
    graph("directory_closed", "Authorization_RequestDenied"),
    graph("graph_access_denied", "ErrorAccessDenied", "AccessDenied"),
    graph("token_expired", "InvalidAuthenticationToken", says=("token has expired", "token is expired")),
    graph("our_clock_wrong", "InvalidAuthenticationToken", says=("not yet valid", "not valid yet")),
    graph("token_refused", "InvalidAuthenticationToken", "Authorization_IdentityNotFound"),
    graph("mailbox_closed_to_apps", "unauthenticated", "TokenNotFound"),
    graph("graph_unavailable", "ErrorInternalServerError", "ErrorInternalServerTransientError", "ErrorServerBusy"),
    graph("graph_unavailable", "ErrorMessageTransientError", "ErrorTimeoutExpired", "ErrorServerUnavailable"),
    graph("graph_unavailable", "ServiceUnavailable", "serviceNotAvailable", "generalException", statuses=(500, 503)),
)

_STATUSES = (
    graph("message_too_large", statuses=(413,)),
    graph("throttled", statuses=(429, 509)),
    graph("graph_access_denied", statuses=(403,), confidence="medium"),
    graph("mailbox_closed_to_apps", statuses=(401,)),
    graph("graph_access_denied", "Forbidden", confidence="medium"),
    graph("mailbox_unknown", statuses=(404,), confidence="medium"),
    graph("mailbox_full", statuses=(507,)),
    graph("answer_lost", statuses=(502, 504)),
    graph("graph_unavailable", statuses=(500, 503)),
    graph("draft_changed", statuses=(409, 412), confidence="medium"),
    # One odd mail must not stop all others, so a 400 that we do not know ends the mail.
    graph("message_malformed", statuses=(400,)),
    graph("graph_unavailable", "ServiceUnavailable", "serviceNotAvailable", "generalException", "UnknownError"),
    graph("message_malformed", "BadRequest", "RequestBodyRead", "invalidRequest", "ErrorInvalidRequest"),
    Rule("graph_refused", ("graph",)),
)
RULES = (*_WORDS, *_CODES, *_STATUSES)
