"""Statements are read as operations as a whole, or not understood."""

import pytest

from belay.sql.changes import Engine, SourcePlace, SqlStatement
from belay.sql.operations import (
    AddColumn,
    AddEnumValue,
    AlterObject,
    ChangeColumn,
    ColumnDefinition,
    ConstraintKind,
    CreateObject,
    CreateTable,
    DropColumn,
    DropTable,
    Harmless,
    Name,
    NotUnderstood,
    ObjectKind,
    Operation,
    RenameColumn,
    RenameTable,
    Setting,
    SqlType,
    Truncate,
    WriteRows,
)
from belay.sql.parsing import operations

T = Name("t")


def read(text: str, engine: Engine = Engine.POSTGRESQL) -> tuple[Operation, ...]:
    return operations(SqlStatement(text, SourcePlace("0001.sql", 1)), engine)


UNDERSTOOD: list[tuple[str, list[Operation]]] = [
    ("ALTER TABLE t RENAME c TO d", [RenameColumn(T, "c", "d")]),
    ("ALTER TABLE t RENAME TO u", [RenameTable(T, Name("u"))]),
    ('ALTER TABLE IF EXISTS ONLY public."T" RENAME "C d" TO e', [RenameColumn(Name("T"), "C d", "e")]),
    ("ALTER TABLE t SET SCHEMA archive", [RenameTable(T, Name("t", "archive"))]),
    (
        "ALTER TABLE t ADD a int, DROP COLUMN b CASCADE, ALTER c TYPE bigint USING (c, 1)::text",
        [
            DropColumn(T, "b", cascade=True),
            ChangeColumn(T, "c", SqlType("bigint"), using="(c, 1)::text"),
            AddColumn(T, ColumnDefinition("a", SqlType("integer"))),
        ],
    ),
    ("drop /* not */ table -- t1\n t, u cascade", [DropTable(T, cascade=True), DropTable(Name("u"), cascade=True)]),
    ("TRUNCATE ONLY t, u", [Truncate(T), Truncate(Name("u"))]),
    ("DELETE FROM t WHERE 1 = 1", [WriteRows(T, "delete", filtered=False)]),
    ("DELETE FROM t WHERE true OR a = 2", [WriteRows(T, "delete", filtered=False)]),
    ("DELETE FROM t USING u WHERE t.id = u.id", [WriteRows(T, "delete", filtered=True)]),
    ("UPDATE t SET a = (SELECT 1 FROM u WHERE b = 2)", [WriteRows(T, "update", filtered=False, columns=("a",))]),
    ("UPDATE t AS x SET a = 1 FROM u WHERE x.id = u.id", [WriteRows(T, "update", filtered=True, columns=("a",))]),
    ("INSERT INTO t VALUES ('; DROP TABLE t')", [WriteRows(T, "insert", filtered=False, literal=True)]),
    (
        "WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone",
        [WriteRows(Name("u"), "insert", filtered=False), WriteRows(T, "delete", filtered=False)],
    ),
    ("SELECT * INTO t FROM u", [CreateTable(T, (), copied=True)]),
    ("SELECT setval('t_id_seq', 5)", [AlterObject(ObjectKind.SEQUENCE, Name(""))]),
    ("SELECT count(*) FROM t", [Harmless("select")]),
    ("SELECT pg_catalog.set_config('search_path', '', false)", [Setting("search_path", "")]),
    ("SET lock_timeout = '5s'", [Setting("lock_timeout", "5s")]),
    ("SET LOCAL lock_timeout TO 5000", [Setting("lock_timeout", "5000")]),
    ("ALTER TYPE mood ADD VALUE 'sad' BEFORE 'ok'", [AddEnumValue(Name("mood"), "sad", before="ok")]),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$",
        [CreateObject(ObjectKind.FUNCTION, Name("f"))],
    ),
    ("COMMENT ON TABLE t IS 'DROP TABLE t'", [Harmless("comment")]),
]


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_a_statement_is_understood(text: str, expected: list[Operation]) -> None:
    assert list(read(text)) == expected


@pytest.mark.parametrize(
    ("text", "everything"),
    [
        ("ALTER TABLE t ADD a int, FROB b, DROP c", False),
        ("ALTER TABLE t ADD COLUMN a int SOMEHOW", False),
        ("CREATE TABLE t (a int, b)", False),
        ("CREATE VIEW v AS SELECT 1; DROP TABLE t", False),
        ("DROP TABLE t ENTIRELY", False),
        ("DO $$ BEGIN DROP TABLE t; END $$", True),
        ("SELECT drop_all()", True),
        ("UPDATE t SET a = app.recomputed(b) WHERE id = 1", True),
        ("EXECUTE remove_all", True),
        ("DROP TABLE t 'unclosed", True),
        ("EXPLAIN ANALYZE DELETE FROM t", False),
    ],
)
def test_a_statement_is_not_understood_as_a_whole(text: str, everything: bool) -> None:
    (found,) = read(text)
    assert isinstance(found, NotUnderstood)
    assert found.everything is everything
    assert everything or T in found.names


def test_a_table_is_read_with_its_keys_and_defaults() -> None:
    (found,) = read(
        "CREATE TABLE IF NOT EXISTS app.t (id bigserial PRIMARY KEY, name varchar(20) DEFAULT 'x, y' NOT NULL,"
        " at timestamp with time zone DEFAULT now(), tags text[] DEFAULT '{}'::text[], other int REFERENCES u,"
        " CONSTRAINT positive CHECK (id > 0 AND name <> ')'), UNIQUE (name, at))"
    )
    assert isinstance(found, CreateTable)
    assert (found.table, found.if_not_exists) == (Name("t", "app"), True)
    assert [(column.name, str(column.type), column.nullable, column.default.text) for column in found.columns] == [
        ("id", "bigint", False, "nextval"),
        ("name", "varchar(20)", False, "'x, y'"),
        ("at", "timestamptz", True, "now()"),
        ("tags", "text[]", True, "'{}'::text[]"),
        ("other", "integer", True, ""),
    ]
    assert [(constraint.kind, constraint.name, constraint.columns) for constraint in found.constraints] == [
        (ConstraintKind.PRIMARY_KEY, "", ("id",)),
        (ConstraintKind.FOREIGN_KEY, "", ("other",)),
        (ConstraintKind.CHECK, "positive", ()),
        (ConstraintKind.UNIQUE, "", ("name", "at")),
    ]
