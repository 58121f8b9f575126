"""Flyway's migrations: ``V1.0.1__name.sql``, with ``U1.0.1__name.sql`` to undo it, and ``R__name.sql``.

Sources: https://documentation.red-gate.com/flyway/flyway-concepts/migrations,
https://documentation.red-gate.com/flyway/reference/script-configuration
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from belay.errors import UnreadableChanges
from belay.sql.changes import DatabaseChange, Engine, SourcePlace, SqlStatement
from belay.sql.digests import digest_of, values_of
from belay.sql.doubts import doubt
from belay.sql.files import name_of, text_of
from belay.sql.problems import Collected, shown
from belay.sql.splitting import split
from belay.sql.substitution import doubted, substituted
from belay.sql.transactions import in_transaction

NAME: Final = re.compile(
    r"(?P<prefix>[VUR])(?P<version>[0-9]{1,30}(?:[._][0-9]{1,30})*)?__(?P<description>[^/]+?)"
    r"\.(?P<suffix>sql|java|kt|class|py|ps1|sh|bat|cmd)"
)
_ALMOST: Final = re.compile(r"(?i:[VURB][0-9._]*_)|(?:before|after)[A-Z]|createSchema")
"""Names that look like a migration's but are none, and callbacks; Flyway ignores any other name."""

_CONFIGURATION: Final = ".conf"
_TRUE: Final = frozenset({"true", "false"})


@dataclass(frozen=True, slots=True)
class _Migration:
    """A migration's file, by the parts of its name."""

    path: str
    prefix: str
    version: tuple[int, ...]
    written: str
    description: str
    is_sql: bool


@dataclass(frozen=True, slots=True)
class _Configuration:
    """The configuration of one script."""

    transactional: bool | None = None
    placeholders: bool = True
    doubts: tuple[SqlStatement, ...] = ()


def is_migration(path: str) -> bool:
    """Whether a file is named as Flyway's migrations are."""
    return NAME.fullmatch(name_of(path)) is not None


def read_flyway(
    files: Mapping[str, bytes], engine: Engine, placeholders: Mapping[str, str]
) -> tuple[DatabaseChange, ...]:
    """Read migrations in the order in which Flyway applies them: versions by their numbers, then the repeatable ones.

    Raises :class:`UnreadableChanges` with every problem found.
    """
    collected = Collected()
    found: dict[str, dict[tuple[int, ...] | str, _Migration]] = {"V": {}, "U": {}, "R": {}}
    for path in files:
        with collected:
            if migration := _migration(path, files):
                key = migration.description if migration.prefix == "R" else migration.version
                other = found[migration.prefix].setdefault(key, migration)
                if other is not migration:
                    collected.add(f"{path}: expected each version and description once, found {other.path} too")
    for version, undo in found["U"].items():
        if version not in found["V"]:
            collected.add(f"{undo.path}: expected the migration V{undo.written} that it undoes, found none")
    ordered = [*sorted(found["V"].items()), *sorted(found["R"].items())]
    changes = []
    for key, migration in ordered:
        with collected:
            changes.append(_change(files, migration, found["U"].get(key), engine, placeholders))
    collected.raise_all()
    return tuple(changes)


def _migration(path: str, files: Mapping[str, bytes]) -> _Migration | None:
    if path.endswith(_CONFIGURATION) and path.removesuffix(_CONFIGURATION) in files:
        return None
    name = NAME.fullmatch(name_of(path))
    if name is None or (name["version"] is None) is not (name["prefix"] == "R"):
        if not _ALMOST.match(name_of(path)) and not path.endswith(_CONFIGURATION):
            return None
        raise UnreadableChanges(
            [
                f"{path}: expected V<version>__<name>.sql, U<version>__<name>.sql or R__<name>.sql; "
                "callbacks and baseline migrations are not taken"
            ]
        )
    written = (name["version"] or "").replace("_", ".")
    numbers = [int(each) for each in written.split(".") if each]
    while numbers[1:] and not numbers[-1]:
        numbers.pop()
    return _Migration(path, name["prefix"], tuple(numbers), written, name["description"], name["suffix"] == "sql")


def _change(
    files: Mapping[str, bytes],
    migration: _Migration,
    undo: _Migration | None,
    engine: Engine,
    placeholders: Mapping[str, str],
) -> DatabaseChange:
    configured = files.get(migration.path + _CONFIGURATION)
    configuration = _configuration(migration.path + _CONFIGURATION, configured)
    used, statements = _statements(files, migration, configuration, engine, placeholders)
    transactional = configuration.transactional
    more = [] if configured is None else [configured]
    return DatabaseChange(
        id=migration.written or f"R__{migration.description}",
        author="",
        place=SourcePlace(migration.path, 1),
        digest=digest_of(files[migration.path], *more, *values_of(used.items())),
        statements=statements,
        undo=None if undo is None else _undo(files, undo, engine, placeholders),
        repeatable=migration.prefix == "R",
        transactional=in_transaction(statements, engine) if transactional is None else transactional,
    )


def _undo(
    files: Mapping[str, bytes], undo: _Migration, engine: Engine, placeholders: Mapping[str, str]
) -> tuple[SqlStatement, ...]:
    path = undo.path + _CONFIGURATION
    configuration = _configuration(path, files.get(path))
    _, statements = _statements(files, undo, configuration, engine, placeholders)
    return statements


def _statements(
    files: Mapping[str, bytes],
    migration: _Migration,
    configuration: _Configuration,
    engine: Engine,
    placeholders: Mapping[str, str],
) -> tuple[Mapping[str, str], tuple[SqlStatement, ...]]:
    """Return the placeholders that are used, and the statements."""
    if not migration.is_sql:
        place = SourcePlace(migration.path, 1)
        return {}, (doubt("it is a program, and no SQL", place, name_of(migration.path)),)
    source = text_of(migration.path, files[migration.path])
    if not configuration.placeholders:
        return {}, (*configuration.doubts, *split(source, engine))
    values = {"flyway:filename": name_of(migration.path), **{key.lower(): each for key, each in placeholders.items()}}
    read = substituted(source, values)
    return read.used, (*configuration.doubts, *doubted(split(read.source, engine)))


def _configuration(path: str, data: bytes | None) -> _Configuration:
    """Read a script's configuration; an unknown setting is a doubt about the script."""
    transactional, replaced, doubts = None, True, []
    for number, key, value in _entries(path, data or b""):
        if key == "executeInTransaction" and value in _TRUE:
            transactional = value == "true"
        elif key == "placeholderReplacement" and value in _TRUE:
            replaced = value == "true"
        elif key != "encoding" or value.upper() not in {"UTF-8", "UTF8"}:
            reason = f"the script's configuration says {shown(f'{key}={value}')}"
            doubts.append(doubt(reason, SourcePlace(path, number)))
    return _Configuration(transactional, replaced, tuple(doubts))


def _entries(path: str, data: bytes) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(text_of(path, data).text.split("\n"), 1):
        key, _, value = line.partition("=")
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, key.strip().removeprefix("flyway."), value.strip()
