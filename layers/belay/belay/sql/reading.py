"""Reads database changes: files in, changes out, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, Format
from belay.sql.files import below
from belay.sql.plain import read_alone, read_plain
from belay.sql.problems import Collected


def read_changes(
    files: Mapping[str, bytes],
    directory: str,
    engine: Engine,
    *,
    format: Format | None = None,
    placeholders: Mapping[str, str] = MappingProxyType({}),
) -> tuple[DatabaseChange, ...]:
    """Read the changes in a directory of a release, in the order in which they are applied.

    ``files`` are the release's, by path. Without a format it is told by the files' names. ``placeholders`` are
    Flyway's placeholders and Liquibase's properties.

    Raises :class:`UnreadableChanges` with every problem found, each with file and line.
    """
    if format not in {None, Format.PLAIN} or placeholders:
        raise UnreadableChanges([f"{directory}: expected plain changes, found {format}"])
    return read_plain(below(files, directory), directory, engine)


def read_files(files: Mapping[str, bytes], engine: Engine) -> tuple[DatabaseChange, ...]:
    """Read files that are run by themselves, in their order, each a change; a changelog is as many as it has.

    Raises :class:`UnreadableChanges` with every problem found, each with file and line.
    """
    collected = Collected()
    changes = []
    for path, data in files.items():
        with collected:
            changes.append(read_alone(path, data, engine))
    collected.raise_all()
    return tuple(changes)
