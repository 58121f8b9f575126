"""The names of the policies, from the file names in ``rules/``, without importing the policies."""

import pkgutil
from functools import cache
from importlib import import_module
from types import ModuleType

from belay.policy import rules


def packages() -> tuple[ModuleType, ...]:
    """Return the packages of ``rules/``: one for each kind of subject."""
    return tuple([import_module(f"{rules.__name__}.{found.name}") for found in pkgutil.iter_modules(rules.__path__)])


def modules(package: ModuleType) -> tuple[str, ...]:
    """Return the names of a package's modules, one for each policy."""
    return tuple([found.name for found in pkgutil.iter_modules(package.__path__)])


def slug_of(module: str) -> str:
    """Return the name of a module's policy: ``ssh-open`` for ``ssh_open``."""
    return module.replace("_", "-")


@cache
def slugs() -> tuple[str, ...]:
    """Return the name of every policy."""
    return tuple([slug_of(module) for package in packages() for module in modules(package)])
