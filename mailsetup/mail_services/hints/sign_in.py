"""Causes that Microsoft's sign-in service tells of (learn.microsoft.com, "Microsoft Entra error codes")."""

from mailsetup.mail_services.hints.catalogue import Cause

_SECRETS = "Open {link_secrets} (App registrations > your app > Certificates & secrets)."
_CONSENT = "Open {link_consent}, sign in as an administrator and choose Accept."
_WAIT = "Wait 2 to 3 minutes, then choose Test again."
_RECONNECT = "Open the credential and choose Reconnect; sign in as {mailbox}."

CAUSES = (
    Cause(
        "client_secret_wrong",
        "Microsoft does not know this client secret",
        "The client secret in the credential is not one of the app's secrets. Most often the Secret ID was pasted "
        "instead of the Value, or the secret was deleted.",
        (
            _SECRETS,
            "Choose New client secret, set an end date, choose Add.",
            "Copy the Value at once (not the Secret ID) and paste it into the credential.",
            "Compare the client ID with the Overview page: {client_id}.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "client_secret_expired",
        "The client secret has expired",
        "The app's secret is past its end date, so Microsoft gives no token any more. Mail waits meanwhile.",
        (
            _SECRETS,
            "Choose New client secret, copy its Value and paste it into the credential.",
            "Note the new end date in the credential; we remind you before it.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "client_secret_missing",
        "Microsoft got no client secret or certificate",
        "The app must prove who it is, and nothing was sent for that.",
        ("Open the credential and enter the client secret's Value, or a certificate.",),
        "workspace_admin",
    ),
    Cause(
        "app_is_public",
        "The app is registered as a public client",
        "The redirect address stands under Mobile and desktop, and Microsoft then takes no secret.",
        (
            "Open {link_authentication} (your app > Authentication).",
            "Remove the address under Mobile and desktop applications and add {redirect_uri} under Web.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "app_not_found",
        "Microsoft does not know this app in this tenant",
        "Client ID and tenant ID do not belong together, or the app was never approved in this tenant.",
        (
            "Compare the client ID {client_id} and the tenant ID {tenant_id} with the app's Overview page: {link_app}.",
            f"If both are right: {_CONSENT}",
            "If your organisation is in a government or China cloud, choose that cloud in the credential.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "app_not_in_tenant",
        "The app is not in your organisation yet",
        "The app exists but your organisation has not approved it, or it was removed under Enterprise apps.",
        (_CONSENT, _WAIT),
        "microsoft_admin",
    ),
    Cause(
        "app_disabled",
        "The app is switched off",
        "Sign-in is disabled for the app, so it gets no token.",
        (
            "In Entra open Enterprise apps > your app ({client_id}) > Properties.",
            "Set Enabled for users to sign in to Yes and choose Save.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "certificate_not_registered",
        "Microsoft does not know this certificate",
        "The certificate in the credential is not uploaded to the app, or another one is.",
        (
            _SECRETS,
            "Choose Certificates > Upload certificate and upload the public part (.cer or .pem).",
            "Compare the thumbprint shown there with the one in the credential.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "our_clock_wrong",
        "The clock of our server is wrong",
        "Microsoft refused our signature because its time does not fit.",
        ("Nothing for you to do; tell our support if it stays.",),
        "operator",
    ),
    Cause(
        "request_malformed",
        "Microsoft did not understand our request",
        "The request was not in the form that Microsoft wants. This is a fault on our side.",
        ("Choose Copy support bundle and send it to our support.",),
        "operator",
        confidence="medium",
    ),
    Cause(
        "tenant_not_found",
        "Microsoft does not know this tenant",
        "There is no tenant {tenant_id} in this Microsoft cloud.",
        (
            "In Entra open Overview and copy the Tenant ID: {link_portal}.",
            "Paste it into the credential as Directory (tenant) ID.",
            "If your organisation is in a government or China cloud, choose that cloud in the credential.",
        ),
        "workspace_admin",
    ),
    Cause(
        "wrong_cloud",
        "The tenant is in another Microsoft cloud",
        "Government and China clouds are separate worlds, each with its own app registrations.",
        (
            "Choose the right Microsoft cloud in the credential.",
            "Register the app in that cloud; one from another cloud does not work there.",
        ),
        "workspace_admin",
    ),
    Cause(
        "app_single_tenant",
        "The app serves only the organisation that registered it",
        "Someone from another organisation tried to sign in, or the tenant ID is missing.",
        (
            "Enter your tenant ID in the credential.",
            "Or open {link_authentication} and set Supported account types to any organizational directory.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "redirect_uri_missing",
        "The redirect address is not registered",
        "After sign-in Microsoft sends people only to addresses that the app lists, letter by letter.",
        (
            "Open {link_authentication} (your app > Authentication).",
            "Choose Add a platform > Web, paste {redirect_uri} and choose Configure.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "redirect_uri_under_spa",
        "The redirect address is registered for the wrong platform",
        "It stands under Single-page application, which gives sign-ins that end after 24 hours or fail.",
        (
            "Open {link_authentication} and remove {redirect_uri} under Single-page application.",
            "Add it under Web, then sign in again.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "sign_in_interrupted",
        "The sign-in took too long or was used twice",
        "A sign-in at Microsoft is good once and for about 10 minutes.",
        ("Choose Connect and sign in again, without Back or Reload.",),
        "workspace_admin",
    ),
    Cause(
        "exchange_not_in_tenant",
        "Your organisation has no Exchange Online",
        "Microsoft finds no Exchange Online service in the tenant {tenant_id}.",
        (
            "Check that the tenant ID is that of the organisation whose mailbox sends.",
            "Otherwise subscribe to a plan with Exchange Online in the Microsoft 365 admin center.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "permission_missing",
        "The app has no permission to send mail",
        "The permission is not listed in the app, or nobody has approved it.",
        (
            "Open {link_permissions} (your app > API permissions) and choose Add a permission.",
            "For Graph: Microsoft Graph > Mail.Send. For SMTP: Office 365 Exchange Online > SMTP.SendAsApp.",
            "Choose Grant admin consent; the status must read Granted.",
            _WAIT,
        ),
        "microsoft_admin",
    ),
    Cause(
        "consent_missing",
        "Nobody has allowed the app to send mail yet",
        "Microsoft asks for consent, and there is none, or it was taken back.",
        (
            f"App without sign-in: {_CONSENT}",
            f"Signed-in mailbox: {_RECONNECT}",
            _WAIT,
        ),
        "microsoft_admin",
    ),
    Cause(
        "consent_declined",
        "The permission was declined",
        "Someone chose Cancel where Microsoft asked whether we may send mail.",
        ("Choose Try again and accept, or ask your Microsoft admin to do it.",),
        "workspace_admin",
    ),
    Cause(
        "admin_consent_needed",
        "Your organisation wants an admin to approve the app",
        "People may not approve apps by themselves there.",
        (f"Send this to your Microsoft admin: {_CONSENT}", "Then sign in again."),
        "microsoft_admin",
    ),
    Cause(
        "user_not_assigned",
        "This person may not use the app",
        "The app is limited to assigned people, and this mailbox is not one of them.",
        (
            "In Entra open Enterprise apps > your app ({client_id}) > Users and groups and add {mailbox}.",
            "Or set Properties > Assignment required to No.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "wrong_account",
        "The account does not belong to this organisation",
        "Someone signed in with a private account, a guest or an account of another organisation.",
        ("Open a private window, choose Connect and sign in as {mailbox}.",),
        "mailbox_user",
    ),
    Cause(
        "account_locked",
        "The account is locked for a while",
        "There were too many failed sign-ins, or Microsoft suspects the address they came from.",
        (
            "Wait 30 minutes, or ask your Microsoft admin to unblock {mailbox}.",
            "Admin: Entra > Monitoring & health > Sign-in logs shows why.",
        ),
        "microsoft_admin",
        permanent=False,
    ),
    Cause(
        "password_changed",
        "The password expired or was changed",
        "The earlier sign-in no longer counts.",
        ("Set a new password if Microsoft asks for it.", _RECONNECT),
        "mailbox_user",
    ),
    Cause(
        "account_disabled",
        "The account is switched off",
        "{mailbox} may not sign in at Microsoft.",
        (
            "In the Microsoft 365 admin center open Users > Active users > {mailbox} and allow sign-in.",
            "Or connect another mailbox.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "mfa_needed",
        "Microsoft wants a second factor",
        "The rules of your organisation ask for multi-factor authentication, which only a person can give.",
        (_RECONNECT, "Confirm with the second factor when Microsoft asks."),
        "mailbox_user",
    ),
    Cause(
        "device_required",
        "Your organisation wants a managed device",
        "A Conditional Access policy lets only devices sign in that your organisation manages.",
        (
            "Sign in from a managed device: open the credential there and choose Reconnect.",
            "Or exclude {mailbox} or the app from that policy (Entra > Conditional Access).",
        ),
        "microsoft_admin",
    ),
    Cause(
        "conditional_access",
        "A rule of your organisation blocks the sign-in",
        "A Conditional Access policy or the security defaults refuse it.",
        (
            "In Entra open Monitoring & health > Sign-in logs, the failed entry, tab Conditional Access.",
            "Exclude the app ({client_id}) or {mailbox} from the policy named there, or allow our addresses.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "grant_expired",
        "The sign-in is too old",
        "The permission was not used for 90 days, so Microsoft dropped it.",
        (_RECONNECT,),
        "mailbox_user",
    ),
    Cause(
        "sign_in_frequency",
        "Your organisation asks for signing in again regularly",
        "A policy sets how long a sign-in counts, and that time is over.",
        (
            _RECONNECT,
            "To stop this, exclude {mailbox} from the sign-in frequency policy, or use an app with client credentials.",
        ),
        "mailbox_user",
    ),
    Cause(
        "grant_revoked",
        "The permission was taken back",
        "An administrator or the owner of the mailbox ended its sign-ins.",
        (_RECONNECT,),
        "mailbox_user",
    ),
    Cause(
        "too_many_requests_to_sign_in",
        "Microsoft wants us to slow down",
        "There were too many requests for a token. We wait and try again.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "microsoft_sign_in_unavailable",
        "Microsoft's sign-in service is not available",
        "The service answers that it has a fault at the moment. We try again.",
        ("Nothing to do. If it lasts, see https://status.cloud.microsoft.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "tenant_mismatch",
        "The token belongs to another organisation",
        "Microsoft answered for another tenant than the one in the credential, so we did not use it.",
        ("Compare the tenant ID in the credential with Entra > Overview: {tenant_id}.", _RECONNECT),
        "workspace_admin",
    ),
    Cause(
        "client_refused",
        "Microsoft does not accept the app's credential",
        "Client ID, secret or certificate do not fit.",
        (_SECRETS, "Make a new client secret and paste its Value into the credential."),
        "microsoft_admin",
        confidence="medium",
    ),
    Cause(
        "sign_in_needed",
        "Someone has to sign in again",
        "Microsoft no longer accepts the earlier sign-in of {mailbox}.",
        (_RECONNECT,),
        "mailbox_user",
        confidence="medium",
    ),
    Cause(
        "sign_in_refused",
        "Microsoft refused to give a token",
        "We do not know this answer well enough to name the cause.",
        (
            "Read Microsoft's own words below; the number after AADSTS can be looked up at "
            "https://login.microsoftonline.com/error.",
            "Choose Copy support bundle and send it to our support.",
        ),
        "microsoft_admin",
        confidence="low",
    ),
)
