"""Errors of Graph when mail is sent.

Codes: https://learn.microsoft.com/graph/errors and the Exchange response codes it passes on.
"""

from __future__ import annotations

from mailsetup.sandbox.faults import GraphFault

_CHALLENGE = (
    'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", '
    'client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", '
    'claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTc5NTI0NjQwMCJ9fX0="'
)
_GATEWAY = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"
_WAIT = {"Retry-After": "10"}

_REQUEST = (
    GraphFault("ErrorInvalidRecipients", 400, "At least one recipient is not valid."),
    GraphFault("ErrorMimeContentInvalidBase64String", 400, "Invalid base64 string for MIME content."),
    GraphFault("ErrorMimeContentInvalid", 400, "The MIME content is invalid."),
    GraphFault(
        "InvalidInternetMessageHeader",
        400,
        "The internet message header name 'List-Unsubscribe' should start with 'x-' or 'X-'.",
    ),
    GraphFault(
        "InvalidInternetMessageHeaderCollection",
        400,
        "Maximum number of headers in one message should be less than or equal to 5.",
    ),
    GraphFault("BadRequest", 400, "/me request is only valid with delegated authentication flow.", places="send me"),
    GraphFault("RequestBodyRead", 400, "The property 'mesage' does not exist on type 'Microsoft.OutlookServices'."),
    GraphFault("invalidRequest", 400, "Invalid request."),
    GraphFault("ErrorInvalidRequest", 400, "The request is invalid."),
    GraphFault("ErrorInvalidUser", 400, "The requested user '{user}' is invalid."),
    GraphFault("ErrorInvalidUser", 404, "The requested user '{user}' is invalid.", label="404-ErrorInvalidUser"),
    GraphFault("ErrorMessageSizeExceeded", 400, "The message exceeds the maximum supported size."),
    GraphFault(
        "ErrorMessageSizeExceeded",
        413,
        "The message exceeds the maximum supported size.",
        label="413-ErrorMessageSizeExceeded",
    ),
    GraphFault("RequestBodyTooLarge", 413, "The request body is too large."),
    GraphFault(
        "requestEntityTooLarge",
        413,
        label="413-html",
        body=_GATEWAY.format("413 Request Entity Too Large"),
    ),
    GraphFault(
        "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
        400,
        "Attachment size must be greater than the minimum size.",
    ),
)

_TOKEN = (
    GraphFault("InvalidAuthenticationToken", 401, "Access token has expired or is not yet valid.", places="send me"),
    GraphFault(
        "InvalidAuthenticationToken",
        401,
        "Access token validation failure. Invalid audience.",
        label="invalid-audience",
        places="send me",
    ),
    GraphFault(
        "InvalidAuthenticationToken",
        401,
        "CompactToken parsing failed with error code: 80049217",
        label="malformed-token",
        places="send me",
    ),
    GraphFault(
        "InvalidAuthenticationToken",
        401,
        "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: "
        "TokenIssuedBeforeRevocationTimestamp",
        headers={"WWW-Authenticate": _CHALLENGE},
        label="insufficient_claims",
        places="send me",
    ),
    GraphFault("unauthenticated", 401, "The caller is not authenticated.", places="send me"),
    GraphFault("TokenNotFound", 401, "User not found in token store.", places="send me"),
    GraphFault("", 401, label="401-empty", body="", places="send me"),
)

_REFUSED = (
    GraphFault("ErrorAccessDenied", 403, "Access is denied. Check credentials and try again."),
    GraphFault(
        "ErrorAccessDenied",
        403,
        "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly AccessPolicy settings.",
        label="access-policy",
    ),
    GraphFault(
        "Authorization_RequestDenied", 403, "Insufficient privileges to complete the operation.", places="send me"
    ),
    GraphFault(
        "ErrorSendAsDenied",
        403,
        "The user account which was used to submit this request does not have the right to send mail on behalf of "
        "the specified sending account., Cannot submit message.",
    ),
    GraphFault(
        "ErrorAccountSuspend", 403, "Account suspended. Follow the instructions in your Inbox to verify your account."
    ),
    GraphFault("ErrorAccountSuspendShowTierUpgrade", 403, "Account suspended. Verify your account to send mail."),
    GraphFault(
        "ErrorMessageSubmissionBlocked", 403, "Message submission is blocked. The account sent suspicious messages."
    ),
    GraphFault("ErrorMessageBlocked", 403, "The message was blocked because it contains suspicious content."),
    GraphFault("AccessDenied", 403, "Access has been blocked by Conditional Access policies.", places="send me"),
    GraphFault(
        "AccessDenied",
        403,
        "Access has been blocked by Conditional Access policies.",
        headers={"WWW-Authenticate": _CHALLENGE},
        label="403-insufficient_claims",
        places="send me",
    ),
    GraphFault(
        "ErrorExceededMessageLimit",
        403,
        "The message can't be sent because the daily message limit has been exceeded. Verify your account.",
    ),
    GraphFault("ErrorExceededHourlyMessageLimit", 429, "The hourly message limit has been exceeded."),
    GraphFault("ErrorExceededMaxRecipientLimit", 400, "The daily recipient limit has been exceeded."),
    GraphFault("ErrorQuotaExceeded", 403, "The mailbox has exceeded its storage quota, Cannot save the message."),
    GraphFault("quotaLimitReached", 507, "The quota limit has been reached."),
    GraphFault("ErrorSubmissionQuotaExceeded", 429, "The message can't be sent: the submission quota was exceeded."),
    GraphFault("ErrorInvalidLicense", 403, "The user does not have a valid license.", places="send me"),
)

