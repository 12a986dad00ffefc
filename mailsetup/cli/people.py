"""`flask --app app user ...`: accounts, when their owners cannot help themselves."""

from __future__ import annotations

import secrets

import click

from mailsetup.core.db import session_scope
from mailsetup.core.errors import InvalidInput
from mailsetup.workspaces.addresses import normal_address
from mailsetup.workspaces.sign_in import find_user, set_password


@click.group("user")
def user() -> None:
    """Accounts of people."""


@user.command("reset-password")
@click.argument("email")
def reset_password(email: str) -> None:
    """Give a person a new password, shown this once, and end all their sessions."""
    password = secrets.token_urlsafe(12)
    try:
        address = normal_address(email)
    except InvalidInput as error:
        raise click.ClickException(str(error)) from error
    with session_scope() as session:
        person = find_user(session, address)
        if person is None:
            raise click.ClickException(f"There is no account with the address {address}.")
        set_password(session, person, password)
    click.echo(f"The new password of {address} is {password}")
    click.echo("It should be changed after signing in, at Settings.")
