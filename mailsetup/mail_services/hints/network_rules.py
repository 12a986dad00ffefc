"""What failures on the way mean: our own checks, look-up, connection, encryption, proxies and web pages."""

from __future__ import annotations

from typing import Any

from mailsetup.mail_services.clouds import CLOUDS
from mailsetup.mail_services.hints.catalogue import Rule
from mailsetup.mail_services.hints.providers import ONLY_STARTTLS

_OURS = ("settings", "message")
_TLS_PORTS, _PLAIN_PORTS = (465, 2465), (25, 587, 2525, 2587)
_NOT_FROM_START = ("starttls", "none", "")
# Names that no customer types wrong: when these fail, the fault is on our way out.
_MICROSOFT = tuple(
    sorted(
        {cloud.smtp_host for cloud in CLOUDS.values()}
        | {cloud.graph_host for cloud in CLOUDS.values()}
        | {cloud.login_url.removeprefix("https://") for cloud in CLOUDS.values()}
    )
)
_TAMPERED = ("self_signed", "private_authority", "unknown_issuer", "chain_incomplete", "wrong_name")
_DATES = ("expired", "not_yet_valid", "dates")
_UNREACHABLE = ("refused", "timeout", "unreachable", "closed", "no_such_name", "no_address", "lookup_failed")


def _at_microsoft(cause: str, *channels: str, **more: Any) -> tuple[Rule, ...]:
    """The rule for Microsoft's servers, known by name, or by the kind of mail service."""
    return (
        Rule(cause, channels, hosts=_MICROSOFT, **more),
        Rule(cause, channels, facts={"microsoft": True}, **more),
    )


_OWN_CHECKS = (
    *(
        Rule(slug, _OURS, codes=(slug,))
        for slug in (
            "credential_missing",
            "not_signed_in",
            "permission_missing",
            "platform_app_missing",
            "certificate_expired",
            "plain_login",
            "needs_smtputf8",
            "needs_8bitmime",
            "no_recipients",
            "address_malformed",
        )
    ),
    Rule("message_too_large", ("message",), codes=("too_large",)),
)

_WAY = (
    Rule("provider_wants_starttls", ("tcp", "tls", "smtp_exception"), hosts=ONLY_STARTTLS, ports=_TLS_PORTS),
    Rule("host_not_public", ("dns", "tcp"), codes=("not_public",)),
    Rule("host_malformed", ("dns",), codes=("malformed",)),
    *_at_microsoft("microsoft_unreachable", "dns", "tcp", codes=_UNREACHABLE),
    Rule("host_unknown", ("dns",), codes=("no_such_name",)),
    Rule("host_without_address", ("dns",), codes=("no_address",)),
    Rule("look_up_failed", ("dns",), codes=("lookup_failed", "timeout")),
    Rule("our_side_exhausted", ("tcp",), codes=("exhausted",)),
    Rule("our_firewall", ("tcp",), codes=("forbidden",)),
    Rule("proxy_login", ("tcp", "http"), codes=("proxy_login",)),
    Rule("proxy_failed", ("tcp",), codes=("proxy",)),
    Rule(
        "port_25_blocked", ("tcp", "smtp_exception"), codes=("timeout", "refused"), ports=(25,), stages=("connect", "")
    ),
    Rule("connection_refused", ("tcp",), codes=("refused",)),
    Rule("connection_timeout", ("tcp",), codes=("timeout",)),
    Rule("connection_refused", ("tcp",), codes=("no_connection",), confidence="medium"),
    Rule("connection_dropped", ("tcp",), codes=("closed",)),
    Rule("connection_unreachable", ("tcp",), codes=("unreachable",)),
)

_TLS = (
    Rule("starttls_missing", ("tls",), codes=("starttls_missing",)),
    Rule("tls_injected", ("tls",), codes=("injected",)),
    Rule("starttls_on_tls_port", ("tls", "smtp_exception"), codes=("tls_greeting",), confidence="high"),
    *_at_microsoft("our_clock_wrong", "tls", codes=_DATES, confidence="medium"),
    *_at_microsoft("tls_inspected", "tls", codes=_TAMPERED),
    Rule("tls_from_start_on_plain_port", ("tls",), codes=("wrong_version",), tls=("implicit", "")),
    Rule("tls_from_start_on_plain_port", ("tls",), codes=("timeout", "closed"), tls=("implicit",), ports=_PLAIN_PORTS),
    Rule("tls_certificate_expired", ("tls",), codes=("expired",)),
    Rule("tls_certificate_not_yet_valid", ("tls",), codes=("not_yet_valid",)),
    Rule("tls_certificate_expired_or_early", ("tls",), codes=("dates",)),
    Rule("tls_wrong_name", ("tls",), codes=("wrong_name",)),
    Rule("tls_self_signed", ("tls",), codes=("self_signed",)),
    Rule("tls_private_authority", ("tls",), codes=("private_authority",)),
    Rule("tls_unknown_issuer", ("tls",), codes=("unknown_issuer",)),
    Rule("tls_chain_incomplete", ("tls",), codes=("chain_incomplete",)),
    Rule("tls_revoked", ("tls",), codes=("revoked",)),
    Rule("tls_too_old", ("tls",), codes=("old_protocol",)),
    Rule("tls_weak", ("tls",), codes=("weak",)),
    Rule("tls_client_certificate", ("tls",), codes=("client_certificate",)),
    *_at_microsoft("microsoft_unreachable", "tls"),
    Rule("tls_no_common_way", ("tls",), codes=("no_common_way",)),
    Rule("tls_failed", ("tls",)),
)

_TALK = (
    Rule("answer_lost_smtp", ("smtp_exception",), codes=("answer_lost",)),
    Rule("answer_lost_smtp", ("smtp_exception",), codes=("timeout", "closed"), stages=("accept",)),
    Rule("answer_lost", ("http",), codes=("answer_lost",)),
    Rule(
        "starttls_on_tls_port",
        ("smtp_exception",),
        codes=("timeout", "closed", "bad_reply"),
        stages=("connect", ""),
        tls=_NOT_FROM_START,
        ports=_TLS_PORTS,
    ),
    Rule("no_greeting", ("smtp_exception",), codes=("timeout",), stages=("connect",), tls=("starttls", "none")),
    Rule("server_too_slow", ("smtp_exception", "http"), codes=("timeout",)),
    Rule("reply_unreadable", ("smtp_exception",), codes=("bad_reply", "reply_too_long")),
    Rule("proxy_page", ("http",), codes=("proxy_page",)),
    Rule("proxy_failed", ("http",), codes=("proxy",)),
    Rule("proxy_login", ("http",), statuses=(407,)),
    Rule("web_throttled", ("http",), statuses=(429,)),
    Rule("web_service_fault", ("http",), codes=("server_fault",)),
    Rule("web_service_fault", ("http",), statuses=(500, 502, 503, 504, *range(520, 528))),
    Rule("proxy_page", ("http",), statuses=(511,)),
    Rule("web_page_instead", ("http",), statuses=(301, 302, 303, 307, 308)),
    Rule("web_page_instead", ("http",), codes=("web_page",)),
    Rule("web_address_wrong", ("http",), statuses=(404, 405, 410)),
    Rule("web_access_refused", ("http",), statuses=(400, 401, 403)),
    Rule("connection_dropped", ("smtp_exception", "http"), codes=("closed",)),
    Rule("unknown"),
)
RULES = (*_OWN_CHECKS, *_WAY, *_TLS, *_TALK)
