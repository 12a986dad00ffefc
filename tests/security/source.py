"""The product's own source as syntax trees, for rules that hold everywhere."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

TOP = Path(__file__).parents[2]


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    """Every module of the product with its path."""
    files = sorted((TOP / "mailsetup").rglob("*.py"))
    return tuple((str(path.relative_to(TOP)), ast.parse(path.read_text(encoding="utf-8"))) for path in files)


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Every call of a function or method of this name, with `file:line`."""
    return _all_calls().get(name, [])


@cache
def _all_calls() -> dict[str, list[tuple[str, ast.Call]]]:
    found: dict[str, list[tuple[str, ast.Call]]] = {}
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found.setdefault(_called(node.func), []).append((f"{path}:{node.lineno}", node))
    return found


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def imports(*modules: str) -> list[str]:
    """Where one of these modules is imported."""
    return [path for path, tree in trees() for node in ast.walk(tree) if _imports(node, modules)]


def _imports(node: ast.AST, modules: tuple[str, ...]) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] in modules for alias in node.names)
    return isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in modules
