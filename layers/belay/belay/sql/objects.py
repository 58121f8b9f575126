"""Reading what is created, changed or dropped other than tables: views, functions, types, sequences, schemas, roles."""

from itertools import pairwise

from belay.sql import operations as op
from belay.sql.changes import MYSQL, Engine
from belay.sql.cursor import Cursor
from belay.sql.rows import write_or_query
from belay.sql.sessions import CHANGING
from belay.sql.tokens import NotReadable, TokenForm

_OTHERS = (
    "ACCESS METHOD, ALIAS, ASSEMBLY, BUFFERPOOL, CAST, COLLATION, CONTEXT, CONVERSION, DIRECTORY, EVENT, "
    "FOREIGN DATA WRAPPER, FULLTEXT CATALOG, LANGUAGE, OPERATOR CLASS, OPERATOR FAMILY, OPERATOR, PARTITION FUNCTION, "
    "PARTITION SCHEME, PROFILE, PUBLIC SYNONYM, PUBLICATION, RULE, SERVER, STATISTICS, SUBSCRIPTION, SYNONYM, "
    "TEXT SEARCH CONFIGURATION, TEXT SEARCH DICTIONARY, USER MAPPING, VARIABLE"
)
KINDS: dict[tuple[str, ...], op.ObjectKind] = {
    ("MATERIALIZED", "VIEW"): op.ObjectKind.MATERIALIZED_VIEW,
    ("VIEW",): op.ObjectKind.VIEW,
    ("SEQUENCE",): op.ObjectKind.SEQUENCE,
    ("SCHEMA",): op.ObjectKind.SCHEMA,
    ("DATABASE",): op.ObjectKind.DATABASE,
    ("TYPE", "BODY"): op.ObjectKind.TYPE,
    ("TYPE",): op.ObjectKind.TYPE,
    ("DOMAIN",): op.ObjectKind.DOMAIN,
    ("FUNCTION",): op.ObjectKind.FUNCTION,
    ("AGGREGATE",): op.ObjectKind.FUNCTION,
    ("ROUTINE",): op.ObjectKind.FUNCTION,
    ("PROCEDURE",): op.ObjectKind.PROCEDURE,
    ("PROC",): op.ObjectKind.PROCEDURE,
    ("PACKAGE", "BODY"): op.ObjectKind.PROCEDURE,
    ("PACKAGE",): op.ObjectKind.PROCEDURE,
    ("EVENT", "TRIGGER"): op.ObjectKind.TRIGGER,
    ("CONSTRAINT", "TRIGGER"): op.ObjectKind.TRIGGER,
    ("TRIGGER",): op.ObjectKind.TRIGGER,
    ("EXTENSION",): op.ObjectKind.EXTENSION,
    ("POLICY",): op.ObjectKind.POLICY,
    ("OWNED", "BY"): op.ObjectKind.OWNED,
    ("TABLESPACE",): op.ObjectKind.TABLESPACE,
    **{tuple(words.split()): op.ObjectKind.OTHER for words in _OTHERS.split(", ")},
}
ROLES = ("ROLE", "USER", "LOGIN", "GROUP")
"""Whose creation and change is a :class:`Grant`."""
_CODE = {op.ObjectKind.FUNCTION, op.ObjectKind.PROCEDURE, op.ObjectKind.TRIGGER, op.ObjectKind.TYPE}
_BEFORE = frozenset(
    "DEFINER = ALGORITHM UNDEFINED MERGE TEMPTABLE SQL SECURITY INVOKER EDITIONABLE NONEDITIONABLE FORCE NO TEMP "
    "TEMPORARY RECURSIVE TRUSTED PROCEDURAL DEFAULT PUBLIC LARGE REGULAR NOFORCE BIGFILE SMALLFILE".split()
)


def kind(cursor: Cursor) -> op.ObjectKind | None:
    """Takes the words that name a kind of object."""
    for words, found in KINDS.items():
        if cursor.take(*words):
            return found
    return None


def create_object(cursor: Cursor, *, replace: bool) -> tuple[op.Operation, ...]:
    """What follows ``CREATE`` and is not a table or index. Raises NotReadable."""
    while (cursor.next_in(_BEFORE) or (cursor.engine in MYSQL and _definer(cursor))) and not cursor.next_is(
        "PUBLIC", "SYNONYM"
    ):
        cursor.at += 1
    if (made := kind(cursor)) is None:
        raise cursor.unexpected("an object that is known")
    cursor.if_not_exists()
    if made is op.ObjectKind.SCHEMA:
        return (_schema(cursor),)
    name = _first_name(cursor)
    if made is op.ObjectKind.TYPE and cursor.take("AS", "ENUM"):
        values = () if cursor.take("(", ")") else tuple(cursor.within(cursor.string))
        return (op.CreateEnum(name, values),)
    if made is op.ObjectKind.MATERIALIZED_VIEW and cursor.engine is Engine.POSTGRESQL:
        cursor.skip_to("AS", ";")
        cursor.expect("AS")
        written = [each for each in write_or_query(cursor) if not isinstance(each, op.Harmless)]
        return (op.CreateObject(made, name, replace), *written)
    code = made in _CODE and (cursor.engine is not Engine.POSTGRESQL or _atomic(cursor))
    if cursor.engine is Engine.SQLSERVER:
        code = made in (op.ObjectKind.FUNCTION, op.ObjectKind.PROCEDURE, op.ObjectKind.TRIGGER, op.ObjectKind.VIEW)
    _whole(cursor, code=code)
    return (op.CreateObject(made, name, replace),)


