"""The flask command without the product behind it, for what needs no settings: support explains errors anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flask import Flask

from mailsetup.cli import explain

_WITH_VALUE = {"--app", "-A", "--env-file", "-e"}


def is_command(arguments: Sequence[str]) -> bool:
    """Whether this process is the flask command, and not a server."""
    program = Path(arguments[0]) if arguments else Path()
    return program.name in {"flask", "flask.exe"} or program.parts[-2:] == ("flask", "__main__.py")


def needs_no_settings(arguments: Sequence[str]) -> bool:
    """Whether this process is the flask command, called for a command that works by itself."""
    return is_command(arguments) and _command(arguments[1:]) in {command.name for command in explain.commands}


def _command(arguments: Sequence[str]) -> str:
    """The first word that is neither an option nor the value of one."""
    words = iter(arguments)
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif not word.startswith("-"):
            return word
    return ""


def bare_app() -> Flask:
    """An application with these commands and nothing else."""
    app = Flask("mailsetup")
    for command in explain.commands:
        app.cli.add_command(command)
    return app
