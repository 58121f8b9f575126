"""The names of the policies, as the files under ``rules/`` give them; nothing of a policy is imported for it."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

from belay.policy import rules


def packages() -> tuple[ModuleType, ...]:
    """Return the packages of ``rules/``: one for each kind of thing that there are policies about."""
    return tuple([import_module(f"{rules.__name__}.{found.name}") for found in pkgutil.iter_modules(rules.__path__)])


def modules(package: ModuleType) -> tuple[str, ...]:
    """Return the names of the modules in a package, a policy each."""
    return tuple([found.name for found in pkgutil.iter_modules(package.__path__)])


def slug_of(module: str) -> str:
    """Name a policy by its module: ``ssh_open`` is ``ssh-open``."""
    return module.replace("_", "-")


@cache
def slugs() -> tuple[str, ...]:
    """Return the name of every policy."""
    return tuple([slug_of(module) for package in packages() for module in modules(package)])
