"""Causes that Microsoft Graph tells of (learn.microsoft.com, "Microsoft Graph error responses", and the Exchange
response codes that it passes on)."""

from __future__ import annotations

from mailsetup.mail_services.hints.app_causes import SUPPORT
from mailsetup.mail_services.hints.catalogue import Cause

_LATER = "A change takes from a few minutes to two hours. Then choose Test again."

MESSAGE = (
    Cause(
        "recipient_invalid",
        "A recipient's address is not valid",
        "Microsoft could not read or resolve one of the addresses this mail goes to.",
        ("Correct the recipient's address, then send the mail again.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "message_malformed",
        "Microsoft could not read this mail",
        "The mail itself is not in a form that Microsoft accepts.",
        (SUPPORT,),
        "operator",
        scope="message",
        confidence="medium",
    ),
    Cause(
        "message_headers_refused",
        "Microsoft does not take a header of this mail",
        "Graph takes at most 5 headers of one's own, and their names must begin with x-.",
        (SUPPORT, "Meanwhile send the mail without its own headers."),
        "operator",
        scope="message",
    ),
    Cause(
        "message_too_large",
        "The mail is too large",
        "The service takes mail only up to {limit}.",
        ("Send a smaller attachment, or a link to the file.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "attachment_too_small_for_upload",
        "The attachment was sent in the wrong way",
        "Small files belong into the mail itself, and we tried to hand one over as a large file.",
        (SUPPORT,),
        "operator",
        scope="message",
    ),
    Cause(
        "draft_gone",
        "The mail is no longer where we put it",
        "It was sent, moved or deleted in the mailbox before we could send it.",
        (SUPPORT, "Look into Sent Items of {mailbox} before the mail is sent again."),
        "operator",
        scope="message",
    ),
    Cause(
        "draft_changed",
        "The mail was changed while we sent it",
        "Something else touched it in the mailbox at the same moment. We read it again and go on.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
)

ACCESS = (
    Cause(
        "token_refused",
        "Microsoft does not accept our token",
        "We got a token, but Graph refused it even after a new one. It is damaged, or for another cloud or service.",
        (
            "Check that the Microsoft cloud and the tenant ID in the credential are yours: {tenant_id}.",
            SUPPORT,
        ),
        "operator",
        confidence="medium",
    ),
    Cause(
        "token_expired",
        "The token ended too early",
        "Microsoft says that the token is past its end. We get a new one and try again.",
        ("Nothing to do. If it comes back, choose Copy support bundle and send it to our support.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "mailbox_closed_to_apps",
        "Microsoft did not let us into the mailbox",
        "It took neither our token nor said why. Often the tenant has no Exchange Online, or a new right is not known "
        "everywhere yet.",
        (
            "Check in the Microsoft 365 admin center that {mailbox} has a mailbox in Exchange Online.",
            "If the app was approved or limited a moment ago, wait up to two hours and test again.",
        ),
        "microsoft_admin",
        confidence="medium",
    ),
    Cause(
        "graph_access_denied",
        "The app may not send as this mailbox",
        "Microsoft knows the app but does not let it send as {mailbox}. The permission Mail.Send is missing or not "
        "approved, or the app is limited to other mailboxes.",
        (
            "Open {link_permissions}: Microsoft Graph > Mail.Send must read Granted. If not, Grant admin consent.",
            "If the app is limited to some mailboxes, add {mailbox} to that group. Check it with "
            "Test-ServicePrincipalAuthorization -Identity {app_id} -Resource {mailbox_id}",
            _LATER,
        ),
        "microsoft_admin",
    ),
    Cause(
        "drafts_denied",
        "The app may not make drafts in this mailbox",
        "Verified sending is on for this setup. It needs the permission Mail.ReadWrite beside Mail.Send, and Microsoft "
        "does not let the app use it in {mailbox}.",
        (
            "Open {link_permissions}: Microsoft Graph > Mail.ReadWrite (Application) must read Granted. If it is not "
            "in the list, add it, then Grant admin consent.",
            "If the app is limited to some mailboxes, give it the role Application Mail.ReadWrite for {mailbox} too.",
            "Or edit the setup and switch verified sending off.",
            _LATER,
        ),
        "microsoft_admin",
    ),
    Cause(
        "app_limited_to_other_mailboxes",
        "The app is limited to other mailboxes",
        "An access policy in Exchange keeps the app away from {mailbox}.",
        (
            "Add {mailbox} to the group that the policy names.",
            "Check it with Test-ApplicationAccessPolicy -AppId {app_id} -Identity {mailbox_id}",
            _LATER,
        ),
        "microsoft_admin",
    ),
    Cause(
        "directory_closed",
        "The app may not read the directory",
        "We asked Microsoft about users, which sending mail does not need. This is a fault on our side.",
        (SUPPORT,),
        "operator",
    ),
    Cause(
        "send_as_denied",
        "This mailbox may not send as {from_address}",
        "The From address is not the mailbox that sends, and it has no Send As right for it.",
        (
            "Give the right in the Exchange admin center: Recipients > Mailboxes > {from_address} > "
            "Delegation > Send as, add {mailbox}.",
            "Or in PowerShell: "
            "Add-RecipientPermission -Identity {sender_id} -Trustee {mailbox_id} -AccessRights SendAs",
            "A new right takes up to an hour.",
            "Or use the mailbox's own address as the From address.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "alias_denied",
        "Exchange does not let {mailbox} send as its alias {from_address}",
        "{from_address} is a second address of the mailbox, whose main one is {main_address}. Exchange takes aliases "
        "only where the organisation allows that, and it takes a Send As right for them from nobody.",
        (
            "Type {main_address} as the From address here, then choose Test again.",
            "Or, to keep the alias, an Exchange admin runs this for the whole organisation and waits an hour: "
            "Set-OrganizationConfig -SendFromAliasEnabled $true",
        ),
        "workspace_admin",
    ),
    Cause(
        "own_address_denied",
        "This mailbox may not send as its own address {from_address}",
        "The From address and the mailbox are the same, so no Send As right is missing. Most likely the mailbox's main "
        "address is another one, and {from_address} is its second name or the name it signs in with.",
        (
            "Look in the Exchange admin center: Recipients > Mailboxes > {mailbox} > Manage email address types. The "
            "main one is marked as primary.",
            "Type the primary address as From address and as Username here, then choose Test again.",
            "If {from_address} is the primary one and was changed lately, wait an hour and test again.",
        ),
        "microsoft_admin",
        confidence="medium",
    ),
)

MAILBOX = (
    Cause(
        "mailbox_blocked",
        "Microsoft has blocked this mailbox from sending",
        "Microsoft saw suspicious mail from it.",
        (
            "Open https://security.microsoft.com/restrictedusers, find {mailbox} and choose Unblock.",
            "Change its password first if somebody else used it.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "sending_limit_reached",
        "The mailbox has reached its sending limit",
        "A mailbox may write to 10,000 recipients in 24 hours, a new one to fewer. Mail flows again by itself.",
        ("Wait. The limit counts the last 24 hours.", "Spread large mailings over several days or mailboxes."),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "mailbox_full",
        "The mailbox is full",
        "Microsoft keeps a copy of each mail in Sent Items, and there is no room left.",
        ("Delete or archive old mail in {mailbox}, Sent Items first.",),
        "mailbox_user",
    ),
    Cause(
        "mailbox_missing",
        "There is no Exchange Online mailbox for this address",
        "{mailbox} has no mailbox in the cloud: no licence, still being made, a guest, or on a server of your own.",
        (
            "In the Microsoft 365 admin center give {mailbox} a licence with Exchange Online, or use a shared mailbox.",
            "A new mailbox can take a day.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "mailbox_on_premises",
        "The mailbox is on a server of your own",
        "Graph reaches only mailboxes in Exchange Online, and {mailbox} is not there.",
        (
            "Move {mailbox} to Exchange Online, or send from a mailbox that is there.",
            "Or set up SMTP with the name of your own mail server.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "mailbox_unknown",
        "Microsoft does not know this mailbox",
        "There is no {mailbox} in the tenant {tenant_id}.",
        ("Check the Username and the From address for typing errors.", "Check that the tenant ID is the right one."),
        "workspace_admin",
    ),
    Cause(
        "mailbox_without_licence",
        "The mailbox has no valid licence",
        "The licence of {mailbox} has ended or was removed.",
        ("In the Microsoft 365 admin center give {mailbox} a licence with Exchange Online.",),
        "microsoft_admin",
    ),
    Cause(
        "mailbox_moving",
        "The mailbox is being moved",
        "Microsoft is moving or repairing the mailbox. We try again.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "throttled",
        "Microsoft asks us to slow down",
        "There was more mail in a short time than Microsoft takes from one mailbox. We wait and go on by ourselves.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
)

SERVICE = (
    Cause(
        "graph_unavailable",
        "Microsoft Graph has a fault",
        "Microsoft answers that its service has a fault at the moment. We try again.",
        ("Nothing to do. If it lasts, see https://status.cloud.microsoft.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "answer_lost",
        "Microsoft did not say whether it took the mail",
        "The mail was handed over, but no clear answer came back. It may have been accepted.",
        ("Look into Sent Items of {mailbox} before you send it again.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "graph_refused",
        "Microsoft Graph refused the mail",
        "We do not know this answer well enough to name the cause.",
        ("Read Microsoft's own words below.", SUPPORT),
        "operator",
        permanent=False,
        confidence="low",
        general=True,
    ),
)
CAUSES = (*MESSAGE, *ACCESS, *MAILBOX, *SERVICE)
