"""Database changes for ``belay validate``: files of SQL by themselves, and those that a release declares."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from belay.errors import UnreadableChanges
from belay.policy.database_gate import applied_before, check_database_changes, last_of, model_after
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.sql.changes import DatabaseChange, Engine
from belay.sql.limits import MAX_FILE_BYTES
from belay.sql.reading import read_changes, read_files
from cli.kept_models import kept_model

if TYPE_CHECKING:
    from belay.release.manifest import DatabaseChanges

ORDERED = re.compile(r"(?:[VR]?[0-9][0-9._]*__|R__|[0-9]+[-_.])", re.IGNORECASE)
"""How the name of a file begins that has a place in an order."""
NUMBER = re.compile(r"([0-9]+)")
CHANGELOGS = (".xml", ".yaml", ".yml", ".json")
UNDO = re.compile(r"(?:.*[._-])?(?:down|undo|rollback)\.sql|U[0-9][0-9._]*__.*", re.IGNORECASE)
"""Files that undo changes, which are not changes themselves."""


def check_files(
    paths: Sequence[str], engine: Engine, settings: PolicySettings, today: date, applied: str | None = None
) -> tuple[Report, dict[str, str]]:
    """Check files of SQL, or those in folders, each as a separate release; also return why some could not be read.

    If all names say an order, as ``V2__x.sql`` or ``0002-x.sql``, each file comes after those before it, and
    ``applied`` is the version of the last one that was applied before.
    """
    files, errors = _read(paths)
    if not all(map(_ordered, files)):
        if applied is not None:
            errors["--applied"] = "--applied: expected files whose names say an order, as V2__x.sql, found others."
        alone = [
            check_database_changes(each, engine, settings, today, alone=True)
            for each in _read_each(files, engine, errors)
        ]
        return Report().merged(*alone), errors
    names = sorted(files, key=_place)
    last = _last(names, applied, errors)
    before, rest = ({name: files[name] for name in part} for part in (names[:last], names[last:]))
    digests = (f"{Path(name).name} {sha256(data).hexdigest()}" for name, data in before.items())
    baseline = kept_model(engine, digests, lambda: model_after(_flat(before, engine, errors), engine))
    changes = _flat(rest, engine, errors)
    return check_database_changes(changes, engine, settings, today, baseline=baseline, alone=True), errors


def check_declared(
    files: Mapping[str, bytes],
    declared: DatabaseChanges,
    settings: PolicySettings,
    today: date,
    applied: str | None = None,
) -> Report:
    """Check the changes that a release's manifest declares. Raises :class:`UnreadableChanges`.

    Those up to ``applied``, or without it up to the schema's version that the manifest begins with, were applied
    before.
    """
    if declared.engine is None:
        return Report()
    changes = read_changes(files, declared.changes, declared.engine, format=declared.format)
    version = applied or (declared.schema.before if declared.schema else None)
    before = {} if version is None else applied_before(changes, version)
    old = [change for change in changes if change.id in before]
    engine = declared.engine
    baseline = kept_model(engine, before.values(), lambda: model_after(old, engine))
    return check_database_changes(changes, engine, settings, today, applied=before, baseline=baseline)


def _read_each(
    files: Mapping[str, bytes], engine: Engine, errors: dict[str, str]
) -> Iterator[tuple[DatabaseChange, ...]]:
    """Yield the changes of each file that can be read; add to ``errors`` why others cannot."""
    for name, data in files.items():
        try:
            yield read_files({name: data}, engine)
        except UnreadableChanges as error:
            errors[name] = str(error)


def _flat(files: Mapping[str, bytes], engine: Engine, errors: dict[str, str]) -> list[DatabaseChange]:
    return [change for each in _read_each(files, engine, errors) for change in each]


def _last(names: Sequence[str], applied: str | None, errors: dict[str, str]) -> int:
    """Return how many of the files are not after the version that was applied last."""
    if applied is None:
        return 0
    last = last_of([_ordered(name) for name in names], applied)
    if not last:
        errors["--applied"] = f"--applied: expected the version of one of the files, found {applied}."
    return last


def _ordered(name: str) -> str:
    """Return the part of a path that says an order, its file's name or its folder's (``0001_x/up.sql``), or nothing."""
    path = Path(name)
    return next((part for part in (path.name, path.parent.name) if ORDERED.match(part)), "")


def _place(name: str) -> tuple[bool, list[tuple[int, str]]]:
    """Return the place of a file among others: numbers as numbers, repeatable changes last."""
    told = _ordered(name).lower()
    return told.startswith("r__"), [(int(part), "") if part.isdigit() else (0, part) for part in NUMBER.split(told)]


def _read(paths: Sequence[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    files: dict[str, bytes] = {}
    errors: dict[str, str] = {}
    for path in paths:
        found = list(_found(Path(path)))
        if not found:
            errors[path] = f"{path}: expected files of SQL (*.sql) or changelogs in it, found none."
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
    yield from sorted(each for each in path.rglob("*") if each.is_file() and _is_change(each))


def _is_change(file: Path) -> bool:
    """Whether a file in a folder is SQL that is applied, or a changelog by its content."""
    ending = file.suffix.lower()
    if ending in CHANGELOGS:
        with file.open("rb") as opened:
            return b"databaseChangeLog" in opened.read(MAX_FILE_BYTES)
    return ending == ".sql" and not UNDO.fullmatch(file.name)
