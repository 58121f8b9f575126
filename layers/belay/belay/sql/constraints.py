"""Reading constraints on tables: keys, foreign keys, checks, exclusions, and what may follow them in each engine."""

from typing import NamedTuple

from belay.sql.changes import MYSQL, Engine
from belay.sql.cursor import Cursor
from belay.sql.operations import ConstraintDefinition, ConstraintKind
from belay.sql.tokens import NotReadable


def starts_constraint(cursor: Cursor) -> bool:
    """Whether a table's constraint comes next, and not a column."""
    ahead = cursor.tokens[cursor.at + 1].word
    match cursor.token.word:
        case "CONSTRAINT":
            return True
        case "PRIMARY" | "FOREIGN":
            return ahead == "KEY"
        case "UNIQUE":
            return ahead in ("(", "KEY", "INDEX", "USING", "CLUSTERED", "NONCLUSTERED", "NULLS") or (
                cursor.engine in MYSQL and cursor.tokens[cursor.at + 2].word in ("(", "USING")
            )
        case "CHECK":
            return ahead in ("(", "NOT")
        case "EXCLUDE":
            return cursor.engine is Engine.POSTGRESQL and ahead in ("(", "USING")
    return False


def constraint(cursor: Cursor) -> ConstraintDefinition:
    """A table's constraint, with its name if it has one. Raises NotReadable."""
    named = cursor.part() if cursor.take("CONSTRAINT") and not starts_constraint(cursor) else ""
    if cursor.take("PRIMARY", "KEY"):
        return _key(cursor, ConstraintKind.PRIMARY_KEY, named)
    if cursor.take("UNIQUE"):
        if cursor.engine in MYSQL:
            cursor.take_any("KEY", "INDEX")
        return _key(cursor, ConstraintKind.UNIQUE, named)
    if cursor.take("FOREIGN", "KEY"):
        if cursor.engine in MYSQL and not cursor.next_is("("):
            index = cursor.part()
            named = named or index
        return foreign_key(cursor, named, cursor.columns())
    if cursor.take("CHECK"):
        return check(cursor, named)
    if cursor.engine is Engine.POSTGRESQL and cursor.take("NOT", "NULL"):
        column = cursor.part()
        inherited = not cursor.take("NO", "INHERIT")
        return ConstraintDefinition(
            ConstraintKind.NOT_NULL, named, (column,), validated=trailing(cursor).validated, inherited=inherited
        )
    if cursor.engine is Engine.POSTGRESQL and cursor.take("EXCLUDE"):
        return _exclusion(cursor, named)
    raise cursor.unexpected("a constraint")


def check(cursor: Cursor, named: str) -> ConstraintDefinition:
    """A check, from after the word, on a table or a column."""
    cursor.take("NOT", "FOR", "REPLICATION")
    expression = cursor.group()
    inherited = not cursor.take("NO", "INHERIT")
    validated = trailing(cursor).validated
    return ConstraintDefinition(
        ConstraintKind.CHECK, named, expression=expression, validated=validated, inherited=inherited
    )


def _key(cursor: Cursor, kind: ConstraintKind, named: str) -> ConstraintDefinition:
    if cursor.engine is Engine.POSTGRESQL and cursor.take("USING", "INDEX"):
        if cursor.next_is("TABLESPACE"):
            raise cursor.unexpected("an index")
        index = cursor.part()
        trailing(cursor)
        return ConstraintDefinition(kind, named, using_index=index)
    nulls_distinct = not nulls_not_distinct(cursor)
    if cursor.engine is Engine.SQLSERVER:
        cursor.take_any("CLUSTERED", "NONCLUSTERED")
    if cursor.engine in MYSQL:
        if not cursor.next_is("(") and not cursor.next_is("USING"):
            index = cursor.part()
            named = named or index
        _mysql_method(cursor)
    columns = key_columns(cursor)
    included = cursor.columns() if cursor.engine is Engine.POSTGRESQL and cursor.take("INCLUDE") else ()
    online, using_index = key_options(cursor)
    return ConstraintDefinition(
        kind, named, columns, included=included, online=online, using_index=using_index, nulls_distinct=nulls_distinct
    )


def nulls_not_distinct(cursor: Cursor) -> bool:
    """Takes PostgreSQL's ``NULLS [NOT] DISTINCT`` if present; whether two rows without a value are duplicates."""
    if cursor.engine is not Engine.POSTGRESQL or cursor.take("NULLS", "DISTINCT"):
        return False
    return cursor.take("NULLS", "NOT", "DISTINCT")


