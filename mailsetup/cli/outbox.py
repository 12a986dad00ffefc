"""`flask --app app outbox status|retry|cancel` and `flask --app app api-key create`."""

from __future__ import annotations

import sys
import uuid

import click
from flask.cli import with_appcontext
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mailsetup.api import keys
from mailsetup.core import db
from mailsetup.core.errors import Conflict, InvalidInput
from mailsetup.outbox import actions
from mailsetup.outbox.ledger import Ledger, ledger, oldest_due
from mailsetup.outbox.models import IN_FLIGHT, TERMINAL, Message
from mailsetup.workspaces.audit import Actor
from mailsetup.workspaces.models import Workspace

OPERATOR = Actor("Operator, by command")


@click.group()
def outbox() -> None:
    """Queued mail: where it stands, and what to do with one of them."""


@outbox.command()
@with_appcontext
def status() -> None:
    """Shows the ledger; ends with 1 when it does not balance."""
    with db.session_scope() as session:
        book, due = ledger(session), oldest_due(session)
    for name in (*TERMINAL, *IN_FLIGHT):
        click.echo(f"{name:<10} {book.counts[name]:>12,}")
    click.echo(_equation(book))
    click.echo(f"oldest mail that is due: {due.isoformat(timespec='seconds') if due else 'none'}")
    if not book.balances:
        sys.exit(1)


def _equation(book: Ledger) -> str:
    ended = " + ".join(f"{book.counts[name]:,} {name}" for name in TERMINAL)
    word = "=" if book.balances else "IS NOT"
    return f"accepted {book.accepted:,} {word} {ended} + {book.in_flight:,} in flight"


@outbox.command()
@click.argument("message_id", type=click.UUID)
@with_appcontext
def retry(message_id: uuid.UUID) -> None:
    """Sends one mail as soon as possible."""
    with db.session_scope() as session:
        _act(session, message_id, "retry")
    click.echo("It is sent as soon as possible.")


@outbox.command()
@click.argument("message_id", type=click.UUID)
@with_appcontext
def cancel(message_id: uuid.UUID) -> None:
    """Takes one mail out of the queue."""
    with db.session_scope() as session:
        _act(session, message_id, "cancel")
    click.echo("It is cancelled.")


def _act(session: Session, message_id: uuid.UUID, action: str) -> None:
    message = session.get(Message, message_id)
    if message is None:
        raise click.ClickException("There is no message with this id.")
    try:
        (actions.retry if action == "retry" else actions.cancel)(session, message, actor=OPERATOR)
    except Conflict as error:
        raise click.ClickException(str(error)) from error


@click.group("api-key")
def api_key() -> None:
    """API keys of workspaces."""


@api_key.command()
@click.argument("workspace")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(list(keys.SCOPES)), required=True)
@click.option("--name", default="Made by command", show_default=True, help="What uses the key.")
@with_appcontext
def create(workspace: str, scopes: tuple[str, ...], name: str) -> None:
    """Makes a key for WORKSPACE (name or id) and prints it, this once."""
    with db.session_scope() as session:
        found = find_workspace(session, workspace)
        try:
            _row, key = keys.create_key(session, workspace_id=found.id, actor=OPERATOR, name=name, scopes=list(scopes))
        except InvalidInput as error:
            raise click.ClickException(str(error)) from error
    click.echo(key.reveal())


def find_workspace(session: Session, text: str) -> Workspace:
    """The workspace with this id or name. Raises ClickException when there is none, or more than one."""
    try:
        named = or_(Workspace.id == uuid.UUID(text), Workspace.name == text)
    except ValueError:
        named = Workspace.name == text
    found = session.scalars(select(Workspace).where(named).limit(2)).all()
    if len(found) != 1:
        how = "no workspace" if not found else "more than one workspace; give its id"
        raise click.ClickException(f"There is {how} named {text!r}.")
    return found[0]


commands: tuple[click.Command, ...] = (outbox, api_key)
