"""The whole product as real processes, as production runs it, with the sandbox in place of the world."""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import requests

from mailsetup.cli.development.programs import procfile
from mailsetup.cli.development.values import issuers
from mailsetup.sandbox import Sandbox
from tests.ports import free_port

TOP = Path(__file__).parents[2]
Found = TypeVar("Found")
WORKERS = ("mail", "tests", "alerts", "events")


def wait_for(condition: Callable[[], Found | None], *, seconds: float = 60, what: str = "the condition") -> Found:
    """Asks again and again until the answer is true; fails with the name of what did not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Product:
    """Web, workers and scheduler of one test session; each can be stopped, killed and started again."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str, box: Sandbox, ca_bundle: Path) -> None:
        self.folder = folder
        self.box = box
        self.ca_bundle = ca_bundle
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.environ = self._environ(database_url, redis_url)

    def _environ(self, database_url: str, redis_url: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAILSETUP_")}
        outlook, operator = self.box.outlook_smtp, self.box.operator_smtp
        ours = {
            "MAILSETUP_ENV": "development",
            "MAILSETUP_DATABASE_URL": database_url,
            "MAILSETUP_REDIS_URL": redis_url,
            "MAILSETUP_BASE_URL": self.url,
            "MAILSETUP_SECRET_KEY": secrets.token_hex(32),
            "MAILSETUP_ENCRYPTION_KEYS": "k1:" + base64.b64encode(os.urandom(32)).decode(),
            "MAILSETUP_EGRESS_ALLOW": "127.0.0.0/8,::1/128",
            "MAILSETUP_MICROSOFT_LOGIN_URL": self.box.login_url,
            "MAILSETUP_GRAPH_URL": self.box.graph_url,
            "MAILSETUP_OUTLOOK_SMTP": f"{outlook[0]}:{outlook[1]}",
            "MAILSETUP_CA_BUNDLE": str(self.ca_bundle),
            "MAILSETUP_OPERATOR_SMTP_URL": f"smtp://{operator[0]}:{operator[1]}?tls=none",
            "MAILSETUP_OPERATOR_FROM": "operator@example.com",
            "MAILSETUP_OPERATOR_EMAILS": "operator@northwind.example",
            "MAILSETUP_PROXY_HOPS": "1",
            "MAILSETUP_MICROSOFT_CLIENT_ID": self.box.world.platform_app.client_id,
            "MAILSETUP_MICROSOFT_CLIENT_SECRET": self.box.world.platform_app.secret,
            "MAILSETUP_OIDC_ISSUERS": issuers(
                self.box.login_url,
                client_id=self.box.world.platform_app.client_id,
                client_secret=self.box.world.platform_app.secret,
            ),
        }
        return {**kept, **ours}

    def commands(self) -> dict[str, list[str]]:
        """What runs, by name."""
        gunicorn = [sys.executable, "-m", *shlex.split(procfile()["web"])]
        web = [*gunicorn, "--bind", f"127.0.0.1:{self.port}", "--log-level", "warning"]
        worker = [sys.executable, "-m", "mailsetup.cli.worker"]
        return {
            "web": web,
            **{name: [*worker, name] for name in WORKERS},
            "scheduler": [sys.executable, "-m", "mailsetup.schedule"],
        }

    def start(self, *names: str) -> None:
        """Starts these processes, or all."""
        for name in names or tuple(self.commands()):
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self.commands()[name], cwd=TOP, env=self.environ, stdout=log, stderr=log, start_new_session=True
                )
        if "web" in self.processes:
            wait_for(self._answers, what="the first page")

    def _answers(self) -> bool:
        if self.processes["web"].poll() is not None:
            raise AssertionError((self.folder / "web.log").read_text()[-3000:])
        try:
            return requests.get(f"{self.url}/live", timeout=10).ok
        except requests.RequestException:
            return False

    def stop(self, *names: str, kill: bool = False) -> None:
        """Ends these processes, or all: kindly, or as a crash of the machine would."""
        chosen = {name: self.processes.pop(name) for name in names or tuple(self.processes) if name in self.processes}
        for process in chosen.values():
            if kill:
                os.killpg(process.pid, signal.SIGKILL)  # as when the machine dies: its children too
            else:
                process.terminate()
        for name, process in chosen.items():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"{name} did not end within 30 s") from None

    def restart(self, *names: str) -> None:
        """Ends and starts these processes."""
        self.stop(*names)
        self.start(*names)

    def logs(self) -> str:
        """Everything the processes wrote."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))
