"""What `make run` says while everything runs: which process failed, and the errors the logs report."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from mailsetup.cli.development.supervision import State

_ERROR = re.compile(r"\[(?:error|critical)\s*\]|\"level\": \"(?:error|critical)\"|\b(?:ERROR|CRITICAL)\b")
_TRACEBACK = "Traceback (most recent call last)"
_WORSE = {"BACKOFF", "EXITED", "FATAL"}
LAST_WORDS = 5


class LogErrors:
    """Follows one log file and gives the lines that report an error, tracebacks whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = path.stat().st_size if path.exists() else 0
        self._rest = ""
        self._in_traceback = False

    def new(self) -> list[str]:
        """The error lines since the last call."""
        return [line for line in self._new_lines() if self._is_error(line)]

    def _is_error(self, line: str) -> bool:
        if self._in_traceback:
            # The first line that is not indented names the exception and ends the traceback.
            self._in_traceback = line.startswith((" ", "\t")) or not line
            return True
        self._in_traceback = _TRACEBACK in line
        return self._in_traceback or bool(_ERROR.search(line))

    def _new_lines(self) -> list[str]:
        if not self.path.exists():
            return []
        if self.path.stat().st_size < self._position:
            self._position = 0  # the file was rotated
        with self.path.open("rb") as file:
            file.seek(self._position)
            text = file.read().decode(errors="replace")
            self._position = file.tell()
        *lines, self._rest = (self._rest + text).split("\n")
        return lines


class Watch:
    """Tells of each process once when it fails and once when it is back."""

    def __init__(self, logs: Path, names: Iterable[str], say: Callable[[str], None]) -> None:
        self.logs = logs
        self.say = say
        self._errors = {name: LogErrors(logs / f"{name}.log") for name in names}
        self._processes: dict[str, int] = {}
        self._failing: set[str] = set()

    def look(self, states: Iterable[State]) -> None:
        """Says what is new."""
        for name, errors in self._errors.items():
            for line in errors.new():
                self.say(f"{name}: {line}")
        for state in states:
            self._look_at(state)

    def _look_at(self, state: State) -> None:
        before = self._processes.get(state.name)
        if state.word == "RUNNING":
            if state.name in self._failing or (before and before != state.process):
                self.say(f"{state.name} runs again.")
            self._failing.discard(state.name)
            self._processes[state.name] = state.process
        elif state.word in _WORSE and state.name not in self._failing:
            self._failing.add(state.name)
            self._tell_failure(state)
        elif state.word == "FATAL" and f"{state.name} given up" not in self._failing:
            self._failing.add(f"{state.name} given up")
            self.say(f"{state.name} failed 20 times and is not tried again: stop with Ctrl-C, then make run.")

    def _tell_failure(self, state: State) -> None:
        path = self.logs / f"{state.name}.log"
        last = path.read_text(errors="replace").splitlines()[-LAST_WORDS:] if path.exists() else []
        why = f" ({state.why})" if state.why else ""
        said = f"It said last, in {path.name}:" if last else f"It said nothing in {path.name}."
        self.say(f"{state.name} ended unexpectedly{why} and is started again. {said}")
        for line in last:
            self.say(f"    {line}")
