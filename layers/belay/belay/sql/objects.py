"""Reading what is made, changed or dropped and is no table: views, functions, types, sequences, schemas, roles."""

from __future__ import annotations

from itertools import pairwise

from belay.sql.changes import Engine
from belay.sql.constraints import MYSQL
from belay.sql.cursor import Cursor
from belay.sql.operations import (
    AddEnumValue,
    AlterObject,
    CreateEnum,
    CreateObject,
    DropObject,
    Grant,
    Harmless,
    Name,
    ObjectKind,
    Operation,
    RenameEnum,
    RenameEnumValue,
)
from belay.sql.rows import write_or_query
from belay.sql.sessions import CHANGING
from belay.sql.tokens import NotReadable, TokenForm

KINDS: dict[tuple[str, ...], ObjectKind] = {
    ("MATERIALIZED", "VIEW"): ObjectKind.MATERIALIZED_VIEW,
    ("VIEW",): ObjectKind.VIEW,
    ("SEQUENCE",): ObjectKind.SEQUENCE,
    ("SCHEMA",): ObjectKind.SCHEMA,
    ("DATABASE",): ObjectKind.DATABASE,
    ("TYPE", "BODY"): ObjectKind.TYPE,
    ("TYPE",): ObjectKind.TYPE,
    ("DOMAIN",): ObjectKind.DOMAIN,
    ("FUNCTION",): ObjectKind.FUNCTION,
    ("AGGREGATE",): ObjectKind.FUNCTION,
    ("ROUTINE",): ObjectKind.FUNCTION,
    ("PROCEDURE",): ObjectKind.PROCEDURE,
    ("PROC",): ObjectKind.PROCEDURE,
    ("PACKAGE", "BODY"): ObjectKind.PROCEDURE,
    ("PACKAGE",): ObjectKind.PROCEDURE,
    ("EVENT", "TRIGGER"): ObjectKind.TRIGGER,
    ("CONSTRAINT", "TRIGGER"): ObjectKind.TRIGGER,
    ("TRIGGER",): ObjectKind.TRIGGER,
    ("EXTENSION",): ObjectKind.EXTENSION,
    ("POLICY",): ObjectKind.POLICY,
    ("OWNED", "BY"): ObjectKind.OWNED,
    ("TABLESPACE",): ObjectKind.TABLESPACE,
    **dict.fromkeys(
        (
            ("ACCESS", "METHOD"),
            ("ALIAS",),
            ("ASSEMBLY",),
            ("BUFFERPOOL",),
            ("CAST",),
            ("COLLATION",),
            ("CONTEXT",),
            ("CONVERSION",),
            ("DIRECTORY",),
            ("EVENT",),
            ("FOREIGN", "DATA", "WRAPPER"),
            ("FULLTEXT", "CATALOG"),
            ("LANGUAGE",),
            ("OPERATOR", "CLASS"),
            ("OPERATOR", "FAMILY"),
            ("OPERATOR",),
            ("PARTITION", "FUNCTION"),
            ("PARTITION", "SCHEME"),
            ("PROFILE",),
            ("PUBLIC", "SYNONYM"),
            ("PUBLICATION",),
            ("RULE",),
            ("SERVER",),
            ("STATISTICS",),
            ("SUBSCRIPTION",),
            ("SYNONYM",),
            ("TEXT", "SEARCH", "CONFIGURATION"),
            ("TEXT", "SEARCH", "DICTIONARY"),
            ("USER", "MAPPING"),
            ("VARIABLE",),
        ),
        ObjectKind.OTHER,
    ),
}
ROLES = ("ROLE", "USER", "LOGIN", "GROUP")
"""Whose creation and change is a :class:`Grant`."""
_CODE = {ObjectKind.FUNCTION, ObjectKind.PROCEDURE, ObjectKind.TRIGGER, ObjectKind.TYPE}
_BEFORE = frozenset(
    "DEFINER = ALGORITHM UNDEFINED MERGE TEMPTABLE SQL SECURITY INVOKER EDITIONABLE NONEDITIONABLE FORCE NO TEMP "
    "TEMPORARY RECURSIVE TRUSTED PROCEDURAL DEFAULT PUBLIC LARGE REGULAR NOFORCE BIGFILE SMALLFILE".split()
)


