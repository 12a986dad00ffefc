"""AADSTS errors about people, second factors, Conditional Access, tokens, and the service itself.

Numbers and words: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from mailsetup.sandbox.faults import Aadsts

_USER = "token:code token:refresh callback"
_REFRESH = "token:code token:refresh"


def _page(number: int, text: str, error: str = "invalid_grant") -> Aadsts:
    return Aadsts(number, error, text, places="page token:code token:refresh")


def _sign_in(number: int, text: str, suberror: str = "basic_action", *, claims: bool = True) -> Aadsts:
    return Aadsts(number, "invalid_grant", text, places=_USER, suberror=suberror, claims=claims)


def _policy(number: int, text: str, suberror: str = "message_only", *, claims: bool = False) -> Aadsts:
    return Aadsts(number, "invalid_grant", text, places="token callback", suberror=suberror, claims=claims)


def _grant(number: int, text: str, suberror: str = "") -> Aadsts:
    return Aadsts(number, "invalid_grant", text, places=_REFRESH, suberror=suberror)


def _busy(number: int, text: str, error: str = "temporarily_unavailable", status: int = 503) -> Aadsts:
    return Aadsts(number, error, text, places="token callback", status=status)


_ACCOUNT = (
    _page(
        50034,
        "The user account {user} does not exist in the {directory} directory. To sign into this application, the "
        "account must be added to the directory.",
    ),
    _page(
        50020,
        "User account '{user}' from identity provider '{issuer}' does not exist in tenant '{directory}' and cannot "
        "access the application '{client_id}'({app_name}) in that tenant. The account needs to be added as an "
        "external user in the tenant first. Sign out and sign in again with a different Azure Active Directory user "
        "account.",
    ),
    _page(
        16000,
        "Either multiple user identities are available for the current request or selected account is not "
        "supported for the scenario.",
        "interaction_required",
    ),
    _page(
        51004,
        "The user account {user} does not exist in the {tenant_id} directory. To sign into this application, "
        "the account must be added to the directory.",
    ),
    _page(50014, "The user's redemption is in a pending state. The guest user account is not fully created yet."),
    _page(
        90072,
        "User account '{user}' from identity provider '{issuer}' does not exist in tenant '{directory}' and cannot "
        "access the application '{client_id}'({app_name}) in that tenant. The account needs to be added as an "
        "external user in the tenant first.",
    ),
    _page(500208, "The domain is not a valid login domain for the account type."),
    _page(50126, "Error validating credentials due to invalid username or password."),
    _page(
        50053, "The account is locked, you've tried to sign in too many times with an incorrect user ID or password."
    ),
    _page(50055, "The password is expired."),
    _page(
        50144,
        "The user's Active Directory password has expired. Generate a new password for the user or have the "
        "user use the self-service reset tool to reset their password.",
    ),
    _page(50056, "Invalid or null password: password does not exist in the directory for this user."),
    _page(50057, "The user account is disabled."),
    Aadsts(
        50058,
        "login_required",
        "A silent sign-in request was sent but no user is signed in.",
        places="callback",
    ),
)

_SECOND_FACTOR = (
    _sign_in(
        50072,
        "Due to a configuration change made by your administrator, or because you moved to a new "
        "location, you must enroll in multi-factor authentication to access '{resource_id}'.",
    ),
    _sign_in(50074, "Strong Authentication is required."),
    _sign_in(
        50076,
        "Due to a configuration change made by your administrator, or because you moved to a new "
        "location, you must use multi-factor authentication to access '{resource_id}'.",
    ),
    _sign_in(
        50078,
        "Presented multi-factor authentication has expired due to policies configured by your "
        "administrator, you must refresh your multi-factor authentication to access '{resource_id}'.",
    ),
    _sign_in(
        50079,
        "Due to a configuration change made by your administrator, or because you moved to a new "
        "location, you must enroll in multi-factor authentication to access '{resource_id}'.",
    ),
    _page(500121, "Authentication failed during strong authentication request."),
    _sign_in(
        50158,
        "External security challenge not satisfied. User will be redirected to another page or "
        "authentication provider to satisfy additional authentication challenges.",
    ),
    _page(50161, "Claims sent by external provider is not enough. Missing claim requested to external provider."),
    _sign_in(50097, "Device authentication is required.", "additional_action"),
    _sign_in(
        50129, "Device is not Workplace joined. Workplace join is required to register the device.", "additional_action"
    ),
    _sign_in(50187, "Failed to perform device authentication.", "device_authentication_failed"),
    _sign_in(50155, "Device authentication failed for this user.", "device_authentication_failed"),
    _page(
        50140,
        "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
        "interaction_required",
    ),
    _page(
        50199,
        "For security reasons, user confirmation is required for this request. Please repeat the request "
        "allowing user interaction.",
        "interaction_required",
    ),
    _page(
        50125, "Sign-in was interrupted due to a password reset or password registration entry.", "interaction_required"
    ),
    _page(50135, "Password change is required due to account risk.", "interaction_required"),
    _page(50177, "External challenge is not supported for passthrough users."),
    _page(50178, "Session Control is not supported for passthrough users."),
)

_CONDITIONAL_ACCESS = (
    _policy(53000, "Your device is required to be managed to access this resource.", "additional_action", claims=True),
    _policy(
        53001, "Your device is required to be domain joined to access this resource.", "additional_action", claims=True
    ),
    _policy(
        53002,
        "Application used is not an approved application for Conditional Access.",
        "additional_action",
        claims=True,
    ),
    _policy(
        53003,
        "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        claims=True,
    ),
    _policy(
        53004,
        "User needs to complete Multi-factor authentication registration process before accessing this "
        "content. User should register for multi-factor authentication.",
    ),
    _policy(
        53010,
        "Cannot configure multi-factor authentication methods because the organization requires this "
        "information to be set from specific locations or devices.",
    ),
    _policy(53011, "User blocked due to risk on home tenant."),
    _policy(530032, "User blocked due to risk: access has been blocked by the tenant's security policy."),
    _policy(
        530034,
        "A delegated administrator was blocked from accessing the tenant due to account risk in their home tenant.",
    ),
    _policy(
        530035,
        "Access has been blocked by security defaults. This is due to the request using legacy auth or "
        "being deemed unsafe by security defaults policies.",
    ),
    _policy(
        50131,
        "Device is not in required device state: known. Or, the request was blocked due to suspicious "
        "activity, access policy, or security policy decisions.",
    ),
    _page(
        500212,
        "The user's administrator has set an outbound access policy that does not allow access to the resource tenant.",
        "access_denied",
    ),
    _page(
        500213,
        "The resource tenant's cross-tenant access policy does not allow this user to access this tenant.",
        "access_denied",
    ),
    _page(500021, "Access to '{directory}' tenant is denied.", "access_denied"),
    _page(500022, "Access to '{directory}' tenant is denied by tenant restrictions.", "access_denied"),
    _page(50002, "Sign-in failed because of a restricted proxy access on the tenant.", "access_denied"),
)

_TOKENS = (
    Aadsts(
        54005,
        "invalid_grant",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing "
        "refresh token.",
        places="token:code",
    ),
    _grant(
        70008,
        "The provided authorization code or refresh token has expired due to inactivity. Send a new "
        "interactive authorization request for this user and resource.",
    ),
    Aadsts(
        700082,
        "invalid_grant",
        "The refresh token has expired due to inactivity. The token was issued on {valid_from} and was inactive for "
        "90.00:00:00.",
        places="token:refresh",
    ),
    Aadsts(
        700084,
        "invalid_grant",
        "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of "
        "1.00:00:00, which can't be extended. It is now expired and a new sign in request must be sent by the SPA to "
        "the sign in page. The token was issued on {valid_from}.",
        places="token:refresh",
    ),
    Aadsts(
        70043,
        "invalid_grant",
        "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token "
        "was issued on {valid_from} and the maximum allowed lifetime for this request is 86400.",
        places="token:refresh",
        suberror="bad_token",
    ),
    Aadsts(
        50173,
        "invalid_grant",
        "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have "
        "changed or reset their password. The grant was issued on '{valid_from}' and the TokensValidFrom date "
        "(before which tokens are not valid) for this user is '{now}'.",
        places=_REFRESH,
        suberror="bad_token",
    ),
    _grant(
        50132,
        "Session is not valid due to the following reasons: password expiration or recent password change, "
        "SSO Artifact is invalid or expired, session is not fresh enough for application.",
    ),
    _grant(50133, "Session is not valid due to password expiration or recent password change."),
    _grant(50089, "Authentication failed due to flow token expired."),
    _grant(50085, "Refresh token needs social IDP login. Have user try signing-in again with username and password."),
    _grant(70000, "Provided grant is invalid or malformed."),
    Aadsts(
        50196,
        "invalid_grant",
        "The server terminated an operation because it encountered a client request loop. Please contact your app "
        "vendor.",
    ),
    _grant(135010, "The key was not found: the device credential is missing."),
    _grant(135011, "Device used during the authentication is disabled."),
    Aadsts(
        700020,
        "interaction_required",
        "This grant requires the user to perform additional interaction.",
        places="token:refresh",
        suberror="basic_action",
    ),
)

_SERVICE = (
    _busy(90033, "A transient error has occurred. Please try again."),
    _busy(90006, "The service is temporarily unavailable."),
    _busy(90012, "The request timed out."),
    _busy(90024, "Request budget exceeded: a transient error has occurred. Please try again."),
    _busy(90055, "Tenant has been throttled: there are too many incoming requests.", status=429),
    _busy(90090, "Graph returned with a retryable error code."),
    _busy(90091, "Graph: an error occurred during request processing. Please retry."),
    _busy(50033, "A transient error has occurred. Please try again."),
    _busy(50087, "A transient error has occurred during strong authentication. Please try again."),
    _busy(50088, "Telecom call limit for this user has been reached. Please try again in a few minutes.", status=429),
    _busy(50000, "There was an error issuing a token or an issue with our sign-in service.", "server_error", 500),
    _busy(
        90036,
        "An unexpected, non-retryable error stemming from the directory service has occurred.",
        "server_error",
        500,
    ),
    _busy(90092, "Graph returned with a non-retryable error code.", "server_error", 500),
    _busy(80001, "Authentication Agent unable to connect to Active Directory."),
    _busy(80002, "Authentication Agent's password validation request timed out."),
    _busy(80005, "Authentication Agent: an unpredictable web exception occurred."),
    _busy(80014, "Validation request responded after maximum elapsed time exceeded."),
    _page(
        1000031,
        "Application '{client_id}'({app_name}) cannot be accessed at this time. Contact your administrator.",
        "temporarily_unavailable",
    ),
    Aadsts(90010, "invalid_request", "The request is not supported for various reasons."),
)

PEOPLE = (*_ACCOUNT, *_SECOND_FACTOR, *_CONDITIONAL_ACCESS, *_TOKENS, *_SERVICE)
