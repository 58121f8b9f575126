"""Shrinks a counterexample as far as possible."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any


def shrunken(files: Any, fails: Callable[[Any], bool]) -> Any:
    """Return the smallest files found for which ``fails`` is true; it must be true of ``files``."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(files):
            if _holds(candidate, fails):
                files, smaller = candidate, True
                break
    return files


def _holds(candidate: Any, fails: Callable[[Any], bool]) -> bool:
    # The rest may no longer be a template of the oracle's language.
    try:
        return fails(candidate)
    except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False


def _candidates(files: Any) -> Iterator[Any]:
    """Yield copies that lack a part, larger parts first, or have a part of a part in its place."""
    for path in sorted(_paths(files), key=len):
        copy = deepcopy(files)
        del _at(copy, path[:-1])[path[-1]]
        yield copy
        part = _at(files, path)
        for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            for simple in (inner, *(inner if isinstance(inner, list) else ())):
                copy = deepcopy(files)
                _at(copy, path[:-1])[path[-1]] = deepcopy(simple)
                yield copy


def _paths(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _at(node: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        node = node[key]
    return node
