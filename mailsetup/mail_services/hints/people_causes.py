"""Causes that lie with the person who signs in, or with Microsoft's service (learn.microsoft.com, "Microsoft Entra
error codes", sections on users, Conditional Access, codes and tokens)."""

from __future__ import annotations

from mailsetup.mail_services.hints.app_causes import SUPPORT
from mailsetup.mail_services.hints.catalogue import Cause

RECONNECT = "Open the credential and choose Reconnect. Sign in as {mailbox}."
_LOGS = "In Entra open Monitoring & health > Sign-in logs, the failed entry, tab Conditional Access."

ACCOUNT = (
    Cause(
        "wrong_account",
        "The account does not belong to this organisation",
        "Someone signed in with a private account, a guest or an account of another organisation.",
        ("Open this page in a private window, choose Sign in with Microsoft and sign in as {mailbox}.",),
        "mailbox_user",
    ),
    Cause(
        "personal_account",
        "This is a personal Microsoft account",
        "Someone signed in with an account of outlook.com, hotmail.com or the like. Here only accounts of an "
        "organisation may sign in.",
        (
            "Open this page in a private window and sign in with an account of your organisation.",
            "Or ask whoever runs this software to let personal accounts in.",
            "Or send through another mail service: Outlook.com takes no password from programs any more.",
        ),
        "mailbox_user",
    ),
    Cause(
        "sign_in_password_wrong",
        "The user name or password at Microsoft is not right",
        "Microsoft refused the sign-in of {mailbox}.",
        (
            "Sign in at https://outlook.office.com as {mailbox} to check the password.",
            RECONNECT,
        ),
        "mailbox_user",
    ),
    Cause(
        "account_locked",
        "The account is locked for a while",
        "There were too many failed sign-ins, or Microsoft suspects the address they came from.",
        (
            "In 30 minutes sign in at https://outlook.office.com as {mailbox}.",
            "If that fails, ask your Microsoft admin to unblock {mailbox}. Entra > Sign-in logs shows why.",
        ),
        "mailbox_user",
        permanent=False,
    ),
    Cause(
        "password_changed",
        "The password expired or was changed",
        "The earlier sign-in no longer counts.",
        ("Set a new password if Microsoft asks for it.", RECONNECT),
        "mailbox_user",
    ),
    Cause(
        "password_missing",
        "The account has no usable password",
        "Microsoft finds no valid password for {mailbox} in your directory.",
        (
            "In the Microsoft 365 admin center open Users > Active users > {mailbox} > Reset password.",
            "If accounts come from your own directory, check that passwords are synchronised.",
        ),
        "microsoft_admin",
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
        (RECONNECT, "Confirm with the second factor when Microsoft asks."),
        "mailbox_user",
    ),
    Cause(
        "mfa_service_refused",
        "The second factor of another service was not enough",
        "Your organisation checks people with a service outside Microsoft, and its answer was not accepted.",
        ("In Entra open Authentication methods > External methods and correct the one in use.", RECONNECT),
        "microsoft_admin",
    ),
    Cause(
        "device_required",
        "Your organisation wants a managed device",
        "A Conditional Access policy lets only devices sign in that your organisation knows.",
        (
            "Sign in from a managed device: open the credential there and choose Reconnect.",
            "Or have your Microsoft admin exclude {mailbox} or the app from that policy.",
        ),
        "mailbox_user",
    ),
    Cause(
        "device_refused",
        "The device does not meet your organisation's rules",
        "A Conditional Access policy asks for a device that is compliant, joined or has an approved app.",
        (
            _LOGS,
            "Exclude {mailbox} or the app ({client_id}) from the policy named there.",
            "Or sign in from a device that meets it.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "conditional_access",
        "A rule of your organisation blocks the sign-in",
        "A Conditional Access policy or the security defaults refuse it.",
        (
            _LOGS,
            "Exclude the app ({client_id}) or {mailbox} from the policy named there, or allow our addresses.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "organisations_kept_apart",
        "The rules between two organisations forbid the sign-in",
        "The account and the app belong to different organisations, and one of them does not allow the other.",
        (
            "In Entra open External Identities > Cross-tenant access settings and allow the app there.",
            "Or sign in with an account of the organisation that owns the mailbox.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "tenant_restricted",
        "The network allows only certain organisations",
        "A proxy of the network that the sign-in came from lets people into listed organisations only.",
        (
            "Have the network's admin add the tenant {tenant_id} to the list.",
            "Or sign in from another network.",
        ),
        "microsoft_admin",
    ),
)

SESSION = (
    Cause(
        "sign_in_interrupted",
        "The sign-in took too long or was used twice",
        "A sign-in at Microsoft is good once and for about 10 minutes.",
        ("Choose Connect and sign in again, without Back or Reload.",),
        "mailbox_user",
    ),
    Cause(
        "sign_in_unfinished",
        "The sign-in was not finished",
        "Microsoft had one more question for {mailbox}, and it was not answered.",
        ("Choose Connect, sign in as {mailbox} and answer everything Microsoft asks.",),
        "mailbox_user",
    ),
    Cause(
        "sign_in_mixed_up",
        "The two halves of the sign-in do not fit together",
        "What came back from Microsoft does not belong to the sign-in that we started. This is a fault on our side.",
        ("Choose Connect and sign in once more, in one window only.", f"If it comes back: {SUPPORT}"),
        "operator",
    ),
    Cause(
        "grant_expired",
        "The sign-in is too old",
        "The permission was not used for 90 days, or the sign-in was not finished in 10 minutes. Microsoft dropped it.",
        (RECONNECT,),
        "mailbox_user",
    ),
    Cause(
        "sign_in_frequency",
        "Your organisation asks for signing in again regularly",
        "A policy sets how long a sign-in counts, and that time is over.",
        (
            RECONNECT,
            "To stop this, have {mailbox} excluded from the sign-in frequency policy, or use an app with client "
            "credentials.",
        ),
        "mailbox_user",
    ),
    Cause(
        "grant_revoked",
        "The permission was taken back",
        "An administrator or the owner of the mailbox ended its sign-ins.",
        (RECONNECT,),
        "mailbox_user",
    ),
    Cause(
        "grant_refused",
        "Microsoft no longer accepts the earlier sign-in",
        "What we keep of the sign-in of {mailbox} is not valid for this app.",
        (RECONNECT, f"If it comes back: {SUPPORT}"),
        "mailbox_user",
        confidence="medium",
        general=True,
    ),
    Cause(
        "device_key_lost",
        "The device that signed in is no longer known",
        "The sign-in hangs on a key of that device, which Microsoft does not find or has switched off.",
        (
            "Sign in from another device or browser: open the credential there and choose Reconnect.",
            "Or have your IT register the device again.",
        ),
        "mailbox_user",
    ),
    Cause(
        "claims_challenge",
        "Microsoft wants the mailbox to sign in again now",
        "Something changed: the password, the place, or a rule of your organisation. The token no longer counts.",
        (RECONNECT, "If it comes back at once, have your Microsoft admin look into Entra > Sign-in logs."),
        "mailbox_user",
    ),
    Cause(
        "sign_in_needed",
        "Someone has to sign in again",
        "Microsoft no longer accepts the earlier sign-in of {mailbox}.",
        (RECONNECT,),
        "mailbox_user",
        confidence="medium",
        general=True,
    ),
    Cause(
        "tenant_mismatch",
        "The token belongs to another organisation",
        "Microsoft answered for another tenant than the one in the credential, so we did not use it.",
        ("Compare the tenant ID in the credential with Entra > Overview: {tenant_id}.", RECONNECT),
        "workspace_admin",
    ),
)

SERVICE = (
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
        "microsoft_sign_in_broken",
        "Microsoft could not make a token",
        "Its sign-in service met a fault that does not pass by itself.",
        (
            "Test again in an hour.",
            "If it stays, open a support request with Microsoft in the Entra admin center. Give it the correlation ID "
            "and the time from the words below.",
        ),
        "microsoft_admin",
        confidence="medium",
    ),
    Cause(
        "directory_agent_down",
        "Your own directory does not answer Microsoft",
        "Microsoft asks a program in your network to check passwords, and that program does not answer.",
        (
            "In Entra open Entra Connect > Pass-through authentication and look at the agents.",
            "Start the agent again, or switch on password hash synchronisation. We try again meanwhile.",
        ),
        "microsoft_admin",
        permanent=False,
    ),
    Cause(
        "sign_in_refused",
        "Microsoft refused to give a token",
        "We do not know this answer well enough to name the cause.",
        (
            "Read Microsoft's own words below. The number after AADSTS is explained at {link_error}.",
            f"If that does not help: {SUPPORT}",
        ),
        "microsoft_admin",
        confidence="low",
        general=True,
    ),
)
CAUSES = (*ACCOUNT, *SESSION, *SERVICE)
