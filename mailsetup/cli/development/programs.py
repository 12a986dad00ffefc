"""Which processes `make run` keeps alive, as the process manager's configuration.

Supervisor starts by rising and stops by falling priority, a whole group at a time: web first, then workers and
scheduler together, then the sandbox they send to, then Valkey.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailsetup.cli.development.folder import ROOT, Folder
from mailsetup.cli.development.ports import loopback_addresses

# A test run ends by itself after 60 s, and a worker sends the mail at hand before it goes.
JOB_GRACE_SECONDS = 70
SHORT_GRACE_SECONDS = 15
JOBS = "jobs"
WEB = "web"


@dataclass(frozen=True)
class Program:
    """One process to keep alive."""

    name: str
    command: str
    priority: int
    grace: int = SHORT_GRACE_SECONDS
    at_once: bool = False


def procfile() -> dict[str, str]:
    """The commands production runs, by name; `make run` runs these very lines."""
    lines = (ROOT / "Procfile").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(":") for line in lines if line.strip())
    return {name.strip(): command.strip() for name, _, command in pairs}


SIGNED_IN = "/sign-in/with/microsoft/back"


def programs(folder: Folder, ports: Mapping[str, int], *, redirect_uri: str, embedded_redis: bool) -> list[Program]:
    """Everything in the order in which it starts."""
    python = "python -m"
    sandbox = f"{python} mailsetup.sandbox {_sandbox_options(folder, ports)} --redirect-uri {redirect_uri}"
    # A customer's Microsoft admin comes back through a door of their own.
    sandbox += f" --another-redirect-uri {redirect_uri.replace('/setup/microsoft/', '/handover/')}"
    # And whoever signs in at Microsoft instead of typing a password.
    sandbox += f" --another-redirect-uri {redirect_uri.replace('/setup/microsoft/callback', SIGNED_IN)}"
    valkey = Program("valkey", f'{python} mailsetup.cli.valkey "{folder.valkey}"', 10, at_once=True)
    commands = procfile()
    jobs = [name for name in commands if name.startswith("worker_") or name == "scheduler"]
    return [
        *([valkey] if embedded_redis else []),
        Program("sandbox", sandbox, 20, at_once=True),
        *(Program(name, commands[name], 30, grace=JOB_GRACE_SECONDS) for name in jobs),
        Program(WEB, commands["web"], 40, grace=SHORT_GRACE_SECONDS + 10),
    ]


def _sandbox_options(folder: Folder, ports: Mapping[str, int]) -> str:
    options = {"folder": f'"{folder.sandbox}"'}
    for name, port in ports.items():
        if name != WEB:
            options[name.removeprefix("sandbox_").replace("_", "-") + "-port"] = str(port)
    return " ".join(f"--{name} {value}" for name, value in options.items())


def gunicorn_arguments(port: int) -> str:
    """What development adds to the Procfile's web line: this machine only, one process."""
    binds = [f"[{address}]:{port}" if ":" in address else f"{address}:{port}" for address in loopback_addresses()]
    return " ".join([*(f"--bind {bind}" for bind in binds), "--workers 1", "--log-level warning"])


def configuration(folder: Folder, socket: Path, kept: list[Program]) -> str:
    """The text of supervisord.conf; it holds no secret."""
    jobs = [program.name for program in kept if program.grace == JOB_GRACE_SECONDS]
    sections = [
        _SUPERVISOR.format(log=folder.logs / "supervisord.log", pid=folder.path / "supervisord.pid", socket=socket),
        *(_program(folder, program) for program in kept),
        f"[group:{JOBS}]\nprograms={','.join(jobs)}\npriority=30\n",
    ]
    return "\n".join(sections)


_SUPERVISOR = """[supervisord]
logfile={log}
logfile_maxbytes=2MB
logfile_backups=1
pidfile={pid}
nodaemon=true
silent=true
umask=077

[unix_http_server]
file={socket}
chmod=0700

[supervisorctl]
serverurl=unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""


def _program(folder: Folder, program: Program) -> str:
    environment = "" if program.at_once else f'--environment "{folder.environment}" '
    command = f'"{sys.executable}" -S -m mailsetup.cli.child {environment}{program.command}'
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    settings = {
        "command": command,
        "directory": ROOT,
        "environment": f'PATH="{path}",PYTHONUNBUFFERED="1"',
        "priority": program.priority,
        "autostart": str(program.at_once).lower(),
        "autorestart": "true",
        "startsecs": 2,
        "startretries": 20,
        "stopwaitsecs": program.grace,
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": folder.logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "5MB",
        "stdout_logfile_backups": 2,
    }
    lines = [f"{name}={str(value).replace('%', '%%')}" for name, value in settings.items()]
    return "\n".join([f"[program:{program.name}]", *lines, ""])
