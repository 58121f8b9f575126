"""Database changes for ``belay validate``: files of SQL by themselves, and those that a release declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from belay.errors import UnreadableChanges
from belay.policy.database_gate import applied_before, check_database_changes
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.sql.changes import Engine
from belay.sql.limits import MAX_FILE_BYTES
from belay.sql.reading import read_changes, read_files

if TYPE_CHECKING:
    from belay.release.manifest import DatabaseChanges

ORDERED = re.compile(r"(?:[VR]?[0-9][0-9._]*__|R__|[0-9]+[-_.])", re.IGNORECASE)
"""How a file's name begins that says where it stands among others."""
NUMBER = re.compile(r"([0-9]+)")


def check_files(
    paths: Sequence[str], engine: Engine, settings: PolicySettings, today: date
) -> tuple[Report, dict[str, str]]:
    """Check files of SQL, or those in folders, each as a release of its own; return why some could not be read, too.

    If all names say an order, as ``V2__x.sql`` or ``0002-x.sql``, each file comes after those before it.
    """
    files, errors = _read(paths)
    names = sorted(files, key=_place) if all(ORDERED.match(Path(name).name) for name in files) else list(files)
    readable = []
    for name in names:
        try:
            readable.append(read_files({name: files[name]}, engine))
        except UnreadableChanges as error:
            errors[name] = str(error)
    if len(names) > 1 and all(ORDERED.match(Path(name).name) for name in names):
        readable = [tuple(change for changes in readable for change in changes)]
    reports = [check_database_changes(changes, engine, settings, today, alone=True) for changes in readable]
    return Report().merged(*reports), errors


def check_declared(
    files: Mapping[str, bytes], declared: DatabaseChanges, settings: PolicySettings, today: date
) -> Report:
    """Check the changes that a release's manifest declares. Raises :class:`UnreadableChanges`."""
    if declared.engine is None:
        return Report()
    changes = read_changes(files, declared.changes, declared.engine, format=declared.format)
    applied = applied_before(changes, declared.schema.before) if declared.schema else {}
    return check_database_changes(changes, declared.engine, settings, today, applied=applied)


def _place(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Return the place of a file among others: numbers as numbers, repeatable changes last."""
    base = Path(name).name.lower()
    return base.startswith("r__"), [(int(part), "") if part.isdigit() else (0, part) for part in NUMBER.split(base)]


def _read(paths: Sequence[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    files: dict[str, bytes] = {}
    errors: dict[str, str] = {}
    for path in paths:
        found = list(_found(Path(path)))
        if not found:
            errors[path] = f"{path}: expected a file of SQL in it (*.sql), found none."
        for each in found:
            try:
                with each.open("rb") as file:
                    files[str(each)] = file.read(MAX_FILE_BYTES + 1)
            except OSError as error:
                errors[str(each)] = f"{each}: {error.strerror}."
    return files, errors


def _found(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    yield from sorted(each for each in path.rglob("*") if each.suffix.lower() == ".sql" and each.is_file())
