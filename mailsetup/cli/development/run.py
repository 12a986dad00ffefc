"""One run of everything on this machine, step by step."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from mailsetup.cli.development.console import Watch
from mailsetup.cli.development.folder import ROOT, CannotStart, Folder, read_json, write_environment
from mailsetup.cli.development.ports import WEB, pick
from mailsetup.cli.development.programs import JOB_GRACE_SECONDS, JOBS, programs
from mailsetup.cli.development.supervision import Supervision
from mailsetup.cli.development.values import given_values, own_values, sandbox_values
from mailsetup.core.processes import die_with_parent

LOOK_SECONDS = 0.5


def say(text: str = "") -> None:
    """A line for whoever typed `make run`, shown at once."""
    print(text, flush=True)


class Run:
    """Everything of `make run`, from the empty folder to the last process gone."""

    def __init__(self, folder: Folder, *, web_port: int) -> None:
        self.folder = folder
        self.web_port = web_port
        self.supervision: Supervision | None = None
        self.pages = ""
        self.up = False

    def start(self) -> None:
        """Brings everything up and says where it is. Raises CannotStart."""
        lock = self.folder.prepare()
        self.folder.make_key_ring()
        ports = pick(self.folder.path / "ports.json", web=self.web_port, say=say)
        base_url = f"http://localhost:{ports[WEB]}"
        values = {**own_values(self.folder, base_url=base_url, port=ports[WEB]), **given_values()}
        # The database is made ready while the sandbox starts; the first page waits for both.
        database = prepare_database(values)
        supervision = self._supervise(lock, ports, base_url)
        self._await_sandbox(supervision, values)
        supervision.begin(WEB)
        demo = finish(database, self.folder.logs / "database.log")
        supervision.wait_for(lambda: answers(ports[WEB]), "The web process", seconds=30)
        supervision.begin(f"{JOBS}:*")
        self.folder.remember_running(base_url)
        self.up = True
        self._welcome(base_url, demo)

    def watch(self) -> None:
        """Tells of failures until the process manager ends, which it should not. Raises CannotStart then."""
        supervision = self._supervision()
        watch = Watch(self.folder.logs, [program.name for program in supervision.programs], say)
        while supervision.alive():
            watch.look(supervision.states())
            time.sleep(LOOK_SECONDS)
        raise CannotStart(f"The process manager ended, and everything with it; see {self.folder.logs}.")

    def stop(self) -> None:
        """Stops web, then workers and scheduler, then the sandbox, then Valkey; returns when all are gone."""
        if self.supervision is None:
            return
        if self.up and self.supervision.alive():
            say(f"\nStopping. A job at work has up to {JOB_GRACE_SECONDS} seconds; Ctrl-C again ends it now.")
        self.supervision.stop()
        self.folder.running.unlink(missing_ok=True)
        say("Stopped.")

    def kill(self) -> None:
        """Ends everything at once."""
        if self.supervision is not None:
            self.supervision.kill()

    def _supervision(self) -> Supervision:
        if self.supervision is None:
            raise CannotStart("Nothing was started.")
        return self.supervision

    def _supervise(self, lock: int, ports: dict[str, int], base_url: str) -> Supervision:
        kept = programs(
            self.folder,
            ports,
            redirect_uri=f"{base_url}/setup/microsoft/callback",
            embedded_redis="MAILSETUP_REDIS_URL" not in given_values(),
        )
        (self.folder.sandbox / "addresses.json").unlink(missing_ok=True)
        self.supervision = Supervision(self.folder, kept)
        self.supervision.start(lock)
        return self.supervision

    def _await_sandbox(self, supervision: Supervision, values: dict[str, str]) -> None:
        addresses_file = self.folder.sandbox / "addresses.json"
        app_file = self.folder.sandbox / "platform_app.json"
        supervision.wait_for(lambda: bool(read_json(addresses_file) and read_json(app_file)), "The sandbox")
        addresses = read_json(addresses_file)
        self.pages = addresses["pages_url"]
        everything = {**values, **sandbox_values(addresses, read_json(app_file)), **given_values()}
        write_environment(self.folder.environment, everything)

    def _welcome(self, base_url: str, demo: str) -> None:
        say(f"\nmailsetup is running at {base_url}\n")
        say("\n".join(f"  {line}" for line in demo.splitlines()))
        say(f"\n  The sandbox (a Microsoft of your own)  {self.pages}")
        say(f"  Its inbox, where every mail arrives    {self.pages.rstrip('/')}/inbox")
        say(f"  Logs                                   {relative(self.folder.logs)}")
        say("\nCtrl-C stops everything.")


def prepare_database(values: dict[str, str]) -> subprocess.Popen[str]:
    """Migrations and the demo person, in a process of their own."""
    return subprocess.Popen(
        [sys.executable, "-m", "mailsetup.cli.development.prepare"],
        cwd=ROOT,
        env={**os.environ, **values},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - one system call, looked up beforehand
    )


def finish(database: subprocess.Popen[str], log: Path) -> str:
    """What the process said. Raises CannotStart when it failed; all that it said of that is in the log."""
    said, errors = database.communicate()
    log.write_text(errors, encoding="utf-8")
    if database.returncode:
        named = re.findall(r"^[\w.]+(?:Error|Exception)\b.*$", errors, re.MULTILINE) or errors.strip().splitlines()
        raise CannotStart(f"The database could not be made ready: {(named or ['no reason given'])[-1]} (see {log})")
    return said.strip()


def answers(port: int) -> bool:
    """Whether the web process answers on this port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/live")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except OSError:
        return False
    finally:
        connection.close()


def relative(path: Path) -> str:
    """The path as seen from where the command was typed."""
    return os.path.relpath(path)
