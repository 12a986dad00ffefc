"""Causes on the way to the service: settings, names, connections, proxies; and limits we check ourselves."""

from __future__ import annotations

from mailsetup.mail_services.hints.app_causes import SUPPORT
from mailsetup.mail_services.hints.catalogue import Cause

SETTINGS = (
    Cause(
        "credential_missing",
        "No credential is chosen",
        "This kind of mail service needs one to sign in with.",
        ("Open the setup, step Credential, and choose or make one.",),
        "workspace_admin",
    ),
    Cause(
        "not_signed_in",
        "Nobody has signed in yet",
        "The credential waits for the owner of the mailbox to sign in at Microsoft.",
        ("Open the credential and choose Reconnect. Sign in as {mailbox}.",),
        "mailbox_user",
    ),
    Cause(
        "platform_app_missing",
        "Signing in through our app is not set up here",
        "The operator of this service has not entered an app at Microsoft.",
        ("Choose an app of your own organisation in the credential, or ask our support.",),
        "operator",
    ),
    Cause(
        "certificate_expired",
        "The app's certificate has expired",
        "The certificate in the credential ended on {ended}, so Microsoft would refuse it.",
        (
            "Make a new certificate and upload its public part: {link_secrets}.",
            "Then upload it, with its private key, in the credential.",
        ),
        "microsoft_admin",
    ),
    Cause(
        "plain_login",
        "The password would travel without encryption",
        "TLS is off and a login is set, so we did not connect.",
        (
            "Choose STARTTLS with port 587, or TLS from the start with port 465.",
            "If the server is in your own network and offers neither, tick Send the password without encryption.",
        ),
        "workspace_admin",
    ),
)

