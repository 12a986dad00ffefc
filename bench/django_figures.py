"""P2b: a mail in text and HTML, from the call to the receipt, beside two packages that do the same for Django."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from bench.world import TOP, World, child, make_setup, sent, smtp_sink
from mailsetup.core import db
from mailsetup.outbox import compose, queue_mail, together
from mailsetup.outbox.drain import Drain
from mailsetup.workspaces.models import Workspace

FOLDER = TOP / "var" / "bench" / "yardsticks"
PACKAGES = ("Django==5.2.19", "django-post_office==3.12.0", "django-mailer==2.3.2", "psycopg[binary]==3.3.9")
PART = ("x" * 69 + "\n") * 146
INVOICE = {"to": ["customer@fabrikam.example"], "subject": "Your invoice", "text": PART, "html": f"<pre>{PART}</pre>"}
COUNT, TOGETHER, LANES = 2_000, 100, 32


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
    """With the worker at work from the start, as it always is."""
    world.fresh()
    config = make_setup(port)
    began = time.monotonic()
    worker = child(_until_all_sent)
    for _ in range(COUNT // TOGETHER):
        with db.session_scope() as session:
            workspace = session.get_one(Workspace, config.workspace_id)
            with together(session):
                for _ in range(TOGETHER):
                    queue_mail(session, workspace, compose(INVOICE))
    os.waitpid(worker, 0)
    took = time.monotonic() - began
    assert sent() == COUNT
    return COUNT / took


def _until_all_sent() -> None:
    while sent() < COUNT:
        Drain(LANES).run()


def _theirs(world: World, port: int, package: str) -> float:
    name = f"yardstick_{package}"
    world.cluster.create_database(name)
    script = Path(__file__).with_name("django_yardstick.py")
    command = [str(environment()), str(script), package, name, str(world.cluster.folder), str(port), str(COUNT)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return COUNT / float(done.stdout.split()[-1])
