"""Causes that lie with the encryption and with certificates (RFC 8314, RFC 5280, X509_V_ERR_* of OpenSSL)."""

from __future__ import annotations

from mailsetup.mail_services.hints.app_causes import SUPPORT
from mailsetup.mail_services.hints.catalogue import Cause

_RENEW = "Only the people who run {host} can renew or correct it: tell {provider}."

MODES = (
    Cause(
        "tls_from_start_on_plain_port",
        "The server does not speak TLS from the start on port {port}",
        "It begins without encryption and wants STARTTLS instead.",
        ("Choose TLS: STARTTLS for port {port} (usual with 587), or port 465 with TLS from the start.",),
        "workspace_admin",
    ),
    Cause(
        "starttls_on_tls_port",
        "The server wants TLS from the start on port {port}",
        "It waited for encryption and said nothing, while we waited for its greeting.",
        ("Choose TLS: TLS from the start for port {port}, or port 587 with STARTTLS.",),
        "workspace_admin",
        confidence="medium",
    ),
    Cause(
        "provider_wants_starttls",
        "{host} has no port with TLS from the start",
        "This provider takes mail with STARTTLS only, so nothing answers on port {port}.",
        ("Set Port to 587 and TLS to STARTTLS, then choose Test again.",),
        "workspace_admin",
    ),
    Cause(
        "starttls_missing",
        "The server does not offer encryption",
        "{host} offers no STARTTLS on port {port}, so we did not sign in.",
        (
            "Try port 465 with TLS from the start.",
            "Ask {provider} for its encrypted port. If it always worked before, someone between us and the server may "
            "be removing the encryption.",
        ),
        "workspace_admin",
    ),
    Cause(
        "tls_injected",
        "Something spoke into the connection before it was encrypted",
        "Data arrived where only encryption may begin. We hung up, as that is how attacks look.",
        ("Tell {provider}: its server or something in between is faulty.",),
        "operator",
    ),
    Cause(
        "tls_too_old",
        "The server's encryption is too old",
        "{host} and we share no TLS version. We speak TLS 1.2 and later.",
        ("Have the server's admin switch on TLS 1.2 or later.",),
        "workspace_admin",
    ),
    Cause(
        "tls_weak",
        "The server's encryption is too weak",
        "{host} offers only ciphers or keys that are no longer safe.",
        ("Have the server's admin switch on current ciphers, and keys of 2048 bits or more.",),
        "workspace_admin",
    ),
    Cause(
        "tls_no_common_way",
        "The server broke off the encryption",
        "{host} and we found no way to encrypt that both accept: its ciphers or its name are set up in another way.",
        (
            "Type the Host exactly as {provider} writes it, and check Port and TLS.",
            "If they are right, have the server's admin switch on TLS 1.2 with current ciphers.",
        ),
        "workspace_admin",
        confidence="medium",
    ),
    Cause(
        "tls_client_certificate",
        "The server wants a certificate from us",
        "{host} lets in only clients that show a certificate of their own.",
        ("Ask {provider} for a server or port that lets people in with user name and password.",),
        "workspace_admin",
    ),
    Cause(
        "tls_failed",
        "The connection could not be encrypted",
        "The encryption with {host} did not come about.",
        ("Check Host, Port and TLS.", "Ask {provider} if they are right."),
        "workspace_admin",
        permanent=False,
        confidence="low",
        general=True,
    ),
)

CERTIFICATES = (
    Cause(
        "tls_certificate_expired",
        "The server's certificate has expired",
        "{host} shows a certificate that is past its end date, so we cannot be sure who answers.",
        (_RENEW,),
        "workspace_admin",
    ),
    Cause(
        "tls_certificate_not_yet_valid",
        "The server's certificate is not valid yet",
        "{host} shows a certificate whose time has not begun. Most often the clock of the side that checks is behind.",
        (SUPPORT, "Our support checks our clock. If that is right, tell {provider} about the certificate."),
        "operator",
        confidence="medium",
    ),
    Cause(
        "tls_certificate_expired_or_early",
        "The dates of the server's certificate do not fit",
        "The certificate of {host} has expired or is not valid yet. The answer does not say which.",
        (
            _RENEW,
            "If it is right there, our clock may be wrong: choose Copy support bundle and send it to our support.",
        ),
        "workspace_admin",
        confidence="medium",
    ),
    Cause(
        "tls_wrong_name",
        "The server's certificate is for another name",
        "Something answers at {host}, but its certificate does not name it.",
        ("Type the Host exactly as {provider} writes it. An alias of your own often does not fit.",),
        "workspace_admin",
    ),
    Cause(
        "tls_self_signed",
        "The server made its certificate itself",
        "Nobody we trust vouches for the certificate of {host}.",
        ("Have the server's admin install a certificate of a public authority, for example Let's Encrypt.",),
        "workspace_admin",
    ),
    Cause(
        "tls_private_authority",
        "A private authority issued the server's certificate",
        "{host} is vouched for by an authority that is not public. That is so inside companies, or where a proxy opens "
        "the encryption.",
        (
            "If this authority is your own or our network's, our support adds it: choose Copy support bundle.",
            "Otherwise have the server's admin install a certificate of a public authority.",
        ),
        "operator",
        confidence="medium",
    ),
    Cause(
        "tls_unknown_issuer",
        "We do not know who issued the server's certificate",
        "Its issuer is not a public authority, or the server leaves out part of the chain.",
        ("Have the server's admin install the full chain, or a certificate of a public authority.",),
        "workspace_admin",
    ),
    Cause(
        "tls_chain_incomplete",
        "The server leaves out part of its certificate chain",
        "{host} shows its own certificate, but not the one between it and a public authority.",
        ("Have the server's admin install the full chain (often a file named fullchain).",),
        "workspace_admin",
    ),
    Cause(
        "tls_revoked",
        "The server's certificate was withdrawn",
        "Its issuer has declared the certificate of {host} invalid.",
        (_RENEW,),
        "workspace_admin",
    ),
    Cause(
        "tls_inspected",
        "Something between us and Microsoft opens the encryption",
        "A certificate that is not Microsoft's answered in its place. Mostly that is a proxy of our own network.",
        (SUPPORT, "Our support lets {host} pass the proxy unopened, or adds the proxy's certificate to our store."),
        "operator",
    ),
)
CAUSES = (*MODES, *CERTIFICATES)
