"""What the answers of Microsoft's sign-in service mean (learn.microsoft.com, "Microsoft Entra error codes").

Words that decide alone come first, then the numbers (wrappers of other numbers last), then what is left
of suberror and error.
"""

from __future__ import annotations

from mailsetup.mail_services.hints.catalogue import SIGN_IN_CHANNELS, Rule, aadsts, oauth

_OUR_APP = {"app": "platform"}
_APP_SENDS = {"signs_in": "app"}
_UNAVAILABLE = (90033, 90006, 90012, 90024, 90090, 90091, 50033, 50087)
_SECRET_NUMBERS = (7000215, 7000222, 7000216, 7000218, 700027, 700030, 50012)
_MALFORMED = (70007, 7000113, 90004, 90013, 90117, 700009, 700051)
_REGISTRATION_NUMBERS = (700025, 50011, 500113, 9002325, 9002327, 700084, 650054, 650056, 650057, 65005, 50194, 90008)

_FIRST = (
    oauth("tenant_mismatch", "tenant_mismatch"),
    oauth("sign_in_interrupted", "state_mismatch"),
    oauth("our_clock_wrong", "clock"),
    oauth("tenant_not_found", "authority_unknown", confidence="medium"),
    oauth("no_fault", "no_error"),
    # Numbers that come with `temporarily_unavailable` although somebody has to act.
    aadsts("directory_agent_down", 80001, 80002, 80005, 80014),
    aadsts("app_disabled", 1000031),
    oauth("microsoft_sign_in_unavailable", "temporarily_unavailable"),
    oauth("microsoft_sign_in_unavailable", "unreadable_answer", confidence="medium"),
    aadsts("platform_secret_refused", *_SECRET_NUMBERS, facts=_OUR_APP),
    aadsts("platform_app_fault", *_REGISTRATION_NUMBERS, 900382, 900432, facts=_OUR_APP),
)

_APP = (
    aadsts("client_secret_expired", 7000222),
    aadsts("client_secret_wrong", 7000215),
    aadsts("client_secret_wrong", 50012, says=("client secret is provided", "invalid client secret")),
    aadsts("client_secret_missing", 7000216, 7000218),
    aadsts("app_is_public", 700025),
    aadsts("app_not_found", 700016, 700011),
    aadsts("app_not_in_tenant", 7000229),
    aadsts("app_disabled", 7000112),
    aadsts("our_clock_wrong", 700024, 50013, 500133, says=("time range", "clock", "not yet valid")),
    aadsts("our_clock_wrong", 700024, 500133),
    aadsts("certificate_not_registered", 700027, 50012, 700030),
    aadsts("our_tls_too_old", 1002016),
    aadsts("signature_malformed", 700023, 700021, 50027, 50048, 50013, 500131),
    aadsts("request_malformed", 100007, 900144, 90014, 90015, 90009, 70003, 70005, 700054, 7000114, 90010, *_MALFORMED),
    aadsts("scope_wrong", 1002012, 70011, 650053, 700022, 28002, 28003),
)

_TENANT = (
    aadsts("tenant_not_found", 90002, 900023, 900021, 50049),
    aadsts("wrong_cloud", 90038, 90051),
    aadsts("app_in_other_cloud", 900382, 900432),
    aadsts("tenant_id_missing", 50059, 50128, 90019, 9001023, 90130, 90124),
    aadsts("app_single_tenant", 50194),
    aadsts("redirect_uri_missing", 50011, 500113, 70004),
    aadsts("request_malformed", 900971, confidence="high"),
    aadsts("redirect_uri_under_spa", 9002325, 9002327, 700084),
    aadsts("sign_in_mixed_up", 9002326, 9002313, 700005, 501481, 50147, 501491),
    aadsts("exchange_not_in_tenant", 500011, 500014, 50001, 650052),
)

_CONSENT = (
    aadsts("permission_missing", 650056, 650057, 65005, 650054, 501051, 90008),
    aadsts("admin_consent_missing", 65001, facts=_APP_SENDS),
    aadsts("admin_declined", 65004, says=("admin_consent=true",)),
    aadsts("consent_declined", 65004),
    aadsts("admin_consent_needed", 90094, 90095),
    aadsts("partner_admin_refused", 90099, 530034),
    aadsts("consent_missing", 65001),
    aadsts("user_not_assigned", 50105),
)

