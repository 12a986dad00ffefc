from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mailsetup.core.errors import SettingsError
from mailsetup.sandbox import Sandbox
from tests.sandbox.customer import GRAPH, Customer


@pytest.mark.parametrize("environment", ["production", "Production", "", None])
def test_it_refuses_production(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str | None) -> None:
    monkeypatch.delenv("MAILSETUP_ENV")
    if environment is not None:
        monkeypatch.setenv("MAILSETUP_ENV", environment)
    with pytest.raises(SettingsError, match="MAILSETUP_ENV=development"):
        Sandbox(tmp_path / "sandbox")
    assert not (tmp_path / "sandbox").exists()


def test_its_process_refuses_production_with_one_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mailsetup.sandbox", "--folder", str(tmp_path)]
    environment = os.environ | {"MAILSETUP_ENV": "production"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1


def test_it_keeps_its_world_over_a_restart(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as box:
        token, world = Customer(box).token(), box.world
        Customer(box).send(token=token)
        world.change_mailbox("ar@contoso.com", mfa=True)
        box.switch("graph:ErrorServerBusy", times=2)
    with Sandbox(tmp_path) as again:
        assert (again.world.app, again.world.mailboxes) == (world.app, world.mailboxes)
        assert len(again.inbox("me@example.org")) == 1
        assert again.state.switches.on() == {"graph:ErrorServerBusy": 2}
        again.switch("graph:ErrorServerBusy", on=False)
        assert Customer(again).send(token=token).status == 202


def test_its_secrets_are_for_its_owner_only(box: Sandbox) -> None:
    for name in ("platform_app.json", "addresses.json", "server-key.pem", "token-key.pem", "sandbox.db"):
        assert stat.S_IMODE((box.folder / name).stat().st_mode) == 0o600


def test_it_writes_where_it_is(box: Sandbox) -> None:
    written = json.loads((box.folder / "addresses.json").read_text())
    assert written["login_url"] == box.login_url
    assert written["outlook_smtp"] == f"localhost:{box.outlook_smtp[1]}"
    app = json.loads((box.folder / "platform_app.json").read_text())
    assert app["client_secret"] == box.world.platform_app.secret


def test_its_process_says_where_it_is_and_ends_on_a_signal(tmp_path: Path) -> None:
    names = ("http", "https", "outlook-smtp", "smtp-starttls", "smtp-tls", "smtp-plain", "operator-smtp")
    ports = [word for name in names for word in (f"--{name}-port", "0")]
    command = [sys.executable, "-m", "mailsetup.sandbox", "--folder", str(tmp_path), *ports]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=100)
    assert first.startswith("login_url https://localhost:")
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("name", ["http_port", "https_port", "operator_smtp"])
def test_it_refuses_a_port_that_is_taken(box: Sandbox, tmp_path: Path, name: str) -> None:
    taken = {name: getattr(box.state.addresses, name)}
    with pytest.raises(OSError, match="in use"), Sandbox(tmp_path / "second", taken):
        pass


def test_it_waits_for_mail(box: Sandbox, customer: Customer) -> None:
    with pytest.raises(TimeoutError, match="0 of 1 mails"):
        box.wait_for_mail("me@example.org", timeout=0.05)
    customer.send()
    assert len(box.wait_for_mail("me@example.org")) == 1


def test_it_tells_one_client_id_from_another(box: Sandbox, customer: Customer) -> None:
    assert customer.ask(GRAPH, client_id=box.world.platform_app.client_id)["error_codes"] == [7000215]
