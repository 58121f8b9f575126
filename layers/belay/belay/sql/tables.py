"""Reading ``CREATE TABLE``: columns, constraints, indexes, and the options of each engine."""

from belay.sql import operations as op
from belay.sql.changes import MYSQL, Engine
from belay.sql.columns import column, typed_only
from belay.sql.constraints import (
    STORAGE,
    constraint,
    filegroup,
    mysql_index_options,
    oracle_storage,
    starts_constraint,
)
from belay.sql.cursor import Cursor
from belay.sql.indexes import index_columns
from belay.sql.limits import MAX_PARTS
from belay.sql.rows import write_or_query
from belay.sql.tokens import NotReadable, TokenForm


class _Body:
    """The content of a ``CREATE TABLE``'s parentheses."""

    def __init__(self) -> None:
        self.columns: list[op.ColumnDefinition] = []
        self.constraints: list[op.ConstraintDefinition] = []
        self.indexes: list[op.IndexDefinition] = []
        self.like: op.Name | None = None
        self.like_all = False
        self.like_defaults = False


def create_table(cursor: Cursor, *, temporary: bool, replace: bool = False) -> tuple[op.Operation, ...]:
    """``CREATE TABLE``, from after it."""
    if_not_exists = cursor.if_not_exists()
    table = cursor.name()
    temporary = temporary or table.name.startswith("#")
    body = _Body()
    partition_of = None
    if cursor.engine is Engine.POSTGRESQL and cursor.take("PARTITION", "OF"):
        partition_of = cursor.name()
    elif cursor.take("LIKE"):
        _like(cursor, body)
    if cursor.next_is("(") and not _is_query(cursor):
        _elements(cursor, body, partition=partition_of is not None)
    if len(body.columns) + len(body.constraints) + len(body.indexes) > MAX_PARTS:
        raise NotReadable(f"more than {MAX_PARTS:,} columns, constraints and indexes")
    inherits: tuple[op.Name, ...] = ()
    if cursor.engine is Engine.POSTGRESQL and cursor.take("INHERITS"):
        inherits = tuple(cursor.within(cursor.name))
    _OPTIONS[cursor.engine](cursor)
    written: list[op.Operation] = []
    copied = cursor.take("AS") or _is_query(cursor)
    if copied:
        if not _is_query(cursor):
            raise cursor.unexpected("a query")
        written = [each for each in write_or_query(cursor) if not isinstance(each, op.Harmless)]
    elif not body.columns and not (partition_of or body.like or inherits) and cursor.engine is not Engine.POSTGRESQL:
        raise cursor.unexpected("columns")
    created = op.CreateTable(
        table,
        tuple(body.columns),
        tuple(body.constraints),
        tuple(body.indexes),
        if_not_exists,
        temporary,
        copied,
        partition_of,
        body.like,
        body.like_all,
        inherits,
        body.like_defaults,
    )
    return (*((op.DropTable(table, if_exists=True),) if replace else ()), created, *written)


def _is_query(cursor: Cursor) -> bool:
    at = cursor.at
    while cursor.tokens[at].word == "(":
        at += 1
    return cursor.tokens[at].word in ("SELECT", "WITH", "VALUES", "TABLE") and cursor.tokens[at].kind is TokenForm.WORD


def _elements(cursor: Cursor, body: _Body, *, partition: bool) -> None:
    cursor.expect("(")
    if cursor.engine is Engine.POSTGRESQL and cursor.take(")"):
        return
    while True:
        _element(cursor, body, partition=partition)
        if not cursor.take(",") or (cursor.engine is Engine.SQLSERVER and cursor.next_is(")")):
            break
    cursor.expect(")")


def _element(cursor: Cursor, body: _Body, *, partition: bool) -> None:
    engine = cursor.engine
    if starts_constraint(cursor):
        body.constraints.append(constraint(cursor))
    elif cursor.take("LIKE"):
        _like(cursor, body)
    elif engine in MYSQL and cursor.token.word in ("INDEX", "KEY", "FULLTEXT", "SPATIAL"):
        body.indexes.append(mysql_index(cursor))
    elif engine is Engine.SQLSERVER and cursor.take("INDEX"):
        body.indexes.append(_inline_index(cursor))
    elif engine in (Engine.SQLSERVER, Engine.DB2) and cursor.take("PERIOD"):
        cursor.take("FOR")
        cursor.part()
        cursor.columns()
    elif partition:
        raise NotReadable("a partition with its own columns")
    else:
        read = column(cursor)
        typed_only(read)
        body.columns.append(read.column)
        body.constraints += read.constraints