_PEOPLE = (
    aadsts("personal_account", 500208),
    aadsts("wrong_account", 50034, 50020, 16000, 16003, 51004, 50014, 90072, 50177, 50178),
    aadsts("sign_in_password_wrong", 50126, 50064, 50054),
    aadsts("account_locked", 50053),
    aadsts("password_changed", 50055, 50144, 50132, 50133, 50142),
    aadsts("password_missing", 50056),
    aadsts("account_disabled", 50057, 500571),
    aadsts("mfa_needed", 50072, 50074, 50076, 50078, 50079, 500121, 50158),
    aadsts("mfa_service_refused", 50161),
    aadsts("device_required", 50097, 50129, 50187, 50155, 50127, 700003),
    aadsts("device_refused", 53000, 53001, 53002, 53009, 530003),
    aadsts("device_key_lost", 135010, 135011),
    aadsts("conditional_access", 53003, 53004, 53010, 53011, 530032, 530035, 50131),
    aadsts("organisations_kept_apart", 500212, 500213),
    aadsts("tenant_restricted", 500021, 500022, 50002),
)

_SESSION = (
    aadsts("sign_in_interrupted", 54005, 900561, 50089, 50085, 50143, 90007),
    aadsts("sign_in_unfinished", 50140, 50199, 50125, 50135),
    aadsts("grant_expired", 700082, 70008),
    aadsts("sign_in_frequency", 70043, 70044),
    aadsts("grant_revoked", 50173),
    aadsts("sign_in_needed", 50058, 700020, confidence="high"),
    aadsts("too_many_requests_to_sign_in", 50196, 90055, 50088),
    aadsts("microsoft_sign_in_unavailable", *_UNAVAILABLE),
    aadsts("microsoft_sign_in_broken", 50000, 90036, 90092),
    # These stand before other numbers in an answer and say less than they do.
    aadsts("app_not_found", 70001),
    aadsts("platform_secret_refused", 70002, facts=_OUR_APP),
    aadsts("client_secret_wrong", 70002),
    aadsts("grant_refused", 70000),
)

_REST = (
    Rule("proxy_login", SIGN_IN_CHANNELS, statuses=(407,)),
    Rule("too_many_requests_to_sign_in", SIGN_IN_CHANNELS, statuses=(429,)),
    oauth("microsoft_sign_in_unavailable", "server_error"),
    Rule("admin_consent_missing", SIGN_IN_CHANNELS, suberrors=("consent_required",), facts=_APP_SENDS),
    Rule("consent_missing", SIGN_IN_CHANNELS, suberrors=("consent_required",)),
    Rule("mfa_needed", SIGN_IN_CHANNELS, suberrors=("basic_action",)),
    Rule("device_required", SIGN_IN_CHANNELS, suberrors=("additional_action", "device_authentication_failed")),
    Rule("conditional_access", SIGN_IN_CHANNELS, suberrors=("message_only", "protection_policy_required")),
    Rule("password_changed", SIGN_IN_CHANNELS, suberrors=("user_password_expired",)),
    Rule("grant_revoked", SIGN_IN_CHANNELS, suberrors=("bad_token", "token_expired"), confidence="medium"),
    Rule("grant_refused", SIGN_IN_CHANNELS, suberrors=("client_mismatch",)),
    oauth("admin_consent_missing", "consent_required", facts=_APP_SENDS),
    oauth("consent_missing", "consent_required"),
    oauth("admin_declined", "access_denied", "permission_denied", says=("admin_consent=true",)),
    oauth("consent_declined", "access_denied", "permission_denied", confidence="medium"),
    oauth("consent_declined", "authorization_declined"),
    oauth("mfa_needed", "interaction_required", confidence="medium"),
    oauth("sign_in_interrupted", "expired_token", "bad_verification_code"),
    oauth("sign_in_needed", "invalid_grant", "login_required", "account_missing"),
    oauth("app_not_allowed", "unauthorized_client"),
    oauth("platform_secret_refused", "invalid_client", facts=_OUR_APP, confidence="medium"),
    oauth("client_refused", "invalid_client"),
    oauth("tenant_not_found", "invalid_tenant"),
    oauth("exchange_not_in_tenant", "invalid_resource", confidence="medium"),
    oauth("scope_wrong", "invalid_scope", confidence="medium"),
    oauth("request_malformed", "invalid_request", "unsupported_grant_type", "unsupported_response_type"),
    Rule("microsoft_sign_in_unavailable", SIGN_IN_CHANNELS, statuses=(500, 502, 503, 504)),
    Rule("sign_in_refused", SIGN_IN_CHANNELS),
)
RULES = (*_FIRST, *_APP, *_TENANT, *_CONSENT, *_PEOPLE, *_SESSION, *_REST)
