"""Reading indexes: their columns, their order, and whether they are created without blocking writes."""

from belay.sql import operations as op
from belay.sql.changes import MYSQL, Engine
from belay.sql.constraints import (
    STORAGE,
    filegroup,
    made_online,
    mysql_index_options,
    nulls_not_distinct,
    oracle_storage,
)
from belay.sql.cursor import Cursor
from belay.sql.sessions import CHANGING
from belay.sql.tokens import TokenForm


def create_index(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``CREATE [UNIQUE ...] INDEX``, from after ``CREATE``."""
    unique, method = False, ""
    while word := cursor.take_any(
        "UNIQUE", "BITMAP", "CLUSTERED", "NONCLUSTERED", "COLUMNSTORE", "FULLTEXT", "SPATIAL"
    ):
        if word == "UNIQUE":
            unique = True
        elif word != "NONCLUSTERED":
            method = word.lower()
    cursor.expect("INDEX")
    online = cursor.engine is Engine.POSTGRESQL and cursor.take("CONCURRENTLY")
    if_not_exists = cursor.if_not_exists()
    name = "" if cursor.engine is Engine.POSTGRESQL and cursor.next_is("ON") else cursor.name().name
    if cursor.engine in MYSQL and cursor.take("USING"):
        method = cursor.part()
    cursor.expect("ON")
    only = cursor.take("ONLY")
    table = cursor.name()
    if cursor.engine is Engine.POSTGRESQL and cursor.take("USING"):
        method = cursor.part()
        method = "" if method == "btree" else method
    columns, modifiers = index_columns(cursor)
    read = _Options(cursor, online)
    return (
        *read.settings,
        op.CreateIndex(
            table,
            op.IndexDefinition(
                name, columns, unique, read.online, read.included, method or read.method, read.where, modifiers
            ),
            if_not_exists,
            only,
        ),
    )


def index_columns(cursor: Cursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """An index's columns, and each one's modifier: ``desc``, an operator class, a length."""
    entries = cursor.within(lambda: _entry(cursor))
    return tuple(column for column, _ in entries), tuple(modifier for _, modifier in entries)


def _entry(cursor: Cursor) -> tuple[str, str]:
    ahead = cursor.tokens[cursor.at + 1]
    if cursor.next_is("("):
        column = f"({cursor.group()})"
    elif cursor.next_is_name() and ahead.word in ("(", ".") and not _prefix(cursor):
        start = cursor.at
        cursor.name()
        cursor.group()
        if cursor.engine is Engine.ORACLE:
            cursor.skip_to(",", "ASC", "DESC")
        column = cursor.since(start)
    elif cursor.engine in (Engine.ORACLE, Engine.DB2) and not cursor.next_is_name():
        column = cursor.skip_to(",")
    else:
        column = cursor.part()
        if cursor.engine is Engine.ORACLE and cursor.token.word not in (",", ")", "ASC", "DESC", "NULLS"):
            column += " " + cursor.skip_to(",", "ASC", "DESC")
    start = cursor.at
    if cursor.next_is("(") and cursor.engine in MYSQL:
        cursor.group()
    if cursor.engine is Engine.POSTGRESQL:
        if cursor.take("COLLATE"):
            cursor.name()
        if cursor.next_is_name() and cursor.token.word not in ("ASC", "DESC", "NULLS"):
            cursor.name()
            cursor.take_group()
    end = cursor.at
    modifier = cursor.since(start)
    if not cursor.take("ASC") and cursor.take("DESC"):
        modifier = " ".join((modifier, "desc")).strip()
        cursor.take("NULLS", "FIRST")
    elif cursor.at != end or cursor.next_is("NULLS"):
        cursor.take("NULLS", "LAST")
    if cursor.take("NULLS", "FIRST"):
        modifier += " nulls first"
    elif cursor.take("NULLS", "LAST"):
        modifier += " nulls last"
    return column, modifier.strip().lower()


def _prefix(cursor: Cursor) -> bool:
    """Whether a number in parentheses follows: MySQL's prefix of a column, and not a function."""
    if cursor.engine not in MYSQL:
        return False
    number, closing = cursor.tokens[cursor.at + 2 : cursor.at + 4]
    return number.kind is TokenForm.NUMBER and closing.word == ")"


class _Options:
    """What follows an index's columns. Raises NotReadable for anything unknown."""

    def __init__(self, cursor: Cursor, online: bool) -> None:
        self.online = online
        self.included: tuple[str, ...] = ()
        self.where = ""
        self.method = ""
        self.settings: list[op.Setting] = []
        {
            Engine.POSTGRESQL: self._postgresql,
            Engine.MYSQL: self._mysql,
            Engine.MARIADB: self._mysql,
            Engine.ORACLE: self._oracle,
            Engine.SQLSERVER: self._sqlserver,
            Engine.DB2: self._db2,
        }[cursor.engine](cursor)

    def _postgresql(self, cursor: Cursor) -> None:
        if cursor.take("INCLUDE"):
            self.included = cursor.columns()
        nulls_not_distinct(cursor)
        if cursor.take("WITH"):
            cursor.group()
        if cursor.take("TABLESPACE"):
            cursor.part()
        if cursor.take("WHERE"):
            self.where = cursor.rest()

    def _mysql(self, cursor: Cursor) -> None:
        mysql_index_options(cursor)
        self.settings = algorithm_settings(cursor)
        chosen = {setting.name: setting.value for setting in self.settings}
        self.online = chosen.get("algorithm") == "inplace" and chosen.get("lock") == "none"

    def _oracle(self, cursor: Cursor) -> None:
        while word := cursor.take_any(*STORAGE, "ONLINE", "UNUSABLE"):
            if word == "ONLINE":
                self.online = True
            elif word != "UNUSABLE":
                oracle_storage(cursor, word)
        if cursor.take("INDEXTYPE", "IS"):
            self.method = str(cursor.name()).lower()
            if cursor.take("PARAMETERS"):
                cursor.group()

    def _sqlserver(self, cursor: Cursor) -> None:
        if cursor.take("INCLUDE"):
            self.included = cursor.columns()
        if cursor.take("WHERE"):
            self.where = cursor.skip_to("WITH", "ON", *CHANGING)
        if cursor.take("WITH"):
            self.online = made_online(cursor.group() if cursor.next_is("(") else cursor.skip_to("ON"))
        if cursor.take("ON"):
            filegroup(cursor)

    def _db2(self, cursor: Cursor) -> None:
        if cursor.take("INCLUDE"):
            self.included = cursor.columns()
        while True:
            if cursor.take_any("CLUSTER", "PARTITIONED") or cursor.take("NOT", "PARTITIONED"):
                continue
            if cursor.take_any("ALLOW", "DISALLOW"):
                cursor.expect("REVERSE", "SCANS")
            elif cursor.take_any("PCTFREE", "MINPCTUSED"):
                cursor.number()
            elif cursor.take("COMPRESS"):
                cursor.take_any("YES", "NO")
            elif cursor.take("COLLECT"):
                cursor.take_any("SAMPLED", "UNSAMPLED")
                cursor.take("DETAILED")
                cursor.expect("STATISTICS")
            elif not cursor.take("PAGE", "SPLIT", "SYMMETRIC"):
                return


def algorithm_settings(cursor: Cursor) -> list[op.Setting]:
    """MySQL's ``ALGORITHM`` and ``LOCK`` of one statement."""
    found = []
    while word := cursor.take_any("ALGORITHM", "LOCK"):
        cursor.take("=")
        found.append(op.Setting(word.lower(), cursor.part()))
        if cursor.tokens[cursor.at + 1].word in ("ALGORITHM", "LOCK"):
            cursor.take(",")
    return found


def drop_index(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``DROP INDEX``, from after it."""
    online = cursor.engine is Engine.POSTGRESQL and cursor.take("CONCURRENTLY")
    if_exists = cursor.if_exists()
    if cursor.engine in (*MYSQL, Engine.SQLSERVER):
        return _drop_from_table(cursor, if_exists)
    names = cursor.names()
    cascade = cursor.take("CASCADE")
    cursor.take("RESTRICT")
    if cursor.engine is Engine.ORACLE:
        online = cursor.take("ONLINE")
        cursor.take("FORCE")
    return tuple(op.DropIndex(name, None, online, if_exists, cascade) for name in names)


def _drop_from_table(cursor: Cursor, if_exists: bool) -> tuple[op.Operation, ...]:
    dropped: list[op.DropIndex] = []
    while True:
        index = cursor.name()
        if cursor.engine is Engine.SQLSERVER and index.schema:
            dropped.append(op.DropIndex(op.Name(index.name), op.Name(index.schema), if_exists=if_exists))
        else:
            cursor.expect("ON")
            dropped.append(op.DropIndex(index, cursor.name(), if_exists=if_exists))
        if cursor.engine is Engine.SQLSERVER and cursor.take("WITH"):
            cursor.group()
        if cursor.engine is not Engine.SQLSERVER or not cursor.take(","):
            break
    settings = algorithm_settings(cursor) if cursor.engine in MYSQL else []
    return (*settings, *dropped)


def alter_index(cursor: Cursor) -> tuple[op.Operation, ...]:
    """``ALTER INDEX``, from after it: a new name, or options that leave its columns unchanged."""
    cursor.if_exists()
    index = cursor.name()
    if cursor.take("RENAME", "TO"):
        return (op.RenameIndex(index, cursor.part()),)
    if cursor.engine is Engine.SQLSERVER:
        return _alter_sqlserver_index(cursor)
    if cursor.take("ATTACH", "PARTITION"):
        cursor.name()
    elif cursor.take("REBUILD"):
        cursor.take("ONLINE")
        while word := cursor.take_any(*STORAGE, "ONLINE"):
            oracle_storage(cursor, word)
    elif cursor.take("SET", "TABLESPACE"):
        cursor.part()
    elif cursor.take_any("SET", "RESET"):
        cursor.group()
    elif cursor.take_any(*STORAGE) not in ("PARALLEL", "NOPARALLEL", "LOGGING", "NOLOGGING", "VISIBLE", "INVISIBLE"):
        raise cursor.unexpected("a change of an index")
    return (op.AlterObject(op.ObjectKind.OTHER, index),)


def _alter_sqlserver_index(cursor: Cursor) -> tuple[op.Operation, ...]:
    cursor.expect("ON")
    table = cursor.name()
    word = cursor.take_any("REBUILD", "REORGANIZE", "DISABLE")
    if not word:
        raise cursor.unexpected("a change of an index")
    if cursor.take("PARTITION"):
        cursor.expect("=", "ALL")
    online = cursor.take("WITH") and made_online(cursor.group())
    if word == "REBUILD" and not online:
        return (op.RewriteTable(table, "rebuild"),)
    return (op.ChangeTable(table, "index"),)
