import base64
import os
import secrets
from pathlib import Path

import pytest

from mailsetup import settings
from mailsetup.core.errors import SettingsError


def environment(**changes: str) -> dict[str, str]:
    values = {
        "MAILSETUP_DATABASE_URL": "postgresql://app@db/app",
        "MAILSETUP_REDIS_URL": "redis://redis:6379/0",
        "MAILSETUP_BASE_URL": "https://mail.example.com/",
        "MAILSETUP_SECRET_KEY": secrets.token_hex(32),
        "MAILSETUP_ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
        "MAILSETUP_OPERATOR_SMTP_URL": "smtp://relay.example.com:587?tls=starttls",
        "MAILSETUP_OPERATOR_FROM": "ops@example.com",
    }
    return {name: value for name, value in {**values, **changes}.items() if value}


def test_it_reads_production_settings() -> None:
    loaded = settings.load(environment())
    assert loaded.production
    assert loaded.base_url == "https://mail.example.com"
    assert loaded.database_url == "postgresql+psycopg://app@db/app"
    assert loaded.outlook_smtp == ("smtp.office365.com", 587)


@pytest.mark.parametrize(
    "typed", ["HTTPS://mail.example.com", "https://Mail.Example.com", "https://mail.example.com:443/"]
)
def test_it_spells_our_address_as_browsers_do(typed: str) -> None:
    assert settings.load(environment(MAILSETUP_BASE_URL=typed)).base_url == "https://mail.example.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILSETUP_ENV", "staging"),
        ("MAILSETUP_DATABASE_URL", ""),
        ("MAILSETUP_DATABASE_URL", "mysql://x"),
        ("MAILSETUP_REDIS_URL", ""),
        ("MAILSETUP_BASE_URL", "http://mail.example.com"),
        ("MAILSETUP_BASE_URL", "mail.example.com"),
        ("MAILSETUP_BASE_URL", "https://mail.example.com/#x"),
        ("MAILSETUP_BASE_URL", "https://mail .example.com"),
        ("MAILSETUP_SECRET_KEY", "short"),
        ("MAILSETUP_ENCRYPTION_KEYS", ""),
        ("MAILSETUP_OPERATOR_SMTP_URL", ""),
        ("MAILSETUP_OPERATOR_FROM", ""),
        ("MAILSETUP_OUTLOOK_SMTP", "host"),
        ("MAILSETUP_EGRESS_ALLOW", "10.0.0.0/33"),
        ("MAILSETUP_WORKER_LANES", "0"),
        ("MAILSETUP_CA_BUNDLE", "/nonexistent.pem"),
        ("MAILSETUP_MICROSOFT_CLIENT_EXPIRES", "soon"),
        ("MAILSETUP_MICROSOFT_CLOUDS", "usgov"),
        ("MAILSETUP_MICROSOFT_CLOUDS", '["usgov"]'),
        ("MAILSETUP_MICROSOFT_CLOUDS", '{"usgov": {"smtp_host": 7}}'),
    ],
)
def test_it_refuses_to_start_and_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        settings.load(environment(**{name: value}))


def test_it_reads_the_key_ring_from_a_file(tmp_path: Path) -> None:
    ring = tmp_path / "keys"
    ring.write_text("k9:" + base64.b64encode(os.urandom(32)).decode())
    loaded = settings.load(environment(MAILSETUP_ENCRYPTION_KEYS="", MAILSETUP_ENCRYPTION_KEYS_FILE=str(ring)))
    assert loaded.key_ring.primary == "k9"


def test_it_shows_no_secret_when_printed() -> None:
    values = environment()
    shown = repr(settings.load(values))
    assert values["MAILSETUP_SECRET_KEY"] not in shown
    assert values["MAILSETUP_ENCRYPTION_KEYS"].partition(":")[2] not in shown


def test_it_shows_no_password_of_an_address_when_printed() -> None:
    password = secrets.token_hex(12)
    addresses = {
        "MAILSETUP_DATABASE_URL": f"postgresql://app:{password}@db/app",
        "MAILSETUP_MIGRATION_DATABASE_URL": f"postgresql://owner:{password}@db/app",
        "MAILSETUP_REDIS_URL": f"redis://:{password}@redis:6379/0",
        "MAILSETUP_OPERATOR_SMTP_URL": f"smtp://ops:{password}@relay.example.com:587?tls=starttls",
        "MAILSETUP_OPERATOR_WEBHOOK_URL": f"https://hooks.example.com/{password}",
        "MAILSETUP_HTTPS_PROXY": f"http://mail:{password}@proxy.example.com:8080",
        "MAILSETUP_SMTP_PROXY": f"socks5://mail:{password}@proxy.example.com:1080",
    }
    loaded = settings.load(environment(**addresses))
    assert password in str(vars(loaded))
    assert password not in repr(loaded)
