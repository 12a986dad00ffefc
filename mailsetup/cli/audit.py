"""`flask --app app audit ...`: whether the audit trails are as they were written."""

from __future__ import annotations

import click
from sqlalchemy import select

from mailsetup.core.db import session_scope
from mailsetup.workspaces import audit_chain
from mailsetup.workspaces.audit_chain import Verdict
from mailsetup.workspaces.models import AuditEvent, AuditHead, Workspace


@click.group()
def audit() -> None:
    """The audit trails."""


@audit.command("verify")
def verify() -> None:
    """Check the chain of every workspace, of deleted ones too; exit 1 when one is broken."""
    with session_scope() as session:
        columns = (AuditHead.workspace_id, AuditEvent.workspace_id)
        known = {found for column in columns for found in session.scalars(select(column).distinct())}
        names = {row.id: row.name for row in session.scalars(select(Workspace))}
    broken = False
    for workspace_id in sorted(known, key=str):
        with session_scope() as session:  # one each, so that nobody waits for the whole of it
            verdict = audit_chain.verify(session, workspace_id)
        click.echo(f"{names.get(workspace_id, 'a deleted workspace')} ({workspace_id}): {_words(verdict)}")
        broken = broken or bool(verdict.fault)
    if broken:
        raise SystemExit(1)


def _words(verdict: Verdict) -> str:
    if verdict.fault:
        return f"BROKEN: {verdict.fault}."
    earlier = f", after {verdict.earlier} from before there was a chain" if verdict.earlier else ""
    return f"{verdict.number} events, unbroken{earlier}; it ends with {verdict.mark[:16]}."
