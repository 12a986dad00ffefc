"""How failures on the way are told: by Python, OpenSSL, Windows, Node, Go, Java, .NET, curl and dnspython.

Each line: channel, code, phrases in lower case of which one is in the text. What says more stands first.
"""

from __future__ import annotations

from mailsetup.mail_services.hints.reading import foreign_signs
from mailsetup.mail_services.hints.reading.foreign_signs import Sign

OURS: tuple[Sign, ...] = (
    ("tcp", "not_public", ("does not lead to a public address", "is not one that mail or web servers use")),
    ("tcp", "not_public", ("private address", "not a public address", "non-public", "loopback address")),
    ("tcp", "not_public", ("private ip", "internal address", "reserved address", "address is not allowed")),
    ("tcp", "proxy_login", ("407 proxy", "proxy authentication required")),
    ("tcp", "proxy", ("tunnel connection failed", "cannot connect to proxy", "unable to connect to proxy")),
    ("tcp", "proxy", ("socks5", "socks server", "general socks", "proxyerror", "proxy refused")),
)

TLS: tuple[Sign, ...] = (
    ("tls", "starttls_missing", ("starttls extension not supported", "starttls not supported", "no starttls")),
    ("tls", "starttls_missing", ("does not support starttls", "starttls is not offered", "doesn't support starttls")),
    ("tls", "starttls_missing", ("not advertise starttls", "starttls not offered", "must issue starttls but")),
    ("tls", "tls_greeting", ("\x15\x03", "x15x03", "got a tls alert instead of", "reply: 15 03")),
    ("tls", "dates", ("has expired or is not yet valid", "expired or not yet valid", "not within its validity period")),
    ("tls", "not_yet_valid", ("not yet valid", "not valid yet", "not_yet_valid", "notyetvalid", "not valid before")),
    ("tls", "expired", ("certificate has expired", "cert_has_expired", "certificateexpired", "certificate expired")),
    ("tls", "expired", ("certificate is expired", "notaftercheck", "alert certificate expired", "sec_e_cert_expired")),
    ("tls", "dates", ("cert_date_invalid", "validity check failed")),
    ("tls", "expired", ("notafter:", "expired_certificate", "certexpired")),
    (
        "tls",
        "wrong_name",
        ("hostname mismatch", "name mismatch", "doesn't match", "does not match", "not match expected"),
    ),
    (
        "tls",
        "wrong_name",
        ("is not valid for", "altname", "namemismatch", "common_name_invalid", "ip address mismatch"),
    ),
    (
        "tls",
        "wrong_name",
        ("certificate is valid for", "no subject alternative", "wrong principal", "unrecognized name"),
    ),
    ("tls", "wrong_name", ("no alternative certificate subject", "bad_cert_domain", "legacy common name")),
    (
        "tls",
        "private_authority",
        ("certificate in certificate chain", "certificate in chain", "self_signed_cert_in_chain"),
    ),
    ("tls", "private_authority", ("signed by unknown authority", "untrustedroot", "untrusted root", "ca_untrusted")),
    (
        "tls",
        "private_authority",
        (
            "not trusted by the trust provider",
            "authority that is not trusted",
            "authority_invalid",
            "untrusted authority",
        ),
    ),
    (
        "tls",
        "self_signed",
        ("self-signed certificate", "self signed certificate", "depth_zero_self_signed", "selfsigned"),
    ),
    ("tls", "self_signed", ("certificate is self-signed", "certificate is self signed")),
    ("tls", "chain_incomplete", ("unable to verify the first certificate", "unable_to_verify_leaf", "partialchain")),
    ("tls", "chain_incomplete", ("incomplete chain", "missing intermediate", "chain is incomplete")),
    (
        "tls",
        "unknown_issuer",
        ("unable to get local issuer", "unable to get issuer", "unable_to_get_issuer", "unknown ca"),
    ),
    (
        "tls",
        "unknown_issuer",
        ("pkix path building failed", "unable to find valid certification path", "unknown issuer", "untrusted issuer"),
    ),
    ("tls", "unknown_issuer", ("remotecertificatechainerrors", "issuer is not recognized", "unknownissuer")),
    ("tls", "unknown_issuer", ("error_unknown_issuer", "issuer is unknown", "ca_unknown")),
    ("tls", "revoked", ("certificate revoked", "certificate_revoked", "has been revoked", "cert_revoked")),
    (
        "tls",
        "client_certificate",
        ("certificate required", "certificate_required", "peer did not return a certificate"),
    ),
    ("tls", "weak", ("dh key too small", "dh_key_too_small", "ee key too small", "ee_key_too_small", "ca md too weak")),
    ("tls", "weak", ("no shared cipher", "no_shared_cipher", "insufficient security", "ca_md_too_weak", "weak dh")),
    ("tls", "weak", ("key too weak", "certificate key too")),
    ("tls", "weak", ("no cipher suite", "cipher mismatch", "cipher_mismatch", "legacy renegotiation")),
    ("tls", "weak", ("unsafe_legacy_renegotiation", "key too small", "no ciphers available")),
    (
        "tls",
        "old_protocol",
        ("unsupported protocol", "unsupported_protocol", "alert protocol version", "protocol_version"),
    ),
    ("tls", "old_protocol", ("tlsv1_alert_protocol", "version too low", "version_too_low", "no_protocols_available")),
    (
        "tls",
        "old_protocol",
        ("unsupported tls version", "unsupported protocol version", "err_ssl_version", "no protocols av"),
    ),
    (
        "tls",
        "old_protocol",
        ("protocol version not supported", "tls 1.0 is not", "obsolete version", "tls handshake: proto"),
    ),
    ("tls", "old_protocol", ("do not possess a common algorithm",)),
    ("tls", "wrong_version", ("record_too_long", "unexpected tls packet", "unexpected message type")),
    (
        "tls",
        "wrong_version",
        ("wrong version number", "wrong_version_number", "record layer failure", "record_layer_failure"),
    ),
    (
        "tls",
        "wrong_version",
        ("does not look like a tls handshake", "unrecognized ssl message", "plaintext connection?"),
    ),
    ("tls", "wrong_version", ("packet length too long", "packet_length_too_long", "http_request", "ssl3_get_record")),
    (
        "tls",
        "wrong_version",
        ("invalid or unsupported security", "frame size", "unexpected packet format", "unknown protocol"),
    ),
    ("tls", "wrong_version", ("not an ssl/tls record", "unexpected eof while reading hello", "err_ssl_protocol_error")),
    (
        "tls",
        "timeout",
        ("handshake operation timed out", "handshake timed out", "handshake timeout", "_ssl.c:1112: the hand"),
    ),
    (
        "tls",
        "closed",
        ("eof occurred in violation of protocol", "unexpected eof while reading", "unexpected_eof_while"),
    ),
    ("tls", "closed", ("non-properly terminated", "tls connection was")),
    ("tls", "closed", ("ssl_error_syscall", "ssl connection has been closed", "connection closed during handshake")),
    ("tls", "no_common_way", ("alert handshake failure", "handshake_failure", "alert number 40", "handshake failure")),
    (
        "tls",
        "failed",
        ("certificate verify failed", "certificate_verify_failed"),
    ),
    ("tls", "failed", ("remote certificate is invalid", "sslhandshakeexception", "tls handshake", "ssl: ", "sslerror")),
)

