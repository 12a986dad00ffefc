"""AADSTS errors about scopes, services and consent.

Numbers and words: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from mailsetup.sandbox.faults import Aadsts

CONSENT = (
    Aadsts(
        1002012,
        "invalid_scope",
        "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
        "/.default suffixed to the resource identifier (application ID URI).",
        places="token:client",
    ),
    Aadsts(
        70011,
        "invalid_scope",
        "The provided request must include a 'scope' input parameter. The provided value for the input parameter "
        "'scope' is not valid. The scope {scope} is not valid.",
        places="token callback",
    ),
    Aadsts(
        650053,
        "invalid_scope",
        "The application '{app_name}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. "
        "Contact the app vendor.",
        places="callback token",
    ),
    Aadsts(
        700022,
        "invalid_scope",
        "The provided value for the input parameter scope '{scope}' is not valid because it contains more than one "
        "resource.",
    ),
    Aadsts(
        28002,
        "invalid_scope",
        "Provided value for the input parameter scope '{scope}' is not valid when requesting an access token. "
        "Please specify a valid scope.",
    ),
    Aadsts(
        28003,
        "invalid_scope",
        "Provided value for the input parameter scope can't be empty when requesting an access token using the "
        "provided authorization code. Please specify a valid scope.",
        places="token:code",
    ),
    Aadsts(
        500011,
        "invalid_resource",
        "The resource principal named {resource} was not found in the tenant named {directory}. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You might have sent your authentication request to the wrong tenant.",
        places="token callback",
    ),
    Aadsts(
        50001,
        "invalid_resource",
        "The resource named {resource} was not found in the tenant named {directory} or is disabled.",
        places="token callback",
    ),
    Aadsts(
        650052,
        "invalid_client",
        "The app is trying to access a service '{resource}' that your organization '{directory}' lacks a service "
        "principal for. Contact your IT Admin to review the configuration of your service subscriptions or consent "
        "to the application to create the required service principal.",
        places="page token",
    ),
    Aadsts(
        650054,
        "invalid_client",
        "The application asked for permissions to access a resource that has been removed or is no longer available. "
        "Contact the app vendor.",
        places="page token",
    ),
    Aadsts(
        650056,
        "invalid_client",
        "Misconfigured application. This could be due to one of the following: the client has not listed any "
        "permissions for '{resource}' in the requested permissions in the client's application registration. Or, the "
        "admin has not consented in the tenant. Or, check the application identifier in the request to ensure it "
        "matches the configured client application identifier. Or, check the certificate in the request to ensure "
        "it's valid. Please contact your admin to fix the configuration or consent on behalf of the tenant.",
        places="page token",
    ),
    Aadsts(
        650057,
        "invalid_resource",
        "Invalid resource. The client has requested access to a resource which is not listed in the requested "
        "permissions in the client's application registration. Client app ID: {client_id}({app_name}). Resource "
        "value from request: {resource}.",
        places="token callback",
    ),
    Aadsts(
        65005,
        "invalid_client",
        "The application '{app_name}' is misconfigured: the required resource access list contains a resource or "
        "permission that does not exist.",
        places="page token",
    ),
    Aadsts(
        501051,
        "invalid_grant",
        "Application '{client_id}'({app_name}) is not assigned to a role for the application '{resource}'.",
        places="token:client",
    ),
    Aadsts(
        65001,
        "invalid_grant",
        "The user or administrator has not consented to use the application with ID '{client_id}' named '{app_name}'. "
        "Send an interactive authorization request for this user and resource.",
        places="token:code token:refresh callback",
        suberror="consent_required",
    ),
    Aadsts(65004, "access_denied", "User declined to consent to access the app.", places="callback"),
    Aadsts(
        90094,
        "access_denied",
        "Admin consent is required for the permissions requested by this application.",
        places="page",
    ),
    Aadsts(
        90095,
        "access_denied",
        "Admin consent is required for the permissions requested by this application. An admin consent request may "
        "be sent to the admin.",
        places="page",
    ),
    Aadsts(
        90008,
        "invalid_request",
        "The user or administrator has not consented to use the application with ID '{client_id}'. This happened "
        "because the app must require at least the Sign-in and read user profile permission.",
        places="callback token",
    ),
    Aadsts(
        90099,
        "unauthorized_client",
        "The application '{client_id}' ({app_name}) has not been authorized in the tenant '{tenant_id}'. "
        "Applications must be authorized to access the customer tenant before partner delegated administrators can "
        "use them.",
        places="page token",
    ),
    Aadsts(
        50105,
        "invalid_grant",
        "Your administrator has configured the application {app_name} ('{client_id}') to block users unless they are "
        "specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked because "
        "they are not a direct member of a group with access, nor had access directly assigned by an administrator. "
        "Please contact your administrator to assign access to this application.",
        places="page token:refresh",
    ),
    Aadsts(
        7000114, "invalid_grant", "Application '{client_id}' is not allowed to make application on-behalf-of calls."
    ),
)