_LIKE = ("ALL", "DEFAULTS", "COMMENTS", "STORAGE", "STATISTICS", "COMPRESSION")


def _like(cursor: Cursor, body: _Body) -> None:
    if body.like:
        raise NotReadable("a table like two others")
    body.like = cursor.name()
    body.like_all = cursor.engine in MYSQL
    while word := cursor.take_any("INCLUDING", "EXCLUDING"):
        what = cursor.part().upper()
        if word == "INCLUDING" and what not in _LIKE:
            raise NotReadable(f"a table like another, including its {what.lower()}")
        if word == "EXCLUDING" and body.like_all:
            raise NotReadable("a table like another, without some of it")
        body.like_all = body.like_all or what == "ALL"
        if what == "DEFAULTS":
            body.like_defaults = word == "INCLUDING"


def mysql_index(cursor: Cursor) -> op.IndexDefinition:
    """MySQL's index inside ``CREATE TABLE`` or after ``ALTER TABLE ... ADD``."""
    method = ""
    if word := cursor.take_any("FULLTEXT", "SPATIAL"):
        method = word.lower()
        cursor.take_any("INDEX", "KEY")
    elif not cursor.take_any("INDEX", "KEY"):
        raise cursor.unexpected("an index")
    cursor.if_not_exists()
    name = "" if cursor.next_is("(") or cursor.next_is("USING") else cursor.part()
    if cursor.take("USING"):
        cursor.part()
    columns, modifiers = index_columns(cursor)
    mysql_index_options(cursor)
    return op.IndexDefinition(name, columns, method=method, modifiers=modifiers)


def _inline_index(cursor: Cursor) -> op.IndexDefinition:
    name = cursor.part()
    unique = cursor.take("UNIQUE")
    cursor.take_any("CLUSTERED", "NONCLUSTERED")
    columns, modifiers = index_columns(cursor)
    included = cursor.columns() if cursor.take("INCLUDE") else ()
    where = cursor.skip_to("WITH", "ON", ",") if cursor.take("WHERE") else ""
    if cursor.take("WITH"):
        cursor.group()
    if cursor.take("ON"):
        filegroup(cursor)
    return op.IndexDefinition(name, columns, unique, included=included, where=where, modifiers=modifiers)


def _postgresql(cursor: Cursor) -> None:
    if cursor.take("FOR", "VALUES"):
        while cursor.take_any("IN", "FROM", "TO", "WITH"):
            cursor.group()
    else:
        cursor.take("DEFAULT")
    if cursor.take("PARTITION", "BY"):
        cursor.part()
        cursor.group()
    if cursor.take("USING"):
        cursor.part()
    if cursor.tokens[cursor.at + 1].word == "(" and cursor.take("WITH"):
        cursor.group()
    elif not cursor.take("WITH", "OIDS"):
        cursor.take("WITHOUT", "OIDS")
    if cursor.take("ON", "COMMIT"):
        cursor.take_any("DROP", "PRESERVE", "DELETE")
        cursor.take("ROWS")
    if cursor.take("TABLESPACE"):
        cursor.part()


_MYSQL_OPTIONS = (
    *("ENGINE", "AUTO_INCREMENT", "CHARSET", "COLLATE", "COMMENT", "ROW_FORMAT", "KEY_BLOCK_SIZE", "MAX_ROWS"),
    *("MIN_ROWS", "AVG_ROW_LENGTH", "CHECKSUM", "DELAY_KEY_WRITE", "PACK_KEYS", "STATS_PERSISTENT", "TYPE"),
    *("STATS_AUTO_RECALC", "STATS_SAMPLE_PAGES", "TABLESPACE", "COMPRESSION", "ENCRYPTION", "INSERT_METHOD"),
    *("PAGE_CHECKSUM", "TRANSACTIONAL", "PAGE_COMPRESSED", "AUTOEXTEND_SIZE"),
)


