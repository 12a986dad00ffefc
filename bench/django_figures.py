"""P2b: a mail in text and HTML, from the call to the receipt, beside two packages that do the same for Django."""

from __future__ import annotations

import subprocess
import sys
import time
from email.message import EmailMessage
from pathlib import Path

from bench.world import TOP, World, drained, make_setup, sent, smtp_sink
from mailsetup.core import db
from mailsetup.outbox import queue_mail
from mailsetup.workspaces.models import Workspace

FOLDER = TOP / "var" / "bench" / "yardsticks"
PACKAGES = ("Django==5.2.19", "django-post_office==3.12.0", "django-mailer==2.3.2", "psycopg[binary]==3.3.9")
PART = ("x" * 69 + "\n") * 146
COUNT = 1_000


def environment() -> Path:
    """Their own environment: what they need must not decide what the product runs with."""
    python = FOLDER / "bin" / "python"
    if not (FOLDER / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        (FOLDER / "complete").touch()
    return python


def post_office(world: World) -> tuple[float, float]:
    return _beside(world, "post_office")


def mailer(world: World) -> tuple[float, float]:
    return _beside(world, "mailer")


def _beside(world: World, package: str) -> tuple[float, float]:
    with smtp_sink() as port:
        return _ours(world, port), _theirs(world, port, package)


def _ours(world: World, port: int) -> float:
    world.fresh()
    config = make_setup(port)
    message = EmailMessage()
    message["To"], message["Subject"] = "customer@fabrikam.example", "Your invoice"
    message.set_content(PART)
    message.add_alternative(f"<pre>{PART}</pre>", subtype="html")
    began = time.monotonic()
    for _ in range(COUNT):
        with db.session_scope() as session:
            queue_mail(session, session.get_one(Workspace, config.workspace_id), message)
    drained()
    took = time.monotonic() - began
    assert sent() == COUNT
    return COUNT / took


def _theirs(world: World, port: int, package: str) -> float:
    name = f"yardstick_{package}"
    world.cluster.create_database(name)
    script = Path(__file__).with_name("django_yardstick.py")
    command = [str(environment()), str(script), package, name, str(world.cluster.folder), str(port), str(COUNT)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return COUNT / float(done.stdout.split()[-1])
