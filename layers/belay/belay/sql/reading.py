"""Reads database changes: files in, changes out, in the order in which they are applied."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from belay.sql.changes import DatabaseChange, Engine, Format
from belay.sql.files import below
from belay.sql.flyway import is_migration, read_flyway
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

    ``files`` are the release's, by path; Without a format it is told by the files (:func:`format_of`).
    ``placeholders`` are Flyway's placeholders and Liquibase's properties.

    Raises :class:`UnreadableChanges` with every problem found, each with file and line.
    """
    chosen = format or format_of(files, directory)
    found = below(files, directory)
    if chosen is Format.FLYWAY:
        return read_flyway(found, engine, placeholders)
    return read_plain(found, directory, engine)


def format_of(files: Mapping[str, bytes], directory: str) -> Format:
    """Tell the format of a directory by its files.

    A file with a Flyway name makes it Flyway, anything else is plain. Raises :class:`UnreadableChanges` if there are no
    files.
    """
    return Format.FLYWAY if any(map(is_migration, below(files, directory))) else Format.PLAIN


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