def _atomic(cursor: Cursor) -> bool:
    """Whether the body of PostgreSQL's function is SQL statements; otherwise it is a string."""
    return any((one.word, other.word) == ("BEGIN", "ATOMIC") for one, other in pairwise(cursor.tokens[cursor.at :]))


def _definer(cursor: Cursor) -> bool:
    """Whether what comes next belongs to MySQL's ``DEFINER=user@host``."""
    before = cursor.tokens[cursor.at - 1].word
    return before == "=" or cursor.text[cursor.token.start : cursor.token.start + 1] == "@"


def _first_name(cursor: Cursor) -> op.Name:
    return cursor.name() if cursor.next_is_name() else op.Name("")


def _schema(cursor: Cursor) -> op.Operation:
    name = "" if cursor.next_is("AUTHORIZATION") else cursor.part()
    if cursor.take("AUTHORIZATION"):
        owner = cursor.part()
        name = name or owner
    if cursor.engine in MYSQL:
        cursor.skip_to(";")
    return op.CreateObject(op.ObjectKind.SCHEMA, op.Name(name))


def _whole(cursor: Cursor, *, code: bool) -> None:
    """Takes the rest of a definition."""
    if code:
        cursor.body()
    elif cursor.engine is Engine.SQLSERVER:
        cursor.skip_to(*CHANGING)
    else:
        cursor.rest()


def drop_object(cursor: Cursor) -> tuple[op.Operation, ...]:
    """What follows ``DROP`` and is not a table or index. Raises NotReadable."""
    if cursor.token.word in ROLES and not cursor.next_is("USER", "MAPPING"):
        return _drop_roles(cursor)
    if (dropped := kind(cursor)) is None:
        raise cursor.unexpected("an object that is known")
    if_exists = cursor.if_exists()
    if dropped is op.ObjectKind.SCHEMA and cursor.engine in MYSQL:
        dropped = op.ObjectKind.DATABASE
    if dropped is op.ObjectKind.TABLESPACE:
        name = cursor.name()
        contents = cursor.take("INCLUDING", "CONTENTS")
        cursor.rest()
        return (op.DropObject(dropped, name, if_exists, contents),)
    if dropped is op.ObjectKind.OTHER:
        name = _first_name(cursor)
        _whole(cursor, code=False)
        return (op.DropObject(dropped, name, if_exists),)
    names = cursor.listed(lambda: _dropped(cursor))
    if dropped in (op.ObjectKind.TRIGGER, op.ObjectKind.POLICY) and cursor.take("ON"):
        cursor.name()
    cascade = cursor.take("CASCADE")
    if cascade:
        cursor.take("CONSTRAINTS")
    cursor.take_any("RESTRICT", "FORCE")
    return tuple(op.DropObject(dropped, name, if_exists, cascade) for name in names)


def _drop_roles(cursor: Cursor) -> tuple[op.Operation, ...]:
    """Roles and users: in Oracle a user's tables are dropped with it."""
    cursor.at += 1
    if_exists = cursor.if_exists()
    names = cursor.listed(lambda: _role_name(cursor))
    cascade = cursor.take("CASCADE")
    text = f"DROP ROLE {', '.join(str(name) for name in names)}"
    dropped = tuple(op.DropObject(op.ObjectKind.ROLE, name, if_exists, cascade) for name in names)
    return (op.Grant(text, revoke=True), *dropped)


def _role_name(cursor: Cursor) -> op.Name:
    name = op.Name(cursor.string()) if cursor.token.kind is TokenForm.STRING else cursor.name()
    if cursor.token.kind is TokenForm.VARIABLE or cursor.take("@"):
        cursor.at += 1
    return name


def _dropped(cursor: Cursor) -> op.Name:
    name = cursor.name()
    cursor.take_group()
    return name


def alter_object(cursor: Cursor) -> tuple[op.Operation, ...]:
    """What follows ``ALTER`` and is not a table, index or session. Raises NotReadable."""
    while cursor.next_in(_BEFORE) or (cursor.engine in MYSQL and _definer(cursor)):
        cursor.at += 1
    if (altered := kind(cursor)) is None:
        raise cursor.unexpected("an object that is known")
    cursor.if_exists()
    name = _first_name(cursor)
    if altered is op.ObjectKind.TYPE and cursor.engine is Engine.POSTGRESQL:
        return (_alter_type(cursor, name),)
    if altered is op.ObjectKind.SCHEMA and cursor.next_is("RENAME"):
        raise NotReadable("a schema that gets another name")
    _whole(cursor, code=altered in _CODE and cursor.engine is not Engine.POSTGRESQL)
    return (op.AlterObject(altered, name),)


def _alter_type(cursor: Cursor, name: op.Name) -> op.Operation:
    if cursor.take("ADD", "VALUE"):
        if_not_exists = cursor.if_not_exists()
        value = cursor.string()
        before = after = ""
        if cursor.take("BEFORE"):
            before = cursor.string()
        elif cursor.take("AFTER"):
            after = cursor.string()
        return op.AddEnumValue(name, value, if_not_exists, before, after)
    if cursor.take("RENAME", "VALUE"):
        value = cursor.string()
        cursor.expect("TO")
        return op.RenameEnumValue(name, value, cursor.string())
    if cursor.take("OWNER", "TO"):
        return op.Grant(f"OWNER OF {name} TO {cursor.part()}")
    if cursor.take("RENAME", "TO"):
        return op.RenameEnum(name, op.Name(cursor.part(), name.schema))
    raise cursor.unexpected("a change of a type")
