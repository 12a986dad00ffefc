"""AADSTS errors about the app, its secret or certificate, the directory and the request.

Numbers and words: https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from mailsetup.sandbox.faults import Aadsts

_CLIENT = (
    Aadsts(
        7000215,
        "invalid_client",
        "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
        "not the client secret ID, for a secret added to app '{client_id}'.",
        status=401,
    ),
    Aadsts(
        7000222,
        "invalid_client",
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new keys "
        "for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: "
        "https://aka.ms/certCreds.",
        status=401,
    ),
    Aadsts(
        7000216,
        "invalid_client",
        "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
        status=401,
    ),
    Aadsts(
        7000218,
        "invalid_client",
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        status=401,
    ),
    Aadsts(
        700025,
        "invalid_client",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        status=401,
    ),
    Aadsts(
        700016,
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory '{directory}'. This can happen if "
        "the application has not been installed by the administrator of the tenant or consented to by any user in "
        "the tenant. You may have sent your authentication request to the wrong tenant.",
        places="token page",
    ),
    Aadsts(
        700011,
        "unauthorized_client",
        "Application with identifier '{client_id}' was not found in the directory with the specified organization ID.",
        places="token page",
    ),
    Aadsts(
        7000229,
        "invalid_client",
        "The client application {client_id} is missing service principal in the tenant {tenant_id}. See instructions "
        "here: https://go.microsoft.com/fwlink/?linkid=2225119",
        status=401,
    ),
    Aadsts(
        7000112,
        "unauthorized_client",
        "Application '{client_id}'({app_name}) is disabled.",
        places="token page",
    ),
    Aadsts(
        70001,
        "unauthorized_client",
        "Application with identifier '{client_id}' is disabled or was not found in the directory '{directory}'.",
        places="token page",
    ),
    Aadsts(70002, "invalid_client", "Error validating credentials.", status=401),
    Aadsts(
        700027,
        "invalid_client",
        "The certificate with identifier used to sign the client assertion is not registered on application. "
        "[Reason - The key was not found., Thumbprint of key used by client: '{thumbprint}', Please visit the Azure "
        "Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'.]",
        status=401,
    ),
    Aadsts(
        700024,
        "invalid_client",
        "Client assertion is not within its valid time range. Current time: {now}, assertion valid from {valid_from}, "
        "expiry time of assertion {valid_to}. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
        status=401,
    ),
    Aadsts(
        700023,
        "invalid_client",
        "Client assertion audience claim does not match Realm issuer. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
        status=401,
    ),
    Aadsts(
        700021,
        "invalid_client",
        "Client assertion application identifier doesn't match 'client_id' parameter. Review the documentation at "
        "https://learn.microsoft.com/entra/identity-platform/certificate-credentials.",
        status=401,
    ),
    Aadsts(
        700030,
        "invalid_client",
        "Invalid certificate - subject name in certificate is not authorized. SubjectNames/SubjectAlternativeNames "
        "(up to 10) in token certificate are: {thumbprint}.",
        status=401,
    ),
    Aadsts(
        50012,
        "invalid_client",
        "Authentication failed. Client assertion contains an invalid signature.",
        status=401,
    ),
    Aadsts(50027, "invalid_client", "JWT token is invalid or malformed.", status=401),
    Aadsts(50048, "invalid_client", "Subject must match Issuer claim in the client assertion.", status=401),
    Aadsts(
        100007,
        "invalid_request",
        "AAD Regional ONLY supports auth either for MSIs OR for requests from MSAL using SN+I for 1P apps or 3P apps "
        "in Microsoft infrastructure tenants.",
    ),
)

_REQUEST = (
    Aadsts(
        90002,
        "invalid_request",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
        places="token discovery page",
    ),
    Aadsts(
        900023,
        "invalid_request",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
        places="token discovery page",
    ),
    Aadsts(
        90038,
        "invalid_request",
        "Tenant '{tenant}' request is being redirected to the National Cloud 'MicrosoftOnline.US'.",
        places="token page",
    ),
    Aadsts(900382, "invalid_request", "Confidential Client is not supported in Cross Cloud request."),
    Aadsts(900432, "invalid_request", "Confidential Client is not supported in Cross Cloud request."),
    Aadsts(
        50059,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
        places="token page",
    ),
    Aadsts(
        50128,
        "invalid_request",
        "Invalid domain name - No tenant-identifying information found in either the request or implied by any "
        "provided credentials.",
        places="token page",
    ),
    Aadsts(
        90019,
        "invalid_request",
        "No tenant-identifying information found in either the request or implied by any provided credentials.",
        places="token page",
    ),
    Aadsts(
        9001023,
        "invalid_request",
        "The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or "
        "tenant-specific endpoint.",
    ),
    Aadsts(
        50194,
        "invalid_request",
        "Application '{client_id}'({app_name}) is not configured as a multi-tenant application. Usage of the /common "
        "endpoint is not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or "
        "configure the application to be multi-tenant.",
        places="page token",
    ),
    Aadsts(
        90130,
        "invalid_request",
        "Application '{client_id}' ({app_name}) is not supported over the /common or /consumers endpoints. Please use "
        "the /organizations or tenant-specific endpoint.",
        places="page token",
    ),
    Aadsts(
        90124,
        "invalid_request",
        "Resource 'https://graph.microsoft.com' (Microsoft Graph) is not supported over the /common or /consumers "
        "endpoints. Please use the /organizations or tenant-specific endpoint.",
        places="page token",
    ),
    Aadsts(
        700005,
        "invalid_grant",
        "The provided Authorization Code is intended to use against other tenant, thus rejected.",
        places="token:code",
    ),
    Aadsts(
        50011,
        "invalid_request",
        "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured for "
        "the application '{client_id}'. Make sure the redirect URI sent in the request matches one added to your "
        "application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about "
        "how to troubleshoot this error.",
        places="page token:code",
    ),
    Aadsts(
        500113,
        "invalid_request",
        "No reply address is registered for the application.",
        places="page",
    ),
    Aadsts(900971, "invalid_request", "No reply address provided.", places="page"),
    Aadsts(
        900144,
        "invalid_request",
        "The request body must contain the following parameter: '{parameter}'.",
        places="token page",
    ),
    Aadsts(90014, "invalid_request", "The required field '{parameter}' is missing from the credential."),
    Aadsts(9002313, "invalid_request", "Invalid request. Request is malformed or invalid.", places="token callback"),
    Aadsts(
        900561,
        "invalid_request",
        "The endpoint only accepts POST, OPTIONS requests. Received a GET request.",
        places="page",
    ),
    Aadsts(90015, "invalid_request", "Requested query string is too long.", places="page"),
    Aadsts(
        9002325,
        "invalid_request",
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
        places="token:code",
    ),
    Aadsts(
        9002326,
        "invalid_request",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. "
        "Request origin: '{origin}'.",
    ),
    Aadsts(
        9002327,
        "invalid_request",
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
        places="token:code token:refresh",
    ),
    Aadsts(
        501481,
        "invalid_grant",
        "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        places="token:code",
    ),
    Aadsts(50147, "invalid_request", "Invalid size of Code_Challenge parameter.", places="callback token:code"),
    Aadsts(501491, "invalid_request", "Invalid size of Code_Challenge parameter.", places="callback token:code"),
    Aadsts(70003, "unsupported_grant_type", "The app requested an unsupported grant type '{parameter}'."),
    Aadsts(
        70005,
        "unsupported_response_type",
        "The WS-Federation sign-in response message contains an unsupported OAuth parameter value in the encoded "
        "wctx: 'response_type'.",
        places="callback",
    ),
    Aadsts(
        700054,
        "unsupported_response_type",
        "response_type 'id_token' is not enabled for the application.",
        places="callback",
    ),
    Aadsts(
        90009,
        "invalid_request",
        "Application '{client_id}'({app_name}) is requesting a token for itself. This scenario is supported only if "
        "resource is specified using the GUID based App Identifier.",
    ),
)

ENTRA = (*_CLIENT, *_REQUEST)
