"""Finds the kinds of mail service: every module of the `kinds` package that defines one."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from types import ModuleType

from mailsetup.core.errors import NotFound
from mailsetup.mail_services import kinds
from mailsetup.mail_services.base import MailService


class KindUnknown(NotFound):
    """No kind of mail service has this name."""


def get(kind: str) -> type[MailService]:
    """The kind by name. Raises KindUnknown."""
    for service in all_kinds():
        if service.kind == kind:
            return service
    raise KindUnknown(f"There is no kind of mail service named {kind[:60]!r}")


def all_kinds() -> tuple[type[MailService], ...]:
    """Every kind, in the order of the cards."""
    return _found(tuple(kinds.__path__))


@functools.lru_cache(maxsize=8)
def _found(paths: tuple[str, ...]) -> tuple[type[MailService], ...]:
    names = sorted(module.name for module in pkgutil.iter_modules(paths))
    modules = [importlib.import_module(f"{kinds.__name__}.{name}") for name in names]
    services = [service for module in modules for service in _defined_in(module)]
    return tuple(sorted(services, key=lambda service: (service.position, service.kind)))


def _defined_in(module: ModuleType) -> list[type[MailService]]:
    return [
        found
        for _name, found in inspect.getmembers(module, inspect.isclass)
        if issubclass(found, MailService) and found.__module__ == module.__name__ and not inspect.isabstract(found)
    ]
