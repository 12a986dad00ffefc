"""`flask --app app demo`: somebody to sign in as on a development machine."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import click
from sqlalchemy.orm import Session

from mailsetup import settings
from mailsetup.core.db import session_scope
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.members import create_workspace
from mailsetup.workspaces.memberships import memberships
from mailsetup.workspaces.models import User
from mailsetup.workspaces.passwords import verify_password
from mailsetup.workspaces.sign_in import create_user, find_user, set_password

EMAIL = "demo@example.com"
NAME = "Demo person"
WORKSPACE = "Demo workspace"


@click.command()
@click.option(
    "--file", "path", envvar="MAILSETUP_DEMO_FILE", required=True, type=click.Path(dir_okay=False, path_type=Path)
)
def demo(path: Path) -> None:
    """Make the demo person with a workspace ready to be set up, and say how to sign in."""
    if settings.current().production:
        raise click.ClickException("The demo person is for development; this is production.")
    password = kept_password(path)
    with session_scope() as session:
        make_demo(session, password)
    click.echo(f"Sign in at {settings.current().base_url}/sign-in")
    click.echo(f"  E-mail address  {EMAIL}\n  Password        {password}")


def make_demo(session: Session, password: str) -> None:
    """The demo person and their workspace, made once; the password is the one in the file."""
    user = find_user(session, EMAIL)
    if user is None:
        user = create_user(session, email=EMAIL, name=NAME, password=password, trusted=True)
    elif not verify_password(user.password_hash, password):
        set_password(session, user, password)
    _give_workspace(session, user)


def _give_workspace(session: Session, user: User) -> None:
    if not memberships(session, user.id):
        create_workspace(session, name=WORKSPACE, owner=user, actor=SYSTEM)


def kept_password(path: Path) -> str:
    """The password in the file; the first time a new one is written there, readable by its owner only."""
    if path.is_file() and (kept := path.read_text(encoding="utf-8").strip()):
        return kept
    path.parent.mkdir(parents=True, exist_ok=True)
    password = secrets.token_urlsafe(12)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{password}\n")
    return password
