"""What Microsoft's sign-in service and Graph may answer, by the sandbox's switches: stage and cause that are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Refusal:
    """One switch of the sandbox, and what a customer should be told."""

    switch: str
    cause: str
    stage: str = "accept"
    quick: bool = False


TOKEN = (
    Refusal("AADSTS7000215", "client_secret_wrong", "token"),
    Refusal("AADSTS7000222", "client_secret_expired", "token", quick=True),
    Refusal("AADSTS7000216", "client_secret_missing", "token"),
    Refusal("AADSTS700025", "app_is_public", "token"),
    Refusal("AADSTS700016", "app_not_found", "token"),
    Refusal("AADSTS7000229", "app_not_in_tenant", "token"),
    Refusal("AADSTS7000112", "app_disabled", "token"),
    Refusal("AADSTS700027", "certificate_not_registered", "token"),
    Refusal("AADSTS700024", "our_clock_wrong", "token"),
    Refusal("AADSTS50027", "signature_malformed", "token"),
    Refusal("AADSTS90002", "tenant_not_found", "token"),
    Refusal("AADSTS90038", "wrong_cloud", "token"),
    Refusal("AADSTS900382", "app_in_other_cloud", "token"),
    Refusal("AADSTS50059", "tenant_id_missing", "token"),
    Refusal("AADSTS50194", "app_single_tenant", "token"),
    Refusal("AADSTS900144", "request_malformed", "token"),
    Refusal("AADSTS1002012", "scope_wrong", "token"),
    Refusal("AADSTS500011", "exchange_not_in_tenant", "token"),
    Refusal("AADSTS501051", "permission_missing", "token"),
    Refusal("AADSTS53003", "conditional_access", "token"),
    Refusal("AADSTS50196", "too_many_requests_to_sign_in", "token"),
    Refusal("AADSTS90033", "microsoft_sign_in_unavailable", "token"),
    Refusal("AADSTS50000", "microsoft_sign_in_broken", "token"),
    Refusal("AADSTS80001", "directory_agent_down", "token"),
)
GRAPH = (
    Refusal("graph:ErrorAccessDenied", "graph_access_denied", "sender", quick=True),
    Refusal("graph:access-policy", "app_limited_to_other_mailboxes", "sender"),
    Refusal("graph:ErrorSendAsDenied", "own_address_denied", "sender"),
    Refusal("graph:ErrorAccountSuspend", "mailbox_blocked", "sender"),
    Refusal("graph:AccessDenied", "conditional_access", "sender"),
    Refusal("graph:ErrorInvalidLicense", "mailbox_without_licence", "sender"),
    Refusal("graph:MailboxNotEnabledForRESTAPI", "mailbox_missing", "sender"),
    Refusal("graph:404-ErrorInvalidUser", "mailbox_unknown", "sender"),
    Refusal("graph:extensionError", "mailbox_on_premises", "sender"),
    Refusal("graph:ErrorQuotaExceeded", "mailbox_full", "sender"),
    Refusal("graph:ErrorExceededMessageLimit", "sending_limit_reached", "sender"),
    Refusal("graph:ErrorInvalidRecipients", "recipient_invalid", "recipient"),
    Refusal("graph:ErrorMessageSizeExceeded", "message_too_large"),
    Refusal("graph:BadRequest", "message_malformed"),
    Refusal("graph:InvalidAuthenticationToken", "token_expired", "authenticate"),
    Refusal("graph:invalid-audience", "token_refused", "authenticate"),
    Refusal("graph:401-empty", "mailbox_closed_to_apps", "authenticate"),
    Refusal("graph:TooManyRequests", "throttled", "authenticate"),
    Refusal("graph:ErrorMailboxMoveInProgress", "mailbox_moving", "authenticate"),
    Refusal("graph:ErrorInternalServerError", "graph_unavailable", "authenticate"),
    Refusal("graph:ServiceUnavailable", "graph_unavailable", "authenticate"),
    Refusal("graph:504", "answer_lost", "authenticate"),
    Refusal("graph:502-html", "answer_lost", "authenticate"),
    Refusal("graph:proxy-page", "proxy_page", "authenticate"),
    Refusal("graph:captive-page", "proxy_page", "authenticate"),
    Refusal("graph:407", "proxy_login", "authenticate"),
)
REFUSALS = (*TOKEN, *GRAPH)