def mysql_option(cursor: Cursor) -> str:
    """One of MySQL's table options, and its name in lower case; empty if there is none."""
    default = cursor.take("DEFAULT")
    if cursor.take("CHARACTER", "SET"):
        option = "CHARSET"
    elif not (option := cursor.take_any(*_MYSQL_OPTIONS)):
        if default:
            raise cursor.unexpected("a character set or collation")
        return ""
    cursor.take("=")
    if cursor.token.kind in (TokenForm.STRING, TokenForm.NUMBER):
        cursor.at += 1
    else:
        cursor.part()
    return option.lower()


def _mysql(cursor: Cursor) -> None:
    while mysql_option(cursor):
        cursor.take(",")
    if cursor.take("PARTITION", "BY"):
        cursor.skip_to("AS", "SELECT", "IGNORE", "REPLACE")
    cursor.take_any("IGNORE", "REPLACE")


def _oracle(cursor: Cursor) -> None:
    while True:
        if word := cursor.take_any(*STORAGE):
            oracle_storage(cursor, word)
        elif cursor.take("ON", "COMMIT"):
            cursor.take_any("DELETE", "PRESERVE", "DROP")
            cursor.take_any("ROWS", "DEFINITION")
        elif cursor.take("SEGMENT", "CREATION"):
            cursor.take_any("IMMEDIATE", "DEFERRED")
        elif cursor.take("ORGANIZATION"):
            if not cursor.take_any("INDEX", "HEAP"):
                raise cursor.unexpected()
        elif cursor.take("LOB"):
            cursor.group()
            cursor.expect("STORE", "AS")
            cursor.take_any("SECUREFILE", "BASICFILE")
            if cursor.next_is_name():
                cursor.part()
            cursor.take_group()
        elif cursor.take_any("ENABLE", "DISABLE"):
            cursor.expect("ROW", "MOVEMENT")
        elif cursor.take("PARTITION", "BY"):
            cursor.skip_to("AS", "ENABLE", "DISABLE")
        elif not (cursor.take("ROWDEPENDENCIES") or (cursor.take("RESULT_CACHE") and cursor.group())):
            return


def _sqlserver(cursor: Cursor) -> None:
    while word := cursor.take_any("ON", "TEXTIMAGE_ON", "FILESTREAM_ON"):
        if cursor.token.kind is TokenForm.STRING:
            cursor.string()
        else:
            filegroup(cursor)
        if word not in ("ON", "TEXTIMAGE_ON"):
            break
    if cursor.take("WITH"):
        cursor.group()


_DB2_PROPERTIES = (
    *(("NOT", "LOGGED", "INITIALLY"), ("NOT", "LOGGED"), ("VALUE", "COMPRESSION")),
    *(("NOT", "VOLATILE"), ("VOLATILE",), ("CARDINALITY",)),
)


def _db2(cursor: Cursor) -> None:
    while True:
        if (
            cursor.take_any("IN", "CCSID", "LOCKSIZE", "APPEND")
            or cursor.take("INDEX", "IN")
            or cursor.take("LONG", "IN")
        ):
            cursor.name()
        elif cursor.take("DATA", "CAPTURE"):
            cursor.take_any("NONE", "CHANGES")
        elif cursor.take("COMPRESS"):
            cursor.take_any("YES", "NO")
            cursor.take_any("ADAPTIVE", "STATIC")
        elif cursor.take_any("ORGANIZE", "DISTRIBUTE", "PARTITION"):
            cursor.expect("BY")
            cursor.skip_to("IN", "COMPRESS", "DATA", "ORGANIZE", "PARTITION", "WITH", "AS", "NOT", "INDEX", "LONG")
        elif cursor.take("ON", "COMMIT"):
            cursor.take_any("DELETE", "PRESERVE")
            cursor.expect("ROWS")
        elif (
            cursor.take("WITH", "NO", "DATA")
            or cursor.take("WITH", "REPLACE")
            or not any(cursor.take(*each) for each in _DB2_PROPERTIES)
        ):
            return


_OPTIONS = {
    Engine.POSTGRESQL: _postgresql,
    Engine.MYSQL: _mysql,
    Engine.MARIADB: _mysql,
    Engine.ORACLE: _oracle,
    Engine.SQLSERVER: _sqlserver,
    Engine.DB2: _db2,
}