NAMES = (
    Cause(
        "host_unknown",
        "There is no server named {host}",
        "The name could not be found.",
        ("Check the Host for typing errors, and compare it with what {provider} says.",),
        "workspace_admin",
    ),
    Cause(
        "host_without_address",
        "The name {host} leads to no server",
        "The name exists, but has no address of a server. It may be a domain for mail addresses only.",
        ("Enter the name of the mail server as Host, often smtp. or mail. before the domain. Ask {provider}.",),
        "workspace_admin",
    ),
    Cause(
        "host_malformed",
        "The Host is not a name of a server",
        "It holds characters, or lengths, that a name cannot have.",
        ("Enter only the server's name as Host, such as smtp.example.com, without blanks, slashes or https.",),
        "workspace_admin",
    ),
    Cause(
        "look_up_failed",
        "The server's name could not be looked up just now",
        "The look-up failed or took too long. We try again.",
        ("Nothing to do. If it lasts, check that {host} is right.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "host_not_public",
        "{host} is not on the public internet",
        "We connect only to public servers, on the ports that mail servers use (25, 465, 587, 2465, 2525, 2587).",
        (
            "Type the public name of your mail server and one of these ports.",
            "A server inside a private network can be allowed by the operator of this service.",
        ),
        "workspace_admin",
    ),
)

CONNECTIONS = (
    Cause(
        "connection_refused",
        "{host} does not take connections on port {port}",
        "The server answered that nothing listens there.",
        ("Check the port: 587 with STARTTLS is usual, 465 with TLS from the start.",),
        "workspace_admin",
        permanent=False,
    ),
    Cause(
        "connection_timeout",
        "{host} does not answer on port {port}",
        "Nothing came back in time: the server is down, a firewall drops us, or the port is wrong.",
        (
            "Check Host and Port. Try 587 with STARTTLS.",
            "If the server has a firewall, its admin must let our addresses in.",
        ),
        "workspace_admin",
        permanent=False,
    ),
    Cause(
        "port_25_blocked",
        "Port 25 seems to be blocked",
        "Many networks let no program use port 25. It is meant for mail between servers.",
        (
            "Set Port to 587 and TLS to STARTTLS, then choose Test again.",
            "If {host} offers only port 25, its admin must let our addresses in.",
        ),
        "workspace_admin",
        permanent=False,
        confidence="medium",
    ),
    Cause(
        "connection_unreachable",
        "{host} cannot be reached",
        "There is no way through the network to the server at the moment.",
        ("Nothing to do at first. We try again.", "If it lasts, check Host and Port."),
        "nobody_wait",
        permanent=False,
        confidence="medium",
    ),
    Cause(
        "our_firewall",
        "Our own network does not let the connection out",
        "A firewall on our side forbids connections to {host} on port {port}.",
        (SUPPORT, "Our support opens the way out."),
        "operator",
    ),
    Cause(
        "our_side_exhausted",
        "Our server has no room for another connection",
        "Too many connections were open on our side. We try again.",
        (SUPPORT,),
        "operator",
        permanent=False,
    ),
    Cause(
        "microsoft_unreachable",
        "We cannot reach Microsoft from our network",
        "{host} is a server of Microsoft, and our connection to it fails. We try again.",
        ("If it lasts more than a few minutes: " + SUPPORT, "See also https://status.cloud.microsoft."),
        "operator",
        permanent=False,
        confidence="medium",
    ),
    Cause(
        "connection_dropped",
        "The server ended the connection",
        "{host} hung up before it answered. We try again.",
        ("Nothing to do. If it lasts, ask {provider} whether our addresses are blocked.",),
        "nobody_wait",
        permanent=False,
        general=True,
    ),
    Cause(
        "no_greeting",
        "{host} is silent on port {port}",
        "The connection was made, but the server did not say a word. Either it waits for TLS from the start, "
        "or something between us and it holds the connection.",
        (
            "Compare Port and TLS with what {provider} says: TLS from the start usually goes with port 465, "
            "STARTTLS with port 587.",
            "If they are right, ask {provider}. It may be busy, and we try again.",
        ),
        "workspace_admin",
        permanent=False,
        confidence="medium",
    ),
    Cause(
        "server_too_slow",
        "The server took too long",
        "{host} was connected but did not answer in time. We try again.",
        ("Nothing to do. If it lasts, ask {provider}.",),
        "nobody_wait",
        permanent=False,
        general=True,
    ),
    Cause(
        "answer_lost_smtp",
        "The server did not say whether it took the mail",
        "The mail was handed over completely, then the connection broke. It may have been accepted.",
        ("Ask the recipient before you send it again.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "reply_unreadable",
        "The server does not speak SMTP as it should",
        "What {host} answered is not an SMTP reply, or far too long.",
        ("Check Host and Port: another service may listen there.",),
        "workspace_admin",
        confidence="medium",
    ),
)

WEB = (
    Cause(
        "proxy_failed",
        "The proxy of this service did not let the connection through",
        "All connections go out through a proxy here, and it refused or did not answer.",
        (SUPPORT,),
        "operator",
        permanent=False,
    ),
    Cause(
        "proxy_login",
        "The proxy of this service wants a sign-in",
        "Connections go out through a proxy here, and it does not accept user name or password.",
        (SUPPORT, "Our support corrects the proxy's address and password. Nothing in your settings is wrong."),
        "operator",
    ),
    Cause(
        "proxy_page",
        "A page of our network answered instead of the service",
        "A proxy, filter or sign-in page stands between us and {host}, and showed its own page.",
        (SUPPORT, "Our support lets {host} through. Nothing in your settings is wrong."),
        "operator",
    ),
    Cause(
        "web_page_instead",
        "A web page answered instead of the service",
        "We got a page made for people. Often a proxy or filter of a network puts it in between.",
        (SUPPORT, "If the address of the service was typed by hand, check it."),
        "operator",
        confidence="medium",
    ),
    Cause(
        "web_service_fault",
        "The service has a fault at the moment",
        "{host} answered that it cannot work just now. We try again.",
        ("Nothing to do. If it lasts, ask the people who run the service.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "web_throttled",
        "The service asks us to slow down",
        "{host} got more requests in a short time than it takes. We wait and go on by ourselves.",
        ("Nothing to do.",),
        "nobody_wait",
        permanent=False,
    ),
    Cause(
        "web_address_wrong",
        "There is nothing at this address",
        "{host} answers, but knows no such address.",
        ("Check the address that was entered, letter by letter.",),
        "workspace_admin",
        confidence="medium",
    ),
    Cause(
        "web_access_refused",
        "The service does not let us in",
        "{host} answered that we may not use this address.",
        ("Check the address and what is entered to sign in there.", "Read the service's own words below."),
        "workspace_admin",
        confidence="low",
        general=True,
    ),
)

MAIL = (
    Cause(
        "needs_smtputf8",
        "The server cannot mail to addresses with such letters",
        "An address of this mail has letters beyond a to z, which {host} does not take.",
        ("Use an address with plain letters.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "needs_8bitmime",
        "The server takes only plain characters",
        "This mail holds characters that {host} cannot carry.",
        ("Send the mail with its text encoded as base64 or quoted-printable.",),
        "operator",
        scope="message",
    ),
    Cause(
        "no_recipients",
        "The mail has no recipient",
        "There is nobody to send it to.",
        ("Give at least one address under To, Cc or Bcc.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "address_malformed",
        "An address of this mail cannot be used",
        "It holds characters that do not belong in an address, or lacks a part.",
        ("Correct the address, then send the mail again.",),
        "workspace_admin",
        scope="message",
    ),
    Cause(
        "no_fault",
        "This answer names no error",
        "A service says this when all is well.",
        ("Nothing to do. If mail does not flow, look at what comes after this answer.",),
        "nobody_wait",
        permanent=False,
        confidence="medium",
        general=True,
    ),
    Cause(
        "unknown",
        "The mail service failed in a way we do not know",
        "We cannot name the cause from its answer.",
        (
            "Read the service's own words below.",
            "If you changed a setting just before, change it back and test again.",
            SUPPORT,
        ),
        "operator",
        permanent=False,
        confidence="low",
        general=True,
    ),
)
CAUSES = (*SETTINGS, *NAMES, *CONNECTIONS, *WEB, *MAIL)