_MISSING = (
    GraphFault(
        "MailboxNotEnabledForRESTAPI", 404, "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    ),
    GraphFault("ResourceNotFound", 404, "Resource could not be discovered.", places="send me"),
    GraphFault(
        "Request_ResourceNotFound",
        404,
        "Resource '{user}' does not exist or one of its queried reference-property objects are not present.",
        places="send me",
    ),
    GraphFault("ErrorNonExistentMailbox", 404, "The SMTP address has no mailbox associated with it."),
    GraphFault("ErrorMailRecipientNotFound", 404, "The mail recipient could not be found."),
    GraphFault("ErrorItemNotFound", 404, "The specified object was not found in the store."),
    GraphFault("extensionError", 404, "Operation: Read; Exception: the mailbox is hosted on-premises."),
)

_LATER = (
    GraphFault(
        "ErrorIrresolvableConflict",
        409,
        "The send or update operation could not be performed because the "
        "change key passed in the request does not match the current change key for the item.",
    ),
    GraphFault("resourceModified", 412, "The resource has changed since it was last read."),
    GraphFault("ErrorMailboxMoveInProgress", 503, "Mailbox move in progress. Try again later.", _WAIT),
    GraphFault("ErrorMailboxFailover", 503, "The mailbox is failing over. Try again later."),
    GraphFault("ErrorMailboxStoreUnavailable", 503, "The mailbox database is temporarily unavailable."),
    GraphFault("ErrorConnectionFailed", 503, "The connection to the mailbox failed. Try again later."),
    GraphFault("ApplicationThrottled", 429, "Application is over its MailboxConcurrency limit.", {"Retry-After": "1"}),
    GraphFault("TooManyRequests", 429, "Too many requests.", _WAIT, places="send me"),
    GraphFault("activityLimitReached", 429, "The app or user has been throttled.", _WAIT, places="send me"),
    GraphFault("ErrorTooManyRequests", 429, "Too many requests. Try again later.", _WAIT),
    GraphFault("ErrorInternalServerError", 500, "An internal server error occurred. The operation failed."),
    GraphFault("ErrorInternalServerTransientError", 500, "A transient internal server error occurred. Try again."),
    GraphFault("generalException", 500, "An unspecified error has occurred.", places="send me"),
    GraphFault("UnknownError", 500, "", places="send me"),
    GraphFault("UnknownError", 502, "", label="502", places="send me"),
    GraphFault("UnknownError", 504, "", label="504", places="send me"),
    GraphFault("", 504, label="504-accepted", body="", accepted=True),
    GraphFault("", 502, label="502-html", body=_GATEWAY.format("502 Bad Gateway"), places="send me"),
    GraphFault("ServiceUnavailable", 503, "The service is temporarily unavailable.", _WAIT, places="send me"),
    GraphFault("serviceNotAvailable", 503, "The service is not available. Try again later.", _WAIT, places="send me"),
    GraphFault("ErrorServerBusy", 503, "The server cannot service this request right now. Try again later.", _WAIT),
    GraphFault("bandwidthLimitExceeded", 509, "The bandwidth limit has been exceeded.", _WAIT, label="509"),
)

# Answers of what stands between us and Microsoft.
_BETWEEN = (
    GraphFault(
        "",
        403,
        label="proxy-page",
        body="<html><head><title>Web Gateway</title></head><body>Blocked by your security policy.</body></html>",
        places="send me",
    ),
    GraphFault(
        "",
        200,
        label="captive-page",
        body="<html><head><title>Guest Wi-Fi</title></head><body>Accept the terms of use to go on.</body></html>",
        places="send me",
    ),
    GraphFault("", 407, label="407", body=_GATEWAY.format("407 Proxy Authentication Required"), places="send me"),
)

GRAPH = (*_REQUEST, *_TOKEN, *_REFUSED, *_MISSING, *_LATER, *_BETWEEN)
