"""Plain changes: ``NNNN-name.sql``, each a change, with its undo in ``NNNN-name.undo.sql`` beside it."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from belay.sql.changes import DatabaseChange, Engine, SourcePlace
from belay.sql.files import name_of, text_of
from belay.sql.problems import Collected
from belay.sql.splitting import split
from belay.sql.substitution import substituted
from belay.sql.transactions import in_transaction, needs_transaction

SCHEMA: Final = re.compile(r"\$\{([A-Za-z_]\w{0,63})\}(?=\.)")
"""A placeholder followed by a dot."""
NAME: Final = re.compile(r"(?P<number>[0-9]{1,18})[-_](?P<name>[^/]+?)(?P<undo>\.undo)?\.sql", re.IGNORECASE)


def read_plain(files: Mapping[str, bytes], directory: str, engine: Engine) -> tuple[DatabaseChange, ...]:
    """Read a directory of plain changes in the order of their numbers.

    Raises :class:`UnreadableChanges` with every problem found.
    """
    collected = Collected()
    changes: dict[int, str] = {}
    undos: dict[str, str] = {}
    for path in files:
        name = NAME.fullmatch(path.removeprefix(f"{directory.strip('/')}/"))
        if name is None:
            collected.add(f"{path}: expected NNNN-name.sql or NNNN-name.undo.sql in {directory}, found another name")
        elif name["undo"]:
            undos[_id(path)] = path
        elif (other := changes.setdefault(int(name["number"]), path)) != path:
            collected.add(f"{path}: expected each number once, found {int(name['number'])} in {other} too")
    for id_, path in undos.items():
        if id_ not in map(_id, changes.values()):
            collected.add(f"{path}: expected the change {id_}.sql beside what undoes it, found none")
    read = []
    for _, path in sorted(changes.items()):
        with collected:
            read.append(_change(files, path, undos.get(_id(path)), engine))
    collected.raise_all()
    return tuple(read)


def read_alone(path: str, data: bytes, engine: Engine) -> DatabaseChange:
    """Read a SQL file that is run by itself. Raises :class:`UnreadableChanges`.

    A ``${name}`` used as a schema is taken as a name: its value is unknown, and it can be nothing else.
    """
    source = text_of(path, data)
    schemas = {name.lower(): name for name in SCHEMA.findall(source.text)}
    statements = split(substituted(source, schemas).source, engine)
    return DatabaseChange(
        id=path,
        author="",
        place=SourcePlace(path, 1),
        digest=sha256(data).hexdigest(),
        statements=statements,
        transactional=needs_transaction(statements, engine),
    )


def _change(files: Mapping[str, bytes], path: str, undo: str | None, engine: Engine) -> DatabaseChange:
    statements = split(text_of(path, files[path]), engine)
    return DatabaseChange(
        id=_id(path),
        author="",
        place=SourcePlace(path, 1),
        digest=sha256(files[path]).hexdigest(),
        statements=statements,
        undo=None if undo is None else split(text_of(undo, files[undo]), engine),
        transactional=in_transaction(statements, engine),
    )


def _id(path: str) -> str:
    return re.sub(r"(?:\.undo)?\.sql$", "", name_of(path), flags=re.IGNORECASE)