def key_columns(cursor: Cursor) -> tuple[str, ...]:
    """A key's columns, without MySQL's lengths and the directions."""
    return tuple(cursor.within(lambda: _key_column(cursor)))


def _key_column(cursor: Cursor) -> str:
    name = cursor.part()
    if cursor.engine in MYSQL:
        cursor.take_group()
    if cursor.engine is not Engine.POSTGRESQL:
        cursor.take_any("ASC", "DESC")
    return name


def key_options(cursor: Cursor) -> tuple[bool, str]:
    """What may follow a key: whether its index is created without blocking writes, and Oracle's existing index.

    Raises NotReadable inside the unknown.
    """
    online = False
    if cursor.engine is Engine.POSTGRESQL:
        if cursor.take("WITH"):
            cursor.group()
        if cursor.take("USING", "INDEX", "TABLESPACE"):
            cursor.part()
    elif cursor.engine is Engine.SQLSERVER:
        cursor.take_any("CLUSTERED", "NONCLUSTERED")
        if cursor.tokens[cursor.at + 1].word == "(" and cursor.take("WITH"):
            online = made_online(cursor.group())
        elif cursor.take("WITH", "FILLFACTOR"):
            cursor.expect("=")
            cursor.number()
        if cursor.take("ON"):
            filegroup(cursor)
    elif cursor.engine in MYSQL:
        mysql_index_options(cursor)
    return online, trailing(cursor).using_index


def made_online(options: str) -> bool:
    """Whether SQL Server's options of a key, index or rebuild include ``ONLINE = ON``."""
    return "ONLINE=ON" in "".join(options.upper().split())


def filegroup(cursor: Cursor) -> None:
    """SQL Server's file group, or partition scheme with its column, after ``ON``."""
    cursor.part()
    cursor.take_group()


def _mysql_method(cursor: Cursor) -> str:
    return cursor.take_any("BTREE", "HASH").lower() if cursor.take("USING") else ""


def mysql_index_options(cursor: Cursor) -> None:
    """What may follow an index in MySQL."""
    while True:
        if cursor.take("COMMENT"):
            cursor.take("=")
            cursor.string()
        elif cursor.next_is("USING"):
            _mysql_method(cursor)
        elif cursor.take("KEY_BLOCK_SIZE"):
            cursor.take("=")
            cursor.number()
        elif cursor.take("WITH", "PARSER"):
            cursor.part()
        elif not cursor.take_any("VISIBLE", "INVISIBLE"):
            return


_ACTIONS = (("NO", "ACTION"), ("RESTRICT",), ("CASCADE",), ("SET", "NULL"), ("SET", "DEFAULT"))


def foreign_key(cursor: Cursor, named: str, columns: tuple[str, ...]) -> ConstraintDefinition:
    """A foreign key from ``REFERENCES`` on."""
    cursor.expect("REFERENCES")
    table = cursor.name()
    referenced = cursor.columns() if cursor.next_is("(") else ()
    while True:
        if cursor.take("ON", "DELETE") or cursor.take("ON", "UPDATE"):
            if not any(cursor.take(*action) for action in _ACTIONS):
                raise cursor.unexpected("an action")
            columns_set = cursor.tokens[cursor.at - 2].word == "SET" and cursor.next_is("(")
            if cursor.engine is Engine.POSTGRESQL and columns_set:
                cursor.columns()
        elif cursor.take("MATCH"):
            cursor.take_any("FULL", "SIMPLE", "PARTIAL")
        elif not cursor.take("NOT", "FOR", "REPLICATION"):
            break
    validated = trailing(cursor).validated
    return ConstraintDefinition(
        ConstraintKind.FOREIGN_KEY, named, columns, table, referenced_columns=referenced, validated=validated
    )


class Trailing(NamedTuple):
    """What follows a constraint: whether existing rows are checked, and the index that Oracle uses."""

    validated: bool = True
    using_index: str = ""


