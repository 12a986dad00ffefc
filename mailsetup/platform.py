"""The outside world as the operator's settings describe it, built once a process."""

from __future__ import annotations

from mailsetup import settings as settings_module
from mailsetup.core.egress import Door
from mailsetup.core.errors import SettingsError
from mailsetup.mail_services.base import Platform
from mailsetup.mail_services.clouds import check_clouds
from mailsetup.settings import Settings

_built: tuple[Settings, Platform] | None = None


def current_platform() -> Platform:
    """The platform of this process: Microsoft's addresses, our own app there, and the egress door."""
    global _built  # noqa: PLW0603 - one platform a process, like one set of settings
    settings = settings_module.current()
    if _built is None or _built[0] is not settings:
        _built = settings, _platform(settings)
    return _built[1]


def _platform(settings: Settings) -> Platform:
    wrong = check_clouds(settings.microsoft_clouds)
    if wrong:
        raise SettingsError(f"MAILSETUP_MICROSOFT_CLOUDS: {wrong}")
    host, port = settings.outlook_smtp
    return Platform(
        door=make_door(settings),
        base_url=settings.base_url,
        login_url=settings.microsoft_login_url,
        graph_url=settings.graph_url,
        outlook_smtp_host=host,
        outlook_smtp_port=port,
        client_id=settings.microsoft_client_id,
        client_secret=settings.microsoft_client_secret,
        client_certificate_pem=settings.microsoft_client_certificate,
        accounts=settings.microsoft_accounts,
        clouds=settings.microsoft_clouds,
    )


def make_door(settings: Settings) -> Door:
    """The egress door for what customers configure."""
    return Door(
        allow=settings.egress_allow,
        ca_bundle=settings.ca_bundle,
        https_proxy=settings.https_proxy,
        smtp_proxy=settings.smtp_proxy,
        dns_servers=settings.dns_servers,
    )
