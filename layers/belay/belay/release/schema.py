"""The database schema versions that a release works with, and the version that the database has."""

import re
from collections.abc import Iterable
from typing import Final

from belay.release.applied import AppliedChange
from belay.release.manifest import SchemaRange

_NUMBERS: Final = re.compile(r"\d+(\.\d+)*")


def holds(schema: SchemaRange, version: str) -> bool:
    """Whether a version is within a range, its ends included.

    Versions are compared as numbers between dots, ``9`` before ``10``; others can only equal an end.
    """
    if version in (schema.before, schema.after):
        return True
    numbers = [_numbers(each) for each in (schema.before, version, schema.after)]
    return None not in numbers and numbers == sorted(numbers, key=lambda each: each or ())


def _numbers(version: str) -> tuple[int, ...] | None:
    return tuple(map(int, version.split("."))) if _NUMBERS.fullmatch(version) else None


def schema_of(changes: Iterable[AppliedChange]) -> str | None:
    """Return a database's schema version, by the last change applied there; None if no release declares it."""
    standing = [each for each in changes if each.outcome.stands]
    last = max(standing, key=lambda each: (each.ended or each.started, each.position), default=None)
    return None if last is None else last.schema_version


def misfit(version: str, schema: SchemaRange | None, at: str | None) -> str | None:
    """Say why a release does not work with a database's schema; None if it does, or declares nothing.

    ``version`` is the release's, ``at`` the schema's.
    """
    if schema is None or at is None or holds(schema, at):
        return None
    return f"version {version} works with schema {schema.before} to {schema.after}, and the database has {at}"