DNS: tuple[Sign, ...] = (
    (
        "dns",
        "malformed",
        ("label empty or too long", "label too long", "'idna' codec", "a dns label is", "labeltoolong"),
    ),
    ("dns", "malformed", ("emptylabel", "invalid hostname", "invalid host name", "illegal character in hostname")),
    (
        "dns",
        "lookup_failed",
        ("temporary failure in name resolution", "eai_again", "servfail", "try again later (dns)"),
    ),
    (
        "dns",
        "lookup_failed",
        ("server misbehaving", "nonameservers", "all nameservers failed", "name resolution timed out"),
    ),
    (
        "dns",
        "lookup_failed",
        ("resolution lifetime expired", "lifetimetimeout", "dns operation timed out", "dns timeout"),
    ),
    (
        "dns",
        "lookup_failed",
        ("errno -3", "errno 11002", "winerror 11002", "could not contact dns", "dns server returned"),
    ),
    (
        "dns",
        "lookup_failed",
        ("getaddrinfo etimedout", "querya etimeout", "dns request timed out", "dns lookup timed out"),
    ),
    ("dns", "lookup_failed", ("dnssec", "communications error to", "no servers could be reached")),
    (
        "dns",
        "no_address",
        ("no address associated", "does not contain an answer", "no answer for", "noanswer", "enodata"),
    ),
    ("dns", "no_address", ("errno -5", "errno 11004", "winerror 11004", "valid, but no data record", "no data of the")),
    ("dns", "no_address", ("no a or aaaa", "no addresses", "has no a record", "errno -2] no address", "nodata")),
    ("dns", "no_such_name", ("name or service not known", "nxdomain", "nodename nor servname", "enotfound")),
    ("dns", "no_such_name", ("getaddrinfo failed", "no such host", "could not resolve", "unknownhostexception")),
    ("dns", "no_such_name", ("unknown host", "name does not resolve", "query name does not exist", "host not found")),
    ("dns", "no_such_name", ("name not resolved", "errno -2]", "errno 11001", "winerror 11001", "domain not found")),
    (
        "dns",
        "no_such_name",
        ("can't find", "non-existent domain", "remote name could not be resolved", "nameresolution"),
    ),
    ("dns", "timeout", ("failed to resolve", "nameresolutionerror")),
)

