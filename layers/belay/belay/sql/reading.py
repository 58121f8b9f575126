"""Reads database changes: files in, changes out, in the order in which they are applied."""

from collections.abc import Mapping
from types import MappingProxyType

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, Format
from belay.sql.files import below
from belay.sql.flyway import is_migration, read_flyway
from belay.sql.limits import MAX_STATEMENTS
from belay.sql.liquibase.reading import is_changelog, read_liquibase
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

    ``files`` are the release's, by path. Without a format it is detected (:func:`format_of`). ``placeholders`` are
    Flyway's placeholders and Liquibase's properties.

    Raises :class:`UnreadableChanges` with every problem found, each with file and line.
    """
    changes = _read(files, directory, engine, format or format_of(files, directory), placeholders)
    count = sum(len(each.statements) + len(each.undo or ()) for each in changes)
    if count > MAX_STATEMENTS:
        raise UnreadableChanges([f"{directory}: expected at most {MAX_STATEMENTS:,} statements, found {count:,}"])
    return changes


def _read(
    files: Mapping[str, bytes], directory: str, engine: Engine, chosen: Format, placeholders: Mapping[str, str]
) -> tuple[DatabaseChange, ...]:
    if chosen is Format.LIQUIBASE:
        return read_liquibase(files, directory, engine, placeholders)
    found = below(files, directory)
    if chosen is Format.FLYWAY:
        return read_flyway(found, engine, placeholders)
    return read_plain(found, directory, engine)


def format_of(files: Mapping[str, bytes], directory: str) -> Format:
    """Detect the format of a directory by its files.

    A changelog makes it Liquibase, else a file with a Flyway name makes it Flyway, anything else is plain. Raises
    :class:`UnreadableChanges` if there are no files, or changelogs beside Flyway's names.
    """
    found = {directory: files[directory]} if directory in files else below(files, directory)
    changelog = next((path for path, data in found.items() if is_changelog(path, data)), None)
    migration = next(filter(is_migration, found), None)
    if changelog and migration and not is_changelog(migration, found[migration]):
        found_both = f"found {changelog} and {migration}; name the format in the manifest"
        raise UnreadableChanges([f"{directory}: expected one format, {found_both}"])
    if changelog:
        return Format.LIQUIBASE
    return Format.FLYWAY if migration else Format.PLAIN


def read_files(files: Mapping[str, bytes], engine: Engine) -> tuple[DatabaseChange, ...]:
    """Read files that are run by themselves, in order, each as one change; a changelog yields all of its own.

    A changelog that another of the files includes is read once.

    Raises :class:`UnreadableChanges` with every problem found, each with file and line.
    """
    collected = Collected()
    changes: list[DatabaseChange] = []
    for path, data in files.items():
        with collected:
            if is_changelog(path, data):
                changes += read_liquibase(files, path, engine, {}, alone=True)
            else:
                changes.append(read_alone(path, data, engine))
    collected.raise_all()
    return tuple({each.place: each for each in changes}.values())
