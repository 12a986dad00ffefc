"""Causes that lie with the app at Microsoft, the tenant, or our request (learn.microsoft.com, "Microsoft Entra error
codes", sections on applications, tenants and consent)."""

from __future__ import annotations

from mailsetup.mail_services.hints.catalogue import Cause

SECRETS = "Open {link_secrets} (App registrations > your app > Certificates & secrets)."
CONSENT = "Open {link_consent}, sign in as an administrator and choose Accept."
WAIT = "Wait 2 to 3 minutes, then choose Test again."
SUPPORT = "Choose Copy support bundle and send it to our support."
_NOTHING = "Nothing in your settings is wrong."

APP = (
    Cause(
        "client_secret_wrong",
        "Microsoft does not know this client secret",
        "The client secret in the credential is not one of the app's secrets. Most often the Secret ID was pasted "
        "instead of the Value, or the secret was deleted.",
        (
            SECRETS,
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
            SECRETS,
            "Choose New client secret, copy its Value and paste it into the credential.",
            "Note the new end date in the credential. We remind you before it.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "client_secret_missing",
        "Microsoft got no client secret or certificate",
        "The app must prove who it is, and nothing was sent for that. We always send what the credential holds, so "
        "this is a fault on our side.",
        (SUPPORT, "Meanwhile open the credential and enter the client secret's Value again."),
        "operator",
    ),
    Cause(
        "client_refused",
        "Microsoft does not accept the app's credential",
        "Client ID, secret or certificate do not fit together.",
        (SECRETS, "Make a new client secret and paste its Value into the credential."),
        "microsoft_admin",
        confidence="medium",
        general=True,
    ),
    Cause(
        "platform_secret_refused",
        "Our own app at Microsoft needs a new secret",
        f"People sign in here through our own app. Microsoft refuses its secret or certificate. {_NOTHING}",
        (SUPPORT, "Our support renews the secret. Then waiting mail goes out."),
        "operator",
    ),
    Cause(
        "platform_app_fault",
        "Our own app at Microsoft is not set up right",
        f"People sign in here through our own app, and Microsoft refuses how it is registered. {_NOTHING}",
        (SUPPORT, "Our support corrects the registration. Then sign in again."),
        "operator",
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
            "Compare client ID {client_id} and tenant ID {tenant_id} with the app's Overview page: {link_app}.",
            f"If both are right: {CONSENT}",
            "If your organisation is in a government or China cloud, choose that cloud in the credential.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "app_not_allowed",
        "Microsoft does not allow the app to ask for this",
        "The app is not known in the tenant, is switched off there, or may not use this way to sign in.",
        (
            "Compare client ID {client_id} and tenant ID {tenant_id} with the app's Overview page: {link_app}.",
            f"If both are right: {CONSENT}",
        ),
        "microsoft_admin",
        confidence="medium",
        general=True,
    ),
    Cause(
        "app_not_in_tenant",
        "The app is not in your organisation yet",
        "The app exists but your organisation has not approved it, or it was removed under Enterprise apps.",
        (CONSENT, WAIT),
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
            SECRETS,
            "Choose Certificates > Upload certificate and upload the public part (.cer or .pem).",
            "Compare the thumbprint shown there with the one in the credential.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "our_clock_wrong",
        "The clock of our server is wrong",
        "What we signed carries a time that does not fit, or we judge a certificate by a wrong date.",
        (
            SUPPORT,
            "Our support sets the clock of the server that sends. Nothing in your settings is wrong.",
        ),
        "operator",
    ),
    Cause(
        "signature_malformed",
        "Microsoft could not accept how we signed in for the app",
        "Our signed proof for the app is not in the form that Microsoft wants. This is a fault on our side.",
        (SUPPORT,),
        "operator",
    ),
    Cause(
        "request_malformed",
        "Microsoft did not understand our request",
        "The request was not in the form that Microsoft wants. This is a fault on our side.",
        (SUPPORT,),
        "operator",
        confidence="medium",
    ),
    Cause(
        "scope_wrong",
        "We asked Microsoft for a permission that does not exist",
        "The name of the permission in our request does not fit the service. This is a fault on our side.",
        (SUPPORT, "If the Microsoft cloud in the credential is not yours, choose the right one."),
        "operator",
    ),
)

TENANT = (
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
        "tenant_id_missing",
        "Microsoft was not told which organisation this is",
        "The tenant ID is missing, or a general word such as common stands in its place.",
        (
            "In Entra open Overview and copy the Tenant ID: {link_portal}.",
            "Paste it into the credential as Directory (tenant) ID and test again.",
        ),
        "workspace_admin",
    ),
    Cause(
        "wrong_cloud",
        "The tenant is in another Microsoft cloud",
        "Government and China clouds are separate worlds, each with its own app registrations.",
        (
            "Choose the right Microsoft cloud in the credential.",
            "Register the app in that cloud. One from another cloud does not work there.",
        ),
        "workspace_admin",
    ),
    Cause(
        "app_in_other_cloud",
        "The app is registered in another Microsoft cloud",
        "Government and China clouds are separate worlds, and an app of one is unknown in the others.",
        (
            "Register the app again in the cloud of your organisation: {link_portal}.",
            "Enter its client ID, tenant ID and secret in the credential, and choose that cloud.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "app_single_tenant",
        "The app serves only the organisation that registered it",
        "Someone from another organisation signs in, or the app is asked without its own tenant ID.",
        (
            "Open {link_authentication} and set Supported account types to any organizational directory.",
            "Or enter the tenant ID of the organisation that registered the app in the credential.",
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
        "exchange_not_in_tenant",
        "Your organisation has no Exchange Online",
        "Microsoft finds no Exchange Online service in the tenant {tenant_id}.",
        (
            "Check that the tenant ID is that of the organisation whose mailbox sends.",
            "Otherwise subscribe to a plan with Exchange Online in the Microsoft 365 admin center.",
        ),
        "microsoft_admin",
    ),
)

CONSENTS = (
    Cause(
        "permission_missing",
        "The app has no permission to send mail",
        "The permission is not listed in the app, or nobody has approved it.",
        (
            "Open {link_permissions} (your app > API permissions) and choose Add a permission.",
            "For Graph: Microsoft Graph > Mail.Send. For SMTP: Office 365 Exchange Online > SMTP.SendAsApp.",
            "Choose Grant admin consent. The status must read Granted.",
            WAIT,
        ),
        "microsoft_admin",
    ),
    Cause(
        "consent_missing",
        "Nobody has allowed the app to send mail yet",
        "Microsoft asks for consent, and there is none, or it was taken back.",
        (
            "Open the credential and choose Reconnect. Sign in as {mailbox} and choose Accept.",
            f"If Microsoft asks for an admin, send this to your Microsoft admin: {CONSENT}",
            WAIT,
        ),
        "mailbox_user",
    ),
    Cause(
        "admin_consent_missing",
        "No admin has approved the app yet",
        "The app sends without anyone signing in, so only an admin can allow it, and nobody has.",
        (CONSENT, WAIT),
        "microsoft_admin",
    ),
    Cause(
        "consent_declined",
        "The permission was declined",
        "Someone chose Cancel where Microsoft asked whether we may send mail.",
        ("Choose Try again, sign in as {mailbox} and choose Accept.", "Or ask your Microsoft admin to do it."),
        "mailbox_user",
    ),
    Cause(
        "admin_declined",
        "The approval was cancelled",
        "Your Microsoft admin opened the page to approve the app and did not choose Accept.",
        (CONSENT, "Only a Privileged Role Administrator or Global Administrator can approve it.", WAIT),
        "microsoft_admin",
    ),
    Cause(
        "admin_consent_needed",
        "Your organisation wants an admin to approve the app",
        "People may not approve apps by themselves there.",
        (f"Send this to your Microsoft admin: {CONSENT}", "Then sign in again."),
        "microsoft_admin",
    ),
    Cause(
        "partner_admin_refused",
        "A partner's admin may not approve the app",
        "The sign-in came from a company that looks after your organisation, and such sign-ins are not allowed here.",
        (f"An admin of your own organisation does this: {CONSENT}",),
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
)
CAUSES = (*APP, *TENANT, *CONSENTS)
