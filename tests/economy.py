"""What does not change from test to test is made once for each test process: templates, routes, the text of statements.

Every test has an application and an engine of its own; without this, most of its time would go into making them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Dialect, Engine
from werkzeug.routing import Rule

from mailsetup.core import db


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """Keeps what was compiled, whichever test had it compiled first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Templates()})
        patch.setattr(Rule, "_compile_builder", _routes_once(Rule._compile_builder))
        patch.setattr(db, "make_engine", _statements_once(db.make_engine))
        yield


class Templates(BytecodeCache):
    """Compiled templates, as long as their source stays the same."""

    def __init__(self) -> None:
        self.compiled: dict[str, tuple[str, CodeType | None]] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        checksum, code = self.compiled.get(bucket.key, ("", None))
        if checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.compiled[bucket.key] = (bucket.checksum, bucket.code)


def _routes_once(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """What builds the address of a route depends on its rule and defaults alone; it is bound to the rule later."""
    compiled: dict[tuple[object, ...], Any] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, repr(rule.defaults), tuple(rule._trace), append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    return compile_once


def _statements_once(make_engine: Callable[..., Engine]) -> Callable[..., Engine]:
    """Engines of one kind of database share its dialect, and by it the texts of statements."""
    shared: dict[str, tuple[Dialect, Any]] = {}

    def make(url: str, **options: Any) -> Engine:
        engine = make_engine(url, **options)
        dialect, texts = shared.setdefault(engine.dialect.name, (engine.dialect, engine._compiled_cache))
        engine.dialect, engine._compiled_cache = dialect, texts
        return engine

    return make