TCP: tuple[Sign, ...] = (
    ("tcp", "refused", ("connection refused", "econnrefused", "actively refused", "winerror 10061", "errno 111]")),
    ("tcp", "refused", ("errno 61]", "connectionrefused", "(10061)", "error 10061", "errno 10061")),
    ("tcp", "exhausted", ("too many open files", "cannot assign requested address", "emfile", "eaddrnotavail")),
    ("tcp", "exhausted", ("no buffer space", "errno 24]", "errno 99]", "winerror 10055", "winerror 10048")),
    (
        "tcp",
        "forbidden",
        ("winerror 10013", "errno 10013", "error 10013", "operation not permitted", "eacces", "eperm"),
    ),
    ("tcp", "forbidden", ("forbidden by its access permissions", "errno 1]", "errno 13]", "permission denied")),
    ("tcp", "unreachable", ("no route to host", "network is unreachable", "host is unreachable", "ehostunreach")),
    ("tcp", "unreachable", ("enetunreach", "host unreachable", "network unreachable", "unreachable host", "ehostdown")),
    (
        "tcp",
        "unreachable",
        ("winerror 10051", "winerror 10065", "error 10051", "error 10065", "errno 113]", "errno 101]"),
    ),
    ("tcp", "unreachable", ("unreachable network", "destination unreachable", "errno 65]", "errno 51]")),
    (
        "tcp",
        "timeout",
        ("timed out", "timeout", "time-out", "etimedout", "winerror 10060", "error 10060", "errno 110]"),
    ),
    (
        "tcp",
        "timeout",
        ("errno 60]", "errno 10060", "did not properly respond", "did not answer on port", "deadline exceeded"),
    ),
    (
        "tcp",
        "closed",
        ("connection reset", "econnreset", "forcibly closed", "winerror 10054", "error 10054", "errno 104]"),
    ),
    (
        "tcp",
        "closed",
        ("unexpectedly closed", "broken pipe", "epipe", "server disconnected", "please run connect() first"),
    ),
    ("tcp", "closed", ("connection was closed", "connection closed", "connection aborted", "remote end closed")),
    ("tcp", "closed", ("errno 54]", "errno 32]", "winerror 10053", "error 10053", "socket hang up", "empty reply")),
    ("tcp", "closed", ("smtpserverdisconnected", "closed the connection", "lost connection", "without response")),
)

SMTP: tuple[Sign, ...] = (
    ("smtp_exception", "login_not_offered", ("auth extension not supported", "no suitable authentication method")),
    (
        "smtp_exception",
        "login_not_offered",
        ("no supported authentication", "auth not supported", "does not support auth"),
    ),
    (
        "smtp_exception",
        "login_not_offered",
        ("authentication mechanism", "no compatible authentication", "doesn't support auth"),
    ),
    ("message", "needs_smtputf8", ("smtputf8", "internationalized email", "non-ascii address")),
    ("smtp_exception", "reply_too_long", ("line too long", "got more than 8192 bytes")),
    (
        "smtp_exception",
        "bad_reply",
        ("invalid reply", "not an smtp reply", "unexpected reply", "ssh-2.0", "+ok ", "* ok "),
    ),
    (
        "smtp_exception",
        "bad_reply",
        ("invalid smtp response", "bad greeting", "invalid greeting", "unexpected greeting"),
    ),
)

# What any program may say when it did not get further; whatever stands before tells more.
VAGUE: tuple[Sign, ...] = (
    (
        "tcp",
        "no_connection",
        ("failed to connect to", "couldn't connect to", "could not connect to", "connect() failed"),
    ),
    ("tcp", "no_connection", ("unable to connect to", "failed to connect", "connection could not be established")),
    ("smtp_exception", "login_failed", ("could not authenticate", "authentication failed", "unable to log in")),
)

SIGNS: tuple[Sign, ...] = (*OURS, *SMTP, *TLS, *DNS, *TCP, *foreign_signs.SIGNS, *VAGUE)