def kind(cursor: Cursor) -> ObjectKind | None:
    """Takes the words that name a kind of object."""
    for words, found in KINDS.items():
        if cursor.take(*words):
            return found
    return None


def create_object(cursor: Cursor, *, replace: bool) -> tuple[Operation, ...]:
    """What follows ``CREATE`` and is no table or index. Raises NotReadable."""
    while (cursor.next_in(_BEFORE) or (cursor.engine in MYSQL and _definer(cursor))) and not cursor.next_is(
        "PUBLIC", "SYNONYM"
    ):
        cursor.at += 1
    if (made := kind(cursor)) is None:
        raise cursor.unexpected("an object that is known")
    cursor.if_not_exists()
    if made is ObjectKind.SCHEMA:
        return (_schema(cursor),)
    name = _first_name(cursor)
    if made is ObjectKind.TYPE and cursor.take("AS", "ENUM"):
        return (CreateEnum(name, _values(cursor)),)
    if made is ObjectKind.MATERIALIZED_VIEW and cursor.engine is Engine.POSTGRESQL:
        cursor.skip_to("AS", ";")
        cursor.expect("AS")
        written = [each for each in write_or_query(cursor) if not isinstance(each, Harmless)]
        return (CreateObject(made, name, replace), *written)
    code = made in _CODE and (cursor.engine is not Engine.POSTGRESQL or _atomic(cursor))
    if cursor.engine is Engine.SQLSERVER:
        code = made in (ObjectKind.FUNCTION, ObjectKind.PROCEDURE, ObjectKind.TRIGGER, ObjectKind.VIEW)
    _whole(cursor, code=code)
    return (CreateObject(made, name, replace),)


def _atomic(cursor: Cursor) -> bool:
    """Whether statements of SQL make up the body of PostgreSQL's function; else it is a string."""
    return any((one.word, other.word) == ("BEGIN", "ATOMIC") for one, other in pairwise(cursor.tokens[cursor.at :]))


def _definer(cursor: Cursor) -> bool:
    """Whether what comes next belongs to MySQL's ``DEFINER=user@host``."""
    before = cursor.tokens[cursor.at - 1].word
    return before == "=" or cursor.text[cursor.token.start : cursor.token.start + 1] == "@"


def _first_name(cursor: Cursor) -> Name:
    return cursor.name() if cursor.next_is_name() else Name("")


def _values(cursor: Cursor) -> tuple[str, ...]:
    cursor.expect("(")
    found = []
    if not cursor.take(")"):
        found.append(cursor.string())
        while cursor.take(","):
            found.append(cursor.string())
        cursor.expect(")")
    return tuple(found)


def _schema(cursor: Cursor) -> Operation:
    name = "" if cursor.next_is("AUTHORIZATION") else cursor.part()
    if cursor.take("AUTHORIZATION"):
        owner = cursor.part()
        name = name or owner
    if cursor.engine in MYSQL:
        cursor.skip_to(";")
    return CreateObject(ObjectKind.SCHEMA, Name(name))


def _whole(cursor: Cursor, *, code: bool) -> None:
    """Takes the rest of a definition."""
    if code:
        cursor.body()
    elif cursor.engine is Engine.SQLSERVER:
        cursor.skip_to(*CHANGING)
    else:
        cursor.rest()


