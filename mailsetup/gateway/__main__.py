"""`python -m mailsetup.gateway`: listens for mail by SMTP until asked to stop.

MAILSETUP_GATEWAY_LISTEN            host:port; without it there is no gateway
MAILSETUP_GATEWAY_CERTIFICATE_FILE  PEM; needed unless it listens on this machine alone
MAILSETUP_GATEWAY_KEY_FILE          PEM; left out when the key is in the certificate's file
"""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import ssl
import sys

import structlog

from mailsetup import settings
from mailsetup.core import db, logs
from mailsetup.core.errors import SettingsError
from mailsetup.gateway.door import smtp_factory
from mailsetup.settings import Settings
from mailsetup.workspaces.starting import refuse_unsafe_start

log = structlog.get_logger()


def tls_context(current: Settings) -> ssl.SSLContext | None:
    """The certificate to show; none when only this machine can connect. Raises SettingsError."""
    host, _port = listen_on(current)
    if current.gateway_certificate_file is None:
        if not _loopback(host):
            raise SettingsError(
                "MAILSETUP_GATEWAY_CERTIFICATE_FILE is missing: keys would travel in the clear to this address."
            )
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(current.gateway_certificate_file, current.gateway_key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError("MAILSETUP_GATEWAY_CERTIFICATE_FILE does not hold a certificate with its key.") from error
    return context


def listen_on(current: Settings) -> tuple[str, int]:
    """Host and port. Raises SettingsError when the gateway is not configured."""
    if current.gateway_listen is None:
        raise SettingsError("MAILSETUP_GATEWAY_LISTEN is missing: say host:port to have an SMTP gateway.")
    return current.gateway_listen


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


async def serve(current: Settings, stop: asyncio.Event, ready: asyncio.Event | None = None) -> None:
    """Listens until `stop` is set; a conversation that is going on is heard to its end."""
    host, port = listen_on(current)
    context = tls_context(current)
    server = await asyncio.get_running_loop().create_server(lambda: smtp_factory(context), host, port)
    log.info("gateway_listens", host=host, port=port, starttls=context is not None)
    if ready is not None:
        ready.set()
    async with server:
        await stop.wait()


async def _until_asked(current: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(current, stop)


def main() -> int:
    """Runs the gateway."""
    try:
        current = settings.start(settings.load())
        refuse_unsafe_start(db.engine())
        listen_on(current)
        tls_context(current)
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the log is not set up yet
        return 2
    logs.configure(pretty=current.env == "development")
    asyncio.run(_until_asked(current))
    return 0


if __name__ == "__main__":
    sys.exit(main())
