"""`flask --app app user ...`: accounts, when their owners cannot help themselves."""

from __future__ import annotations

import secrets

import click
from sqlalchemy.orm import Session

from mailsetup.core.db import session_scope
from mailsetup.core.errors import InvalidInput
from mailsetup.workspaces import second_factor
from mailsetup.workspaces.addresses import normal_address
from mailsetup.workspaces.audit import SYSTEM
from mailsetup.workspaces.models import User
from mailsetup.workspaces.sign_in import find_user, set_password


@click.group("user")
def user() -> None:
    """Accounts of people."""


@user.command("reset-password")
@click.argument("email")
def reset_password(email: str) -> None:
    """Give a person a new password, shown this once, and end all their sessions."""
    password = secrets.token_urlsafe(12)
    with session_scope() as session:
        person = _person(session, email)
        set_password(session, person, password)
        address = person.email
    click.echo(f"The new password of {address} is {password}")
    click.echo("It should be changed after signing in, at Settings.")


@user.command("reset-second-factor")
@click.argument("email")
def reset_second_factor(email: str) -> None:
    """Turn the second factor of a person off who lost app and codes; make sure first that it is them who ask."""
    with session_scope() as session:
        person = _person(session, email)
        if not second_factor.is_on(session, person.id):
            raise click.ClickException(f"{person.email} has no second factor.")
        second_factor.turn_off(session, person, actor=SYSTEM)
        address = person.email
    click.echo(f"The second factor of {address} is off, every session is ended, and a mail tells them.")


def _person(session: Session, email: str) -> User:
    try:
        address = normal_address(email)
    except InvalidInput as error:
        raise click.ClickException(str(error)) from error
    person = find_user(session, address)
    if person is None:
        raise click.ClickException(f"There is no account with the address {address}.")
    return person
