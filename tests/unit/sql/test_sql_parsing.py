"""Statements are parsed completely into operations, or not understood."""

import pytest

from belay.sql.changes import Engine, SourcePlace, SqlStatement
from belay.sql.operations import (
    AddColumn,
    AddEnumValue,
    AlterObject,
    ChangeColumn,
    ColumnDefinition,
    ConstraintKind,
    CreateIndex,
    CreateObject,
    CreateTable,
    Default,
    DropColumn,
    DropConstraint,
    DropTable,
    Grant,
    Harmless,
    IndexDefinition,
    Name,
    NotUnderstood,
    ObjectKind,
    Operation,
    RenameColumn,
    RenameTable,
    RewriteTable,
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
    ("CREATE VIEW v AS SELECT 1; DROP TABLE t", [CreateObject(ObjectKind.VIEW, Name("v")), DropTable(T)]),
    ("GRANT ALL ON t TO x; DROP TABLE t", [Grant("GRANT ALL ON t TO x"), DropTable(T)]),
    (
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP TABLE t",
        [CreateObject(ObjectKind.FUNCTION, Name("f")), DropTable(T)],
    ),
    (
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC DELETE FROM t; SELECT 1; END",
        [CreateObject(ObjectKind.FUNCTION, Name("f"))],
    ),
    ("EXPLAIN (ANALYZE) DELETE FROM t", [WriteRows(T, "delete", filtered=False)]),
    ("EXPLAIN DELETE FROM t", [Harmless("explain")]),
    ("DELETE FROM t WHERE id = id OR a IS NOT NULL", [WriteRows(T, "delete", filtered=False)]),
    ("DELETE FROM t WHERE id IS NULL OR id IS NOT NULL", [WriteRows(T, "delete", filtered=False)]),
    ("DELETE FROM t WHERE 1 IN (1)", [WriteRows(T, "delete", filtered=False)]),
    ("DELETE FROM t WHERE 1 = 0", [WriteRows(T, "delete", filtered=True)]),
    ('ALTER TABLE "drop" DROP "table"', [DropColumn(Name("drop"), "table")]),
    ('ALTER TABLE U&"t\\0061b" DROP größe', [DropColumn(Name("tab"), "größe")]),
    ("VACUUM (FULL, ANALYZE) t", [RewriteTable(T, "vacuum full")]),
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
        ("CREATE SCHEMA s CREATE TABLE t (a int)", False),
        ("DROP TABLE t ENTIRELY", False),
        ("DO $$ BEGIN DROP TABLE t; END $$", True),
        ("SELECT drop_all()", True),
        ("UPDATE t SET a = app.recomputed(b) WHERE id = 1", True),
        ("EXECUTE remove_all", True),
        ("DROP TABLE t 'unclosed", True),
        ("CREATE TABLE t AS SELECT drop_all()", True),
        ("ALTER TABLE t ADD a int DEFAULT now() AT TIME ZONE 'utc'", False),
        ("COPY t FROM PROGRAM 'x'", False),
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


OTHER_ENGINES: list[tuple[Engine, str, list[Operation]]] = [
    (Engine.MYSQL, "ALTER TABLE t RENAME u, DROP b", [RenameTable(T, Name("u")), DropColumn(T, "b")]),
    (
        Engine.MYSQL,
        "ALTER TABLE t CHANGE `a` b int unsigned NOT NULL COMMENT 'x, DROP c' AFTER d, LOCK=NONE",
        [
            Setting("lock", "none"),
            RenameColumn(T, "a", "b"),
            ChangeColumn(T, "b", SqlType("int unsigned"), False, Default(), identity=False, generated=False),
        ],
    ),
    (
        Engine.MYSQL,
        "RENAME TABLE t TO u, u TO x.v",
        [RenameTable(T, Name("u")), RenameTable(Name("u"), Name("v", "x"))],
    ),
    (Engine.MYSQL, "DROP TABLE /*!32312 IF EXISTS */ t", [DropTable(T, if_exists=True)]),
    (Engine.MYSQL, "DELETE FROM t /*!40000 WHERE a = 1 */", [WriteRows(T, "delete", filtered=True)]),
    (Engine.MYSQL, "DELETE FROM t /* WHERE a = 1 */", [WriteRows(T, "delete", filtered=False)]),
    (Engine.MYSQL, "DELETE FROM t WHERE a = 'it\\'s' # OR 1", [WriteRows(T, "delete", filtered=True)]),
    (Engine.MYSQL, "DELETE t FROM t LEFT JOIN u ON t.a = u.a", [WriteRows(T, "delete", filtered=False)]),
    (Engine.MYSQL, "UPDATE t JOIN u USING (id) SET u.a = 1", [WriteRows(Name("u"), "update", True, ("a",))]),
    (Engine.MYSQL, "REPLACE INTO t VALUES (1)", [WriteRows(T, "insert", filtered=False, literal=True)]),
    (Engine.ORACLE, "ALTER TABLE t DROP (a, b)", [DropColumn(Name("T"), "A"), DropColumn(Name("T"), "B")]),
    (
        Engine.ORACLE,
        "ALTER TABLE t MODIFY (a NUMBER(10) NOT NULL, b NULL)",
        [ChangeColumn(Name("T"), "A", SqlType("number", ("10",)), False), ChangeColumn(Name("T"), "B", None, True)],
    ),
    (Engine.ORACLE, "DELETE t WHERE a = q'[it's]'", [WriteRows(Name("T"), "delete", filtered=True)]),
    (Engine.ORACLE, "ALTER TABLE t SET UNUSED (a)", [DropColumn(Name("T"), "A")]),
    (Engine.ORACLE, 'RENAME "t" TO u', [RenameTable(T, Name("U"))]),
    (Engine.SQLSERVER, "ALTER TABLE [dbo].[T] ALTER COLUMN [a] int", [ChangeColumn(T, "a", SqlType("int"), True)]),
    (
        Engine.SQLSERVER,
        "ALTER TABLE t DROP CONSTRAINT k, COLUMN a, b",
        [DropConstraint(T, "k"), DropColumn(T, "a"), DropColumn(T, "b")],
    ),
    (Engine.SQLSERVER, "EXEC sp_rename 'dbo.t.a', 'b', 'COLUMN'", [RenameColumn(T, "a", "b")]),
    (Engine.SQLSERVER, "EXEC ('DROP TABLE t')", [DropTable(T)]),
    (
        Engine.SQLSERVER,
        "UPDATE x SET a = 1 FROM t x JOIN u ON x.id = u.id DELETE u",
        [WriteRows(T, "update", filtered=True, columns=("a",)), WriteRows(Name("u"), "delete", filtered=False)],
    ),
    (Engine.SQLSERVER, "IF OBJECT_ID('t') IS NOT NULL BEGIN DROP TABLE t; END", [DropTable(T, if_exists=True)]),
    (
        Engine.SQLSERVER,
        "WITH x AS (SELECT *, ROW_NUMBER() OVER (ORDER BY id) n FROM t) DELETE FROM x WHERE n > 1",
        [WriteRows(T, "delete", filtered=True)],
    ),
    (
        Engine.SQLSERVER,
        "CREATE SEQUENCE s START WITH 1 DROP TABLE t",
        [CreateObject(ObjectKind.SEQUENCE, Name("s")), DropTable(T)],
    ),
    (
        Engine.SQLSERVER,
        "GRANT SELECT, DELETE ON t TO x WITH GRANT OPTION DROP TABLE t",
        [Grant("GRANT SELECT, DELETE ON t TO x WITH GRANT OPTION"), DropTable(T)],
    ),
    (
        Engine.SQLSERVER,
        "CREATE INDEX i ON t (a) WHERE a IS NOT NULL DROP TABLE t",
        [CreateIndex(T, IndexDefinition("i", ("a",), where="a IS NOT NULL", modifiers=("",))), DropTable(T)],
    ),
    (Engine.SQLSERVER, "UPDATE STATISTICS t", [Harmless("update")]),
    (Engine.SQLSERVER, "PRINT 'x' TRUNCATE TABLE t", [Harmless("print"), Truncate(T)]),
    (Engine.DB2, "CALL SYSPROC.ADMIN_CMD('REORG TABLE t')", [RewriteTable(Name("T"), "reorg")]),
    (
        Engine.DB2,
        "ALTER TABLE t ALTER COLUMN a SET DATA TYPE BIGINT DROP COLUMN b",
        [ChangeColumn(Name("T"), "A", SqlType("bigint")), DropColumn(Name("T"), "B", cascade=True)],
    ),
    (
        Engine.DB2,
        "UPDATE t SET a = CURRENT TIMESTAMP WHERE b = 1 WITH UR",
        [WriteRows(Name("T"), "update", filtered=True, columns=("A",))],
    ),
]


@pytest.mark.parametrize(("engine", "text", "expected"), OTHER_ENGINES, ids=[text for _, text, _ in OTHER_ENGINES])
def test_a_statement_of_another_engine_is_understood(engine: Engine, text: str, expected: list[Operation]) -> None:
    assert list(read(text, engine)) == expected


@pytest.mark.parametrize(
    ("engine", "text", "everything"),
    [
        (Engine.MYSQL, "DELETE FROM t /*!99999 WHERE a = 1 */", True),
        (Engine.MYSQL, "CALL add_column('t')", True),
        (Engine.MYSQL, "ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", False),
        (Engine.ORACLE, "BEGIN EXECUTE IMMEDIATE 'DROP TABLE t'; END;", True),
        (Engine.SQLSERVER, "IF @version < 3 DROP TABLE t", False),
        (Engine.SQLSERVER, "DECLARE @s nvarchar(max) = 'DROP TABLE t'; EXEC (@s)", True),
        (Engine.SQLSERVER, "IF EXISTS (SELECT 1 FROM t) DROP TABLE t ELSE DROP TABLE u", True),
        (Engine.SQLSERVER, "ALTER TABLE t SWITCH TO u", False),
        (Engine.DB2, "CALL drop_all()", True),
    ],
)
def test_a_statement_of_another_engine_is_not_understood(engine: Engine, text: str, everything: bool) -> None:
    (found,) = read(text, engine)
    assert isinstance(found, NotUnderstood)
    assert found.everything is everything


@pytest.mark.parametrize("engine", Engine)
@pytest.mark.parametrize(
    "text", ["", ";", "(" * 5000, "SELECT " + "(" * 3000 + "1" + ")" * 3000, "'", "\x00", "ALTER", "é" * 70]
)
def test_whatever_the_text_nothing_is_raised(engine: Engine, text: str) -> None:
    assert read(text, engine)
