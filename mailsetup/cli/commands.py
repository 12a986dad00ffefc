"""The commands of `flask --app app`."""

from __future__ import annotations

import click

from mailsetup.cli.audit import audit
from mailsetup.cli.data_keys import rotate_data
from mailsetup.cli.database import database
from mailsetup.cli.demo import demo
from mailsetup.cli.doctor import doctor
from mailsetup.cli.explain import commands as explain_commands
from mailsetup.cli.keys import keys
from mailsetup.cli.manual import microsoft_manual
from mailsetup.cli.outbox import commands as outbox_commands
from mailsetup.cli.people import user
from mailsetup.cli.workspaces import workspace

keys.add_command(rotate_data)

commands: tuple[click.Command, ...] = (
    database,
    workspace,
    user,
    demo,
    keys,
    audit,
    doctor,
    microsoft_manual,
    *outbox_commands,
    *explain_commands,
)
