"""What does not change from test to test is made once for each test process: templates, routes, the text of statements.

Every test has an application and an engine of its own; without this, most of its time would go into making them.
"""

from __future__ import annotations

import gc
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

# All that Rule.compile sets.
COMPILED = ("_parts", "_trace", "_converters", "arguments", "_build", "_build_unknown")


def pytest_collection_finish() -> None:
    """Modules and thousands of tests stay to the end: looking for garbage among them took a quarter of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """Keeps what was compiled, whichever test had it compiled first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Templates()})
        patch.setattr(Rule, "compile", _routes_once(Rule.compile))
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


def _routes_once(compile_rule: Callable[[Rule], None]) -> Callable[[Rule], None]:
    """What a route compiles to depends on how it is written and on its map's converters alone."""
    compiled: dict[tuple[object, ...], dict[str, Any]] = {}

    def compile_once(rule: Rule) -> None:
        assert rule.map is not None
        converters = tuple(rule.map.converters.items())
        key = (rule.rule, rule.subdomain, rule.host, rule.merge_slashes, repr(rule.defaults), converters)
        if key not in compiled:
            compile_rule(rule)
            compiled[key] = {name: vars(rule)[name] for name in COMPILED}
            return
        vars(rule).update(compiled[key])
        for build in ("_build", "_build_unknown"):
            setattr(rule, build, compiled[key][build].__func__.__get__(rule))

    return compile_once


def _statements_once(make_engine: Callable[..., Engine]) -> Callable[..., Engine]:
    """Engines of one kind of database share its dialect, and by it the texts of statements.

    A dialect learns the server's version when its own engine first connects: before that it serves nobody else.
    """
    shared: dict[str, tuple[Dialect, Any]] = {}

    def make(url: str, **options: Any) -> Engine:
        engine = make_engine(url, **options)
        dialect, texts = shared.get(engine.dialect.name, (engine.dialect, engine._compiled_cache))
        if getattr(dialect, "server_version_info", None) is None:
            shared[engine.dialect.name] = (engine.dialect, engine._compiled_cache)
        else:
            engine.dialect, engine._compiled_cache = dialect, texts
        return engine

    return make