def drop_object(cursor: Cursor) -> tuple[Operation, ...]:
    """What follows ``DROP`` and is no table or index. Raises NotReadable."""
    if cursor.token.word in ROLES and not cursor.next_is("USER", "MAPPING"):
        return _drop_roles(cursor)
    if (dropped := kind(cursor)) is None:
        raise cursor.unexpected("an object that is known")
    if_exists = cursor.if_exists()
    if dropped is ObjectKind.SCHEMA and cursor.engine in MYSQL:
        dropped = ObjectKind.DATABASE
    if dropped is ObjectKind.TABLESPACE:
        name = cursor.name()
        contents = cursor.take("INCLUDING", "CONTENTS")
        cursor.rest()
        return (DropObject(dropped, name, if_exists, contents),)
    if dropped is ObjectKind.OTHER:
        name = _first_name(cursor)
        _whole(cursor, code=False)
        return (DropObject(dropped, name, if_exists),)
    names = [_dropped(cursor)]
    while cursor.take(","):
        names.append(_dropped(cursor))
    if dropped in (ObjectKind.TRIGGER, ObjectKind.POLICY) and cursor.take("ON"):
        cursor.name()
    cascade = cursor.take("CASCADE")
    if cascade:
        cursor.take("CONSTRAINTS")
    cursor.take_any("RESTRICT", "FORCE")
    return tuple(DropObject(dropped, name, if_exists, cascade) for name in names)


def _drop_roles(cursor: Cursor) -> tuple[Operation, ...]:
    """Roles and users: in Oracle a user's tables go with it."""
    cursor.at += 1
    if_exists = cursor.if_exists()
    names = _role_names(cursor)
    cascade = cursor.take("CASCADE")
    text = f"DROP ROLE {', '.join(str(name) for name in names)}"
    dropped = tuple(DropObject(ObjectKind.ROLE, name, if_exists, cascade) for name in names)
    return (Grant(text, revoke=True), *dropped)


def _role_names(cursor: Cursor) -> list[Name]:
    found = []
    while True:
        if cursor.token.kind is TokenForm.STRING:
            found.append(Name(cursor.string()))
        else:
            found.append(cursor.name())
        if cursor.token.kind is TokenForm.VARIABLE or cursor.take("@"):
            cursor.at += 1
        if not cursor.take(","):
            return found


def _dropped(cursor: Cursor) -> Name:
    name = cursor.name()
    if cursor.next_is("("):
        cursor.group()
    return name


def alter_object(cursor: Cursor) -> tuple[Operation, ...]:
    """What follows ``ALTER`` and is no table, index or session. Raises NotReadable."""
    while cursor.next_in(_BEFORE) or (cursor.engine in MYSQL and _definer(cursor)):
        cursor.at += 1
    if (altered := kind(cursor)) is None:
        raise cursor.unexpected("an object that is known")
    cursor.if_exists()
    name = _first_name(cursor)
    if altered is ObjectKind.TYPE and cursor.engine is Engine.POSTGRESQL:
        return (_alter_type(cursor, name),)
    if altered is ObjectKind.SCHEMA and cursor.next_is("RENAME"):
        raise NotReadable("a schema that gets another name")
    _whole(cursor, code=altered in _CODE and cursor.engine is not Engine.POSTGRESQL)
    return (AlterObject(altered, name),)


def _alter_type(cursor: Cursor, name: Name) -> Operation:
    if cursor.take("ADD", "VALUE"):
        if_not_exists = cursor.if_not_exists()
        value = cursor.string()
        before = after = ""
        if cursor.take("BEFORE"):
            before = cursor.string()
        elif cursor.take("AFTER"):
            after = cursor.string()
        return AddEnumValue(name, value, if_not_exists, before, after)
    if cursor.take("RENAME", "VALUE"):
        value = cursor.string()
        cursor.expect("TO")
        return RenameEnumValue(name, value, cursor.string())
    if cursor.take("OWNER", "TO"):
        return Grant(f"OWNER OF {name} TO {cursor.part()}")
    if cursor.take("RENAME", "TO"):
        return RenameEnum(name, Name(cursor.part(), name.schema))
    raise cursor.unexpected("a change of a type")