def trailing(cursor: Cursor) -> Trailing:
    """Takes what may follow any constraint."""
    validated, using_index = True, ""
    engine = cursor.engine
    while True:
        if engine is Engine.POSTGRESQL and cursor.take("NOT", "VALID"):
            validated = False
        elif engine in (Engine.POSTGRESQL, Engine.ORACLE) and deferring(cursor):
            continue
        elif engine is Engine.POSTGRESQL and (cursor.take("NOT", "ENFORCED") or cursor.take("ENFORCED")):
            validated = validated and cursor.tokens[cursor.at - 2].word != "NOT"
        elif engine in MYSQL and (cursor.take("NOT", "ENFORCED") or cursor.take("ENFORCED")):
            validated = cursor.tokens[cursor.at - 2].word != "NOT"
        elif engine is Engine.DB2 and (
            cursor.take("ENFORCED")
            or cursor.take("ENABLE", "QUERY", "OPTIMIZATION")
            or cursor.take("DISABLE", "QUERY", "OPTIMIZATION")
        ):
            continue
        elif engine is Engine.DB2 and cursor.take("NOT", "ENFORCED"):
            cursor.take_any("TRUSTED")
            validated = False
        elif engine is Engine.ORACLE and cursor.take("USING", "INDEX"):
            using_index = _oracle_index(cursor)
        elif engine is Engine.ORACLE and (state := _oracle_state(cursor)) is not None:
            validated = state
        else:
            return Trailing(validated, using_index)


def deferring(cursor: Cursor) -> bool:
    """Takes the clause for when a constraint is checked, if present."""
    return (
        cursor.take("DEFERRABLE")
        or cursor.take("NOT", "DEFERRABLE")
        or cursor.take("INITIALLY", "DEFERRED")
        or cursor.take("INITIALLY", "IMMEDIATE")
    )


def _oracle_state(cursor: Cursor) -> bool | None:
    """Oracle's ``ENABLE`` and ``NOVALIDATE``: whether rows are checked, or None if absent."""
    if cursor.take("DISABLE"):
        cursor.take_any("NOVALIDATE")
        return False
    if cursor.take("NOVALIDATE"):
        return False
    if cursor.take("ENABLE"):
        return not cursor.take("NOVALIDATE") and (cursor.take("VALIDATE") or True)
    if cursor.take_any("VALIDATE", "RELY", "NORELY"):
        return True
    return None


def _oracle_index(cursor: Cursor) -> str:
    """What follows ``USING INDEX``: the name of an existing index, or where the new one is stored."""
    if cursor.next_is("("):
        raise NotReadable("an index that is made for a constraint")
    while word := cursor.take_any(*STORAGE):
        oracle_storage(cursor, word)
    if cursor.next_is_name() and cursor.token.word not in ("ENABLE", "DISABLE", "NOVALIDATE", "VALIDATE", "RELY"):
        return cursor.name().name
    return ""


STORAGE = (
    *("TABLESPACE", "PCTFREE", "PCTUSED", "INITRANS", "MAXTRANS", "STORAGE", "LOGGING", "NOLOGGING", "COMPUTE"),
    *("REVERSE", "NOCOMPRESS", "COMPRESS", "PARALLEL", "NOPARALLEL", "LOCAL", "GLOBAL", "CACHE", "NOCACHE"),
    *("MONITORING", "NOMONITORING", "VISIBLE", "INVISIBLE", "NOSORT", "SORT"),
)


def oracle_storage(cursor: Cursor, word: str) -> None:
    """The rest of a storage clause that begins with ``word``."""
    match word:
        case "TABLESPACE":
            cursor.part()
        case "PCTFREE" | "PCTUSED" | "INITRANS" | "MAXTRANS":
            cursor.number()
        case "STORAGE":
            cursor.group()
        case "COMPUTE":
            cursor.expect("STATISTICS")
        case "COMPRESS" | "PARALLEL":
            if cursor.token.value.isdigit():
                cursor.number()
            elif cursor.next_is("("):
                cursor.group()


def _exclusion(cursor: Cursor, named: str) -> ConstraintDefinition:
    start = cursor.at
    if cursor.take("USING"):
        cursor.part()
    columns = _excluded(cursor)
    included = cursor.columns() if cursor.take("INCLUDE") else ()
    if cursor.take("WITH"):
        cursor.group()
    if cursor.take("WHERE"):
        cursor.group()
    expression = cursor.since(start)
    trailing(cursor)
    return ConstraintDefinition(ConstraintKind.EXCLUDE, named, columns, expression=expression, included=included)


def _excluded(cursor: Cursor) -> tuple[str, ...]:
    """What an exclusion is on: columns, and expressions as their text, each before its operator."""

    def excluded() -> str:
        start = cursor.at
        name = cursor.next_is_name() and cursor.tokens[cursor.at + 1].word not in ("(", ".")
        text = cursor.part() if name else ""
        cursor.skip_to("WITH")
        text = text or cursor.since(start)
        cursor.expect("WITH")
        cursor.skip_to(",")
        return text

    return tuple(cursor.within(excluded))
