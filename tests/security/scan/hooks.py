"""Runs inside schemathesis: ids of both workspaces go into the calls, and no answer may say anything of the other one.

Knows nothing of the product; what there is comes as JSON in the file that SCAN_FACTS names.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import schemathesis

FACTS: dict[str, Any] = json.loads(Path(os.environ["SCAN_FACTS"]).read_text(encoding="utf-8"))
OURS: dict[str, list[str]] = FACTS["ours"]
THEIRS: dict[str, list[str]] = FACTS["theirs"]
FOREIGN = {value for values in THEIRS.values() for value in values}


def _choose(name: str, value: str) -> str:
    """The same value always becomes the same id: as generated, one of ours, or one of theirs."""
    number = int(hashlib.sha256(value.encode(errors="replace")).hexdigest(), 16)
    choices = ((), OURS.get(name, ()), THEIRS.get(name, ()))[number % 3]
    return choices[number // 3 % len(choices)] if choices else value


@schemathesis.hook
def map_path_parameters(_context: Any, path_parameters: Any) -> Any:
    """Ids that exist in place of some of the generated ones."""
    if isinstance(path_parameters, dict):
        return {name: _choose(name, str(value)) for name, value in path_parameters.items()}
    return path_parameters


@schemathesis.hook
def map_query(_context: Any, query: Any) -> Any:
    """The same for the filter by a setup."""
    if isinstance(query, dict) and isinstance(query.get("config"), str):
        return {**query, "config": _choose("config_id", query["config"])}
    return query


@schemathesis.check
def nothing_of_another_workspace(_context: Any, response: Any, case: Any) -> None:
    """Neither a word of theirs in an answer, nor an answer other than a refusal to one of their ids."""
    assert FACTS["word"] not in response.text, "The answer says something of the other workspace."
    named = {str(value) for value in (case.path_parameters or {}).values()} & FOREIGN
    assert not (named and response.status_code < 400), f"{response.status_code} to an id of the other workspace."
