"""What each engine's statements mean, clause by clause; the manuals of the five engines are the reference."""

import pytest

from belay.sql.changes import Engine, SourcePlace, SqlStatement
from belay.sql.operations import (
    AddColumn,
    AddConstraint,
    AlterObject,
    AttachPartition,
    ChangeColumn,
    ChangeTable,
    ColumnDefinition,
    ConstraintDefinition,
    ConstraintKind,
    CreateIndex,
    CreateObject,
    CreateTable,
    Default,
    DefaultKind,
    DetachPartition,
    DropColumn,
    DropConstraint,
    DropIndex,
    DropObject,
    DropTable,
    Grant,
    Harmless,
    IndexDefinition,
    LockTable,
    Name,
    NotUnderstood,
    ObjectKind,
    Operation,
    RenameColumn,
    RenameConstraint,
    RenameIndex,
    RenameTable,
    RewriteTable,
    Setting,
    SqlType,
    Transaction,
    Truncate,
    ValidateConstraint,
)
from belay.sql.parsing import operations


def read(text: str, engine: Engine) -> tuple[Operation, ...]:
    return operations(SqlStatement(text, SourcePlace("0001.sql", 1)), engine)


UNDERSTOOD: dict[Engine, list[tuple[str, list[Operation]]]] = {
    Engine.MYSQL: [
        (
            "ALTER TABLE t ADD COLUMN a INT NOT NULL DEFAULT 0 AFTER b",
            [
                AddColumn(
                    Name("t"),
                    ColumnDefinition("a", SqlType("int"), nullable=False, default=Default(DefaultKind.CONSTANT, "0")),
                )
            ],
        ),
        (
            "ALTER TABLE t ADD (a INT, b VARCHAR(20) FIRST, INDEX i (a), CONSTRAINT c UNIQUE (b))",
            [
                AddColumn(Name("t"), ColumnDefinition("a", SqlType("int"))),
                AddColumn(Name("t"), ColumnDefinition("b", SqlType("varchar", ("20",)))),
                CreateIndex(Name("t"), IndexDefinition("i", ("a",), modifiers=("",))),
                AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.UNIQUE, "c", ("b",))),
            ],
        ),
        (
            "ALTER TABLE t ADD INDEX i (a, b DESC), ALGORITHM=INPLACE, LOCK=NONE",
            [
                Setting("algorithm", "inplace"),
                Setting("lock", "none"),
                CreateIndex(Name("t"), IndexDefinition("i", ("a", "b"), online=True, modifiers=("", "desc"))),
            ],
        ),
        (
            "ALTER TABLE t ALGORITHM=INSTANT, ADD COLUMN a INT",
            [Setting("algorithm", "instant"), AddColumn(Name("t"), ColumnDefinition("a", SqlType("int")))],
        ),
        (
            "ALTER TABLE t ADD UNIQUE KEY u (a(10))",
            [AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.UNIQUE, "u", ("a",)))],
        ),
        (
            "ALTER TABLE t ADD FULLTEXT INDEX f (a)",
            [CreateIndex(Name("t"), IndexDefinition("f", ("a",), method="fulltext", modifiers=("",)))],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) ON DELETE CASCADE",
            [
                AddConstraint(
                    Name("t"), ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "f", ("a",), Name("u"), ("id",))
                )
            ],
        ),
        ("ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (5))", [ChangeTable(Name("t"), "partitions")]),
        (
            "ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (a)",
            [
                DropConstraint(Name("t"), "PRIMARY", ConstraintKind.PRIMARY_KEY),
                AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.PRIMARY_KEY, columns=("a",))),
            ],
        ),
        ("ALTER TABLE t DROP INDEX i", [DropIndex(Name("i"), Name("t"))]),
        ("ALTER TABLE t DROP KEY IF EXISTS i", [DropIndex(Name("i"), Name("t"), if_exists=True)]),
        ("ALTER TABLE t DROP FOREIGN KEY f", [DropConstraint(Name("t"), "f", ConstraintKind.FOREIGN_KEY)]),
        ("ALTER TABLE t DROP CHECK c", [DropConstraint(Name("t"), "c", ConstraintKind.CHECK)]),
        ("ALTER TABLE t DROP CONSTRAINT c", [DropConstraint(Name("t"), "c")]),
        ("ALTER TABLE t DROP PARTITION p, q", [Truncate(Name("t"), partition="p, q")]),
        (
            "ALTER TABLE t DROP COLUMN IF EXISTS a, DROP b CASCADE",
            [DropColumn(Name("t"), "a", if_exists=True), DropColumn(Name("t"), "b")],
        ),
        ("ALTER TABLE t RENAME COLUMN a TO b", [RenameColumn(Name("t"), "a", "b")]),
        ("ALTER TABLE t RENAME INDEX i TO j", [RenameIndex(Name("i"), "j", Name("t"))]),
        ("ALTER TABLE t RENAME TO s.u", [RenameTable(Name("t"), Name("u", "s"))]),
        ("ALTER TABLE t RENAME AS u", [RenameTable(Name("t"), Name("u"))]),
        (
            "ALTER TABLE t MODIFY a BIGINT NOT NULL",
            [
                ChangeColumn(
                    Name("t"),
                    "a",
                    SqlType("bigint"),
                    nullable=False,
                    default=Default(),
                    identity=False,
                    generated=False,
                )
            ],
        ),
        (
            "ALTER TABLE t MODIFY COLUMN a VARCHAR(30) CHARACTER SET utf8mb4 FIRST",
            [
                ChangeColumn(
                    Name("t"),
                    "a",
                    SqlType("varchar", ("30",)),
                    nullable=True,
                    default=Default(),
                    identity=False,
                    generated=False,
                )
            ],
        ),
        (
            "ALTER TABLE t CHANGE a b INT UNSIGNED DEFAULT 5 AFTER c",
            [
                RenameColumn(Name("t"), "a", "b"),
                ChangeColumn(
                    Name("t"),
                    "b",
                    SqlType("int unsigned"),
                    nullable=True,
                    default=Default(DefaultKind.CONSTANT, "5"),
                    identity=False,
                    generated=False,
                ),
            ],
        ),
        (
            "ALTER TABLE t CHANGE COLUMN a a INT AUTO_INCREMENT PRIMARY KEY",
            [
                ChangeColumn(
                    Name("t"), "a", SqlType("int"), nullable=False, default=Default(), identity=True, generated=False
                ),
                AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.PRIMARY_KEY, columns=("a",))),
            ],
        ),
        ("ALTER TABLE t ALTER INDEX i INVISIBLE", [ChangeTable(Name("t"), "index visibility")]),
        ("ALTER TABLE t ALTER CHECK c NOT ENFORCED", [ChangeTable(Name("t"), "constraint")]),
        (
            "ALTER TABLE t ALTER COLUMN a SET DEFAULT 'x'",
            [ChangeColumn(Name("t"), "a", default=Default(DefaultKind.CONSTANT, "'x'"))],
        ),
        ("ALTER TABLE t ALTER a DROP DEFAULT", [ChangeColumn(Name("t"), "a", default=Default())]),
        ("ALTER TABLE t ALTER a SET INVISIBLE", [ChangeTable(Name("t"), "column visibility")]),
        ("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", [RewriteTable(Name("t"), "charset")]),
        ("ALTER TABLE t FORCE", [RewriteTable(Name("t"), "force")]),
        ("ALTER TABLE t ORDER BY a DESC", [RewriteTable(Name("t"), "order")]),
        ("ALTER TABLE t ENGINE=InnoDB", [RewriteTable(Name("t"), "engine")]),
        ("ALTER TABLE t ROW_FORMAT = DYNAMIC", [RewriteTable(Name("t"), "row_format")]),
        ("ALTER TABLE t COMMENT = 'x'", [ChangeTable(Name("t"), "comment")]),
        ("ALTER TABLE t AUTO_INCREMENT = 1000", [ChangeTable(Name("t"), "auto_increment")]),
        ("ALTER TABLE t DEFAULT CHARACTER SET utf8mb4", [ChangeTable(Name("t"), "charset")]),
        ("ALTER TABLE t DISABLE KEYS", [ChangeTable(Name("t"), "keys")]),
        ("ALTER TABLE t ENABLE KEYS", [ChangeTable(Name("t"), "keys")]),
        ("ALTER TABLE t PARTITION BY HASH (a) PARTITIONS 4", [RewriteTable(Name("t"), "partitions")]),
        ("ALTER TABLE t TRUNCATE PARTITION p", [Truncate(Name("t"), partition="p")]),
        ("ALTER TABLE t REMOVE PARTITIONING", [RewriteTable(Name("t"), "partitions")]),
        (
            "ALTER TABLE t MODIFY a BIGINT, ALGORITHM=INPLACE, LOCK=NONE",
            [
                Setting("algorithm", "inplace"),
                Setting("lock", "none"),
                ChangeColumn(
                    Name("t"),
                    "a",
                    SqlType("bigint"),
                    nullable=True,
                    default=Default(),
                    online=True,
                    identity=False,
                    generated=False,
                ),
            ],
        ),
        ("ALTER TABLE t WAIT 5 ADD COLUMN a INT", [AddColumn(Name("t"), ColumnDefinition("a", SqlType("int")))]),
        ("RENAME TABLE a TO b, c TO s.d", [RenameTable(Name("a"), Name("b")), RenameTable(Name("c"), Name("d", "s"))]),
        (
            "CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20) NOT NULL, b DATETIME "
            "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY i (a), UNIQUE KEY u (a, b), FULLTEXT f "
            "(a), CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
            [
                CreateTable(
                    Name("t"),
                    (
                        ColumnDefinition("id", SqlType("bigint unsigned"), nullable=False, identity=True),
                        ColumnDefinition("a", SqlType("varchar", ("20",)), nullable=False),
                        ColumnDefinition(
                            "b", SqlType("datetime"), default=Default(DefaultKind.CONSTANT, "CURRENT_TIMESTAMP")
                        ),
                    ),
                    (
                        ConstraintDefinition(ConstraintKind.PRIMARY_KEY, columns=("id",)),
                        ConstraintDefinition(ConstraintKind.UNIQUE, "u", ("a", "b")),
                        ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "c", ("a",), Name("u"), ("id",)),
                    ),
                    (
                        IndexDefinition("i", ("a",), modifiers=("",)),
                        IndexDefinition("f", ("a",), method="fulltext", modifiers=("",)),
                    ),
                )
            ],
        ),
        ("CREATE TABLE t LIKE u", [CreateTable(Name("t"), (), like=Name("u"), like_all=True)]),
        ("CREATE TABLE t AS SELECT * FROM u", [CreateTable(Name("t"), (), copied=True)]),
        (
            "CREATE TABLE IF NOT EXISTS t (a ENUM('x','y'), b SET('p') , c DECIMAL(5,2) GENERATED ALWAYS AS (a * "
            "2) VIRTUAL)",
            [
                CreateTable(
                    Name("t"),
                    (
                        ColumnDefinition("a", SqlType("enum", ("'x'", "'y'"))),
                        ColumnDefinition("b", SqlType("set", ("'p'",))),
                        ColumnDefinition(
                            "c",
                            SqlType("decimal", ("5", "2")),
                            default=Default(DefaultKind.CONSTANT, "a * 2"),
                            virtual=True,
                        ),
                    ),
                    if_not_exists=True,
                )
            ],
        ),
        (
            "CREATE INDEX i ON t (a) USING BTREE",
            [CreateIndex(Name("t"), IndexDefinition("i", ("a",), modifiers=("",)))],
        ),
        (
            "CREATE UNIQUE INDEX i ON t (a, b) ALGORITHM=INPLACE LOCK=NONE",
            [
                Setting("algorithm", "inplace"),
                Setting("lock", "none"),
                CreateIndex(Name("t"), IndexDefinition("i", ("a", "b"), unique=True, online=True, modifiers=("", ""))),
            ],
        ),
        ("DROP INDEX i ON t", [DropIndex(Name("i"), Name("t"))]),
        ("SET FOREIGN_KEY_CHECKS=0", [Setting("foreign_key_checks", "0")]),
        ("SET SESSION sql_mode='ANSI', @x = 5", [Setting("sql_mode", "ansi"), Setting("@x", "5")]),
        ("SET NAMES utf8mb4", [Setting("names", "utf8mb4")]),
        ("SET GLOBAL max_connections = 5", [Setting("max_connections", "5")]),
        ("LOCK TABLES t WRITE, u READ", [LockTable(Name("t"), "write"), LockTable(Name("u"), "read")]),
        ("UNLOCK TABLES", [Harmless("unlock")]),
        ("USE other", [Setting("database", "other")]),
        ("START TRANSACTION", [Transaction("begin")]),
        ("COMMIT", [Transaction("commit")]),
        ("OPTIMIZE TABLE t", [RewriteTable(Name("t"), "optimize")]),
        ("ANALYZE TABLE t", [Harmless("analyze")]),
    ],
    Engine.POSTGRESQL: [
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL", [ChangeColumn(Name("t"), "a", nullable=False)]),
        ("ALTER TABLE t ALTER COLUMN a DROP NOT NULL", [ChangeColumn(Name("t"), "a", nullable=True)]),
        (
            "ALTER TABLE t ALTER a SET DEFAULT now()",
            [ChangeColumn(Name("t"), "a", default=Default(DefaultKind.CONSTANT, "now()"))],
        ),
        ("ALTER TABLE t ALTER a ADD GENERATED ALWAYS AS IDENTITY", [ChangeColumn(Name("t"), "a", identity=True)]),
        ("ALTER TABLE t ALTER a DROP IDENTITY IF EXISTS", [ChangeColumn(Name("t"), "a", identity=False)]),
        ("ALTER TABLE t ALTER a SET STATISTICS 100", [ChangeTable(Name("t"), "column")]),
        ("ALTER TABLE t ALTER a SET STORAGE EXTERNAL", [ChangeTable(Name("t"), "column")]),
        ("ALTER TABLE t ALTER a SET COMPRESSION lz4", [ChangeTable(Name("t"), "column")]),
        ("ALTER TABLE t ALTER a RESET (n_distinct)", [ChangeTable(Name("t"), "column")]),
        ("ALTER TABLE t ALTER a DROP EXPRESSION", [ChangeColumn(Name("t"), "a", default=Default(), generated=False)]),
        ("ALTER TABLE t VALIDATE CONSTRAINT c", [ValidateConstraint(Name("t"), "c")]),
        ("ALTER TABLE t RENAME CONSTRAINT c TO d", [RenameConstraint(Name("t"), "c", "d")]),
        (
            "ALTER TABLE t DROP CONSTRAINT IF EXISTS c CASCADE",
            [DropConstraint(Name("t"), "c", if_exists=True, cascade=True)],
        ),
        ("ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE INITIALLY DEFERRED", [ChangeTable(Name("t"), "constraint")]),
        (
            "ALTER TABLE t ADD CONSTRAINT c EXCLUDE USING gist (a WITH =)",
            [
                AddConstraint(
                    Name("t"),
                    ConstraintDefinition(ConstraintKind.EXCLUDE, "c", ("a",), expression="USING gist (a WITH =)"),
                )
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i",
            [AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.UNIQUE, "c", using_index="i"))],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u NOT VALID",
            [
                AddConstraint(
                    Name("t"), ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "c", ("a",), Name("u"), validated=False)
                )
            ],
        ),
        ("ALTER TABLE t SET LOGGED", [RewriteTable(Name("t"), "logging")]),
        ("ALTER TABLE t SET UNLOGGED", [RewriteTable(Name("t"), "logging")]),
        ("ALTER TABLE t SET TABLESPACE x", [RewriteTable(Name("t"), "storage")]),
        ("ALTER TABLE t SET (fillfactor = 70)", [ChangeTable(Name("t"), "parameters")]),
        ("ALTER TABLE t RESET (fillfactor)", [ChangeTable(Name("t"), "parameters")]),
        ("ALTER TABLE t CLUSTER ON i", [ChangeTable(Name("t"), "cluster")]),
        ("ALTER TABLE t SET WITHOUT CLUSTER", [ChangeTable(Name("t"), "cluster")]),
        ("ALTER TABLE t SET ACCESS METHOD heap", [RewriteTable(Name("t"), "storage")]),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", [ChangeTable(Name("t"), "row level security")]),
        ("ALTER TABLE t FORCE ROW LEVEL SECURITY", [ChangeTable(Name("t"), "row level security")]),
        ("ALTER TABLE t DISABLE TRIGGER ALL", [ChangeTable(Name("t"), "trigger")]),
        ("ALTER TABLE t ENABLE REPLICA TRIGGER g", [ChangeTable(Name("t"), "trigger")]),
        ("ALTER TABLE t OWNER TO me", [Grant("OWNER OF t TO me")]),
        ("ALTER TABLE t REPLICA IDENTITY FULL", [ChangeTable(Name("t"), "replica identity")]),
        ("ALTER TABLE t REPLICA IDENTITY USING INDEX i", [ChangeTable(Name("t"), "replica identity")]),
        ("ALTER TABLE t INHERIT u", [ChangeTable(Name("t"), "inheritance")]),
        ("ALTER TABLE t NO INHERIT u", [ChangeTable(Name("t"), "inheritance")]),
        ("ALTER TABLE t ATTACH PARTITION p FOR VALUES FROM (1) TO (5)", [AttachPartition(Name("t"), Name("p"))]),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", [DetachPartition(Name("t"), Name("p"), online=True)]),
    ],
    Engine.ORACLE: [
        (
            "ALTER TABLE t ADD a NUMBER(10) DEFAULT 0 NOT NULL",
            [
                AddColumn(
                    Name("T"),
                    ColumnDefinition(
                        "A", SqlType("number", ("10",)), nullable=False, default=Default(DefaultKind.CONSTANT, "0")
                    ),
                )
            ],
        ),
        (
            "ALTER TABLE t ADD (a NUMBER, b VARCHAR2(20 CHAR))",
            [
                AddColumn(Name("T"), ColumnDefinition("A", SqlType("number"))),
                AddColumn(Name("T"), ColumnDefinition("B", SqlType("varchar2", ("20 char",)))),
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c UNIQUE (a) USING INDEX i ENABLE NOVALIDATE",
            [AddConstraint(Name("T"), ConstraintDefinition(ConstraintKind.UNIQUE, "C", ("A",), using_index="I"))],
        ),
        (
            "ALTER TABLE t ADD a DEFAULT 5",
            [AddColumn(Name("T"), ColumnDefinition("A", SqlType(""), default=Default(DefaultKind.CONSTANT, "5")))],
        ),
        ("ALTER TABLE t MODIFY a NOT NULL", [ChangeColumn(Name("T"), "A", nullable=False)]),
        ("ALTER TABLE t MODIFY a NULL", [ChangeColumn(Name("T"), "A", nullable=True)]),
        (
            "ALTER TABLE t MODIFY (a VARCHAR2(50), b DEFAULT 5 NOT NULL)",
            [
                ChangeColumn(Name("T"), "A", SqlType("varchar2", ("50",))),
                ChangeColumn(Name("T"), "B", nullable=False, default=Default(DefaultKind.CONSTANT, "5")),
            ],
        ),
        (
            "ALTER TABLE t MODIFY a CONSTRAINT c CHECK (a > 0)",
            [
                ChangeColumn(Name("T"), "A"),
                AddConstraint(Name("T"), ConstraintDefinition(ConstraintKind.CHECK, "C", expression="a > 0")),
            ],
        ),
        ("ALTER TABLE t MODIFY CONSTRAINT c ENABLE VALIDATE", [ValidateConstraint(Name("T"), "C")]),
        ("ALTER TABLE t MODIFY CONSTRAINT c DISABLE", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t MODIFY PRIMARY KEY DISABLE", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t DROP CONSTRAINT c CASCADE", [DropConstraint(Name("T"), "C", cascade=True)]),
        ("ALTER TABLE t DROP PRIMARY KEY KEEP INDEX", [DropConstraint(Name("T"), "", ConstraintKind.PRIMARY_KEY)]),
        (
            "ALTER TABLE t DROP UNIQUE (a, b) DROP INDEX ONLINE",
            [DropConstraint(Name("T"), "(unique A, B)", ConstraintKind.UNIQUE)],
        ),
        ("ALTER TABLE t DROP UNUSED COLUMNS", [ChangeTable(Name("T"), "unused columns")]),
        ("ALTER TABLE t DROP PARTITION p UPDATE GLOBAL INDEXES", [Truncate(Name("T"), partition="P")]),
        ("ALTER TABLE t DROP COLUMN a CASCADE CONSTRAINTS", [DropColumn(Name("T"), "A", cascade=True)]),
        ("ALTER TABLE t DROP (a, b)", [DropColumn(Name("T"), "A"), DropColumn(Name("T"), "B")]),
        ("ALTER TABLE t DROP COLUMN a CHECKPOINT 1000 ONLINE", [DropColumn(Name("T"), "A")]),
        ("ALTER TABLE t SET UNUSED (a, b) ONLINE", [DropColumn(Name("T"), "A"), DropColumn(Name("T"), "B")]),
        ("ALTER TABLE t SET UNUSED COLUMN a", [DropColumn(Name("T"), "A")]),
        ("ALTER TABLE s.t RENAME TO u", [RenameTable(Name("T", "S"), Name("U", "S"))]),
        ("ALTER TABLE t RENAME COLUMN a TO b", [RenameColumn(Name("T"), "A", "B")]),
        ("ALTER TABLE t RENAME CONSTRAINT a TO b", [RenameConstraint(Name("T"), "A", "B")]),
        ("ALTER TABLE t MOVE", [RewriteTable(Name("T"), "move")]),
        ("ALTER TABLE t MOVE ONLINE TABLESPACE x", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t MOVE LOB (a) STORE AS SECUREFILE (TABLESPACE x)", [RewriteTable(Name("T"), "move")]),
        ("ALTER TABLE t SHRINK SPACE CASCADE", [RewriteTable(Name("T"), "shrink")]),
        ("ALTER TABLE t ENABLE ROW MOVEMENT", [ChangeTable(Name("T"), "row movement")]),
        ("ALTER TABLE t DISABLE ALL TRIGGERS", [ChangeTable(Name("T"), "triggers")]),
        ("ALTER TABLE t ENABLE CONSTRAINT c", [ValidateConstraint(Name("T"), "C")]),
        ("ALTER TABLE t ENABLE NOVALIDATE CONSTRAINT c", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t ENABLE VALIDATE CONSTRAINT c", [ValidateConstraint(Name("T"), "C")]),
        ("ALTER TABLE t DISABLE CONSTRAINT c CASCADE", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t DISABLE PRIMARY KEY CASCADE", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t PCTFREE 20", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t NOLOGGING", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t READ ONLY", [ChangeTable(Name("T"), "read only")]),
        ("RENAME a TO b", [RenameTable(Name("A"), Name("B"))]),
        (
            "CREATE TABLE t (id NUMBER GENERATED BY DEFAULT ON NULL AS IDENTITY (START WITH 5) PRIMARY KEY, a "
            "VARCHAR2(20 BYTE) DEFAULT 'x' NOT NULL, b DATE DEFAULT SYSDATE, c NUMBER AS (id * 2) VIRTUAL, d "
            "CLOB, CONSTRAINT u UNIQUE (a) USING INDEX TABLESPACE x, CONSTRAINT f FOREIGN KEY (id) REFERENCES s.u "
            "(id) ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED) TABLESPACE x PCTFREE 10 LOGGING",
            [
                CreateTable(
                    Name("T"),
                    (
                        ColumnDefinition("ID", SqlType("number"), nullable=False, identity=True),
                        ColumnDefinition(
                            "A",
                            SqlType("varchar2", ("20 byte",)),
                            nullable=False,
                            default=Default(DefaultKind.CONSTANT, "'x'"),
                        ),
                        ColumnDefinition("B", SqlType("date"), default=Default(DefaultKind.CONSTANT, "SYSDATE")),
                        ColumnDefinition(
                            "C", SqlType("number"), default=Default(DefaultKind.CONSTANT, "id * 2"), virtual=True
                        ),
                        ColumnDefinition("D", SqlType("clob")),
                    ),
                    (
                        ConstraintDefinition(ConstraintKind.PRIMARY_KEY, columns=("ID",)),
                        ConstraintDefinition(ConstraintKind.UNIQUE, "U", ("A",)),
                        ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "F", ("ID",), Name("U", "S"), ("ID",)),
                    ),
                )
            ],
        ),
        (
            "CREATE GLOBAL TEMPORARY TABLE t (a NUMBER) ON COMMIT PRESERVE ROWS",
            [CreateTable(Name("T"), (ColumnDefinition("A", SqlType("number")),), temporary=True)],
        ),
        ("CREATE TABLE t AS SELECT * FROM u", [CreateTable(Name("T"), (), copied=True)]),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) ENABLE NOVALIDATE",
            [
                AddConstraint(
                    Name("T"), ConstraintDefinition(ConstraintKind.CHECK, "C", expression="a > 0", validated=False)
                )
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u DISABLE",
            [
                AddConstraint(
                    Name("T"), ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "C", ("A",), Name("U"), validated=False)
                )
            ],
        ),
        (
            "CREATE UNIQUE INDEX i ON t (a, UPPER(b) DESC) TABLESPACE x ONLINE PARALLEL 4 NOLOGGING",
            [
                CreateIndex(
                    Name("T"), IndexDefinition("I", ("A", "UPPER(b)"), unique=True, online=True, modifiers=("", "desc"))
                )
            ],
        ),
        (
            "CREATE BITMAP INDEX i ON t (a)",
            [CreateIndex(Name("T"), IndexDefinition("I", ("A",), method="bitmap", modifiers=("",)))],
        ),
        (
            "CREATE INDEX i ON t (a) INDEXTYPE IS CTXSYS.CONTEXT PARAMETERS ('x')",
            [CreateIndex(Name("T"), IndexDefinition("I", ("A",), method="ctxsys.context", modifiers=("",)))],
        ),
        ("DROP INDEX s.i ONLINE", [DropIndex(Name("I", "S"), online=True)]),
        ("ALTER INDEX i REBUILD ONLINE TABLESPACE x", [AlterObject(ObjectKind.OTHER, Name("I"))]),
        ("ALTER INDEX i RENAME TO j", [RenameIndex(Name("I"), "J")]),
        ("ALTER INDEX i NOPARALLEL", [AlterObject(ObjectKind.OTHER, Name("I"))]),
        ("DROP TABLE t CASCADE CONSTRAINTS PURGE", [DropTable(Name("T"), cascade=True)]),
        ("TRUNCATE TABLE t REUSE STORAGE", [Truncate(Name("T"))]),
        ("CREATE OR REPLACE VIEW v AS SELECT 1 FROM dual", [CreateObject(ObjectKind.VIEW, Name("V"), replace=True)]),
        ("CREATE SEQUENCE s START WITH 1 INCREMENT BY 1 CACHE 20", [CreateObject(ObjectKind.SEQUENCE, Name("S"))]),
        ("CREATE SYNONYM y FOR s.t", [CreateObject(ObjectKind.OTHER, Name("Y"))]),
        ("CREATE PUBLIC SYNONYM y FOR s.t", [CreateObject(ObjectKind.OTHER, Name("Y"))]),
        (
            "CREATE MATERIALIZED VIEW m REFRESH COMPLETE AS SELECT 1 FROM dual",
            [CreateObject(ObjectKind.MATERIALIZED_VIEW, Name("M"))],
        ),
        ("CREATE USER u IDENTIFIED BY p", [Grant("CREATE USER u IDENTIFIED BY p")]),
        ("COMMENT ON COLUMN t.a IS 'x'", [Harmless("comment")]),
        ("GRANT SELECT ON t TO u", [Grant("GRANT SELECT ON t TO u")]),
        ("LOCK TABLE t IN EXCLUSIVE MODE NOWAIT", [LockTable(Name("T"), "exclusive")]),
        ("PURGE RECYCLEBIN", [Harmless("purge")]),
        ("ALTER SESSION SET ddl_lock_timeout = 30", [Setting("ddl_lock_timeout", "30")]),
        ("SET DEFINE OFF", [Setting("define", "off")]),
        ("DROP SEQUENCE s", [DropObject(ObjectKind.SEQUENCE, Name("S"))]),
        ("DROP MATERIALIZED VIEW m", [DropObject(ObjectKind.MATERIALIZED_VIEW, Name("M"))]),
        (
            "DROP USER u CASCADE",
            [Grant("DROP ROLE U", revoke=True), DropObject(ObjectKind.ROLE, Name("U"), cascade=True)],
        ),
    ],
    Engine.SQLSERVER: [
        (
            "ALTER TABLE t ADD a int NOT NULL CONSTRAINT d DEFAULT 0",
            [
                AddColumn(
                    Name("t"),
                    ColumnDefinition("a", SqlType("int"), nullable=False, default=Default(DefaultKind.CONSTANT, "0")),
                    (ConstraintDefinition(ConstraintKind.DEFAULT, "d", ("a",), expression="0"),),
                )
            ],
        ),
        (
            "ALTER TABLE dbo.t ADD a int, b nvarchar(max)",
            [
                AddColumn(Name("t"), ColumnDefinition("a", SqlType("int"))),
                AddColumn(Name("t"), ColumnDefinition("b", SqlType("nvarchar", ("max",)))),
            ],
        ),
        (
            "ALTER TABLE t WITH NOCHECK ADD CONSTRAINT c FOREIGN KEY (a) REFERENCES u (id)",
            [
                AddConstraint(
                    Name("t"),
                    ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "c", ("a",), Name("u"), ("id",), validated=False),
                )
            ],
        ),
        (
            "ALTER TABLE t WITH CHECK ADD CONSTRAINT c CHECK (a > 0)",
            [AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.CHECK, "c", expression="a > 0"))],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT d DEFAULT (getdate()) FOR a WITH VALUES",
            [
                ChangeColumn(Name("t"), "a", default=Default(DefaultKind.CONSTANT, "(getdate())")),
                AddConstraint(
                    Name("t"), ConstraintDefinition(ConstraintKind.DEFAULT, "d", ("a",), expression="(getdate())")
                ),
            ],
        ),
        (
            "ALTER TABLE t ADD DEFAULT 5 FOR a",
            [
                ChangeColumn(Name("t"), "a", default=Default(DefaultKind.CONSTANT, "5")),
                AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.DEFAULT, columns=("a",), expression="5")),
            ],
        ),
        (
            "ALTER TABLE t ADD c AS (a + b) PERSISTED",
            [
                AddColumn(
                    Name("t"),
                    ColumnDefinition("c", SqlType(""), default=Default(DefaultKind.UNKNOWN, "a + b"), generated=True),
                )
            ],
        ),
        ("ALTER TABLE t DROP COLUMN a, b", [DropColumn(Name("t"), "a"), DropColumn(Name("t"), "b")]),
        ("ALTER TABLE t DROP COLUMN IF EXISTS a", [DropColumn(Name("t"), "a", if_exists=True)]),
        ("ALTER TABLE t DROP CONSTRAINT c, COLUMN a", [DropConstraint(Name("t"), "c"), DropColumn(Name("t"), "a")]),
        ("ALTER TABLE t DROP c", [DropConstraint(Name("t"), "c")]),
        ("ALTER TABLE t DROP CONSTRAINT pk WITH (ONLINE = ON)", [DropConstraint(Name("t"), "pk")]),
        (
            "ALTER TABLE t ALTER COLUMN a varchar(50) NOT NULL",
            [ChangeColumn(Name("t"), "a", SqlType("varchar", ("50",)), nullable=False)],
        ),
        (
            "ALTER TABLE t ALTER COLUMN a int WITH (ONLINE = ON)",
            [ChangeColumn(Name("t"), "a", SqlType("int"), nullable=True, online=True)],
        ),
        ("ALTER TABLE t ALTER COLUMN a ADD SPARSE", [ChangeTable(Name("t"), "column")]),
        ("ALTER TABLE t CHECK CONSTRAINT c", [ChangeTable(Name("t"), "constraint")]),
        (
            "ALTER TABLE t WITH CHECK CHECK CONSTRAINT c, d",
            [ValidateConstraint(Name("t"), "c"), ValidateConstraint(Name("t"), "d")],
        ),
        ("ALTER TABLE t WITH CHECK CHECK CONSTRAINT ALL", [ChangeTable(Name("t"), "constraint")]),
        ("ALTER TABLE t NOCHECK CONSTRAINT c", [ChangeTable(Name("t"), "constraint")]),
        ("ALTER TABLE t ENABLE TRIGGER g", [ChangeTable(Name("t"), "triggers")]),
        ("ALTER TABLE t DISABLE TRIGGER ALL", [ChangeTable(Name("t"), "triggers")]),
        (
            "ALTER TABLE t ENABLE CHANGE_TRACKING WITH (TRACK_COLUMNS_UPDATED = ON)",
            [ChangeTable(Name("t"), "change tracking")],
        ),
        ("ALTER TABLE t REBUILD", [RewriteTable(Name("t"), "rebuild")]),
        ("ALTER TABLE t REBUILD PARTITION = ALL WITH (ONLINE = ON)", [ChangeTable(Name("t"), "storage")]),
        ("ALTER TABLE t SET (LOCK_ESCALATION = AUTO)", [ChangeTable(Name("t"), "lock escalation")]),
        ("EXEC sp_rename 'dbo.t', 'u'", [RenameTable(Name("t"), Name("u"))]),
        ("EXEC sp_rename 'dbo.t.a', 'b', 'COLUMN'", [RenameColumn(Name("t"), "a", "b")]),
        (
            "EXEC sp_rename @objname = N'[dbo].[t].[i]', @newname = N'j', @objtype = N'INDEX'",
            [RenameIndex(Name("i"), "j", Name("t"))],
        ),
        ("EXEC sys.sp_rename N't', N'u', N'OBJECT'", [RenameTable(Name("t"), Name("u"))]),
        ("EXEC sp_addextendedproperty 'MS_Description', 'x', 'SCHEMA', 'dbo'", [Harmless("sp_addextendedproperty")]),
        ("EXEC sp_addrolemember 'db_owner', 'me'", [Grant("sp_addrolemember")]),
        ("EXEC sp_recompile 't'", [Harmless("sp_recompile")]),
        ("EXEC ('DROP TABLE t')", [DropTable(Name("t"))]),
        ("EXEC sp_executesql N'ALTER TABLE t DROP COLUMN a'", [DropColumn(Name("t"), "a")]),
        (
            "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY CLUSTERED (a) WITH (ONLINE=ON)",
            [AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.PRIMARY_KEY, "pk", ("a",), online=True))],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT pk PRIMARY KEY CLUSTERED (a) WITH (ONLINE = ON, FILLFACTOR=80) ON [PRIMARY]",
            [AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.PRIMARY_KEY, "pk", ("a",), online=True))],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT pk UNIQUE (a) WITH ( ONLINE  =  ON )",
            [AddConstraint(Name("t"), ConstraintDefinition(ConstraintKind.UNIQUE, "pk", ("a",), online=True))],
        ),
        ("ALTER TABLE t WITH CHECK CHECK CONSTRAINT c", [ValidateConstraint(Name("t"), "c")]),
        ("ALTER TABLE t WITH NOCHECK CHECK CONSTRAINT c", [ChangeTable(Name("t"), "constraint")]),
        (
            "CREATE UNIQUE CLUSTERED INDEX i ON dbo.t (a DESC, b) INCLUDE (c) WHERE a IS NOT NULL WITH (ONLINE = "
            "ON) ON [PRIMARY]",
            [
                CreateIndex(
                    Name("t"),
                    IndexDefinition(
                        "i",
                        ("a", "b"),
                        unique=True,
                        online=True,
                        included=("c",),
                        method="clustered",
                        where="a IS NOT NULL",
                        modifiers=("desc", ""),
                    ),
                )
            ],
        ),
        (
            "CREATE INDEX i ON t (a) WITH FILLFACTOR = 80",
            [CreateIndex(Name("t"), IndexDefinition("i", ("a",), modifiers=("",)))],
        ),
        ("DROP INDEX i ON t", [DropIndex(Name("i"), Name("t"))]),
        ("DROP INDEX t.i, u.j", [DropIndex(Name("i"), Name("t")), DropIndex(Name("j"), Name("u"))]),
        ("ALTER INDEX i ON t REBUILD", [RewriteTable(Name("t"), "rebuild")]),
        ("ALTER INDEX ALL ON t REBUILD WITH (ONLINE = ON)", [ChangeTable(Name("t"), "index")]),
        ("ALTER INDEX i ON t REORGANIZE", [ChangeTable(Name("t"), "index")]),
        ("ALTER INDEX i ON t DISABLE", [ChangeTable(Name("t"), "index")]),
        (
            "CREATE TABLE t (id int IDENTITY(1,1) NOT NULL CONSTRAINT pk PRIMARY KEY CLUSTERED, a nvarchar(20) "
            "COLLATE Latin1_General_CI_AS NULL DEFAULT N'x', b AS (a + 1), c rowversion, d decimal(10,2) SPARSE "
            "NULL, CONSTRAINT u UNIQUE NONCLUSTERED (a ASC) WITH (PAD_INDEX = OFF) ON [PRIMARY], INDEX i (a)) ON "
            "[PRIMARY]",
            [
                CreateTable(
                    Name("t"),
                    (
                        ColumnDefinition("id", SqlType("int"), nullable=False, identity=True),
                        ColumnDefinition(
                            "a",
                            SqlType("nvarchar", ("20",)),
                            default=Default(DefaultKind.CONSTANT, "N'x'"),
                            collation="latin1_general_ci_as",
                        ),
                        ColumnDefinition(
                            "b", SqlType(""), default=Default(DefaultKind.CONSTANT, "a + 1"), virtual=True
                        ),
                        ColumnDefinition("c", SqlType("timestamp")),
                        ColumnDefinition("d", SqlType("decimal", ("10", "2"))),
                    ),
                    (
                        ConstraintDefinition(ConstraintKind.PRIMARY_KEY, "pk", ("id",)),
                        ConstraintDefinition(ConstraintKind.UNIQUE, "u", ("a",)),
                    ),
                    (IndexDefinition("i", ("a",), modifiers=("",)),),
                )
            ],
        ),
        ("SELECT * INTO t FROM u", [CreateTable(Name("t"), (), copied=True)]),
        (
            "CREATE TABLE #t (a int)",
            [CreateTable(Name("#t"), (ColumnDefinition("a", SqlType("int")),), temporary=True)],
        ),
        ("DROP TABLE IF EXISTS dbo.t, u", [DropTable(Name("t"), if_exists=True), DropTable(Name("u"), if_exists=True)]),
        ("CREATE SCHEMA s AUTHORIZATION dbo", [CreateObject(ObjectKind.SCHEMA, Name("s"))]),
        ("CREATE OR ALTER VIEW v AS SELECT 1 AS a", [CreateObject(ObjectKind.VIEW, Name("v"), replace=True)]),
        ("CREATE SEQUENCE s AS bigint START WITH 1", [CreateObject(ObjectKind.SEQUENCE, Name("s"))]),
        ("CREATE TYPE ty FROM nvarchar(20)", [CreateObject(ObjectKind.TYPE, Name("ty"))]),
        ("CREATE SYNONYM y FOR t", [CreateObject(ObjectKind.OTHER, Name("y"))]),
        ("CREATE USER u FOR LOGIN l", [Grant("CREATE USER u FOR LOGIN l")]),
        ("GRANT SELECT ON t TO u", [Grant("GRANT SELECT ON t TO u")]),
        ("DENY SELECT ON t TO u", [Grant("DENY SELECT ON t TO u", revoke=True)]),
        ("TRUNCATE TABLE t", [Truncate(Name("t"))]),
        ("SET XACT_ABORT ON", [Setting("xact_abort", "on")]),
        ("SET IDENTITY_INSERT t ON", [Setting("identity_insert", "on")]),
        ("SET ANSI_NULLS, QUOTED_IDENTIFIER ON", [Setting("ansi_nulls", "on")]),
        ("SET LOCK_TIMEOUT 5000", [Setting("lock_timeout", "5000")]),
        ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT", [Setting("transaction", "")]),
        ("BEGIN TRANSACTION", [Transaction("begin")]),
        ("COMMIT TRAN", [Transaction("commit")]),
        ("PRINT 'x'", [Harmless("print")]),
        ("USE other", [Setting("database", "other")]),
        ("UPDATE STATISTICS t", [Harmless("update")]),
    ],
    Engine.DB2: [
        (
            "ALTER TABLE t ADD COLUMN a INTEGER NOT NULL DEFAULT 0",
            [
                AddColumn(
                    Name("T"),
                    ColumnDefinition(
                        "A", SqlType("integer"), nullable=False, default=Default(DefaultKind.CONSTANT, "0")
                    ),
                )
            ],
        ),
        (
            "ALTER TABLE s.t ADD COLUMN a VARCHAR(20) ADD COLUMN b DECIMAL(10, 2)",
            [
                AddColumn(Name("T", "S"), ColumnDefinition("A", SqlType("varchar", ("20",)))),
                AddColumn(Name("T", "S"), ColumnDefinition("B", SqlType("decimal", ("10", "2")))),
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)",
            [AddConstraint(Name("T"), ConstraintDefinition(ConstraintKind.CHECK, "C", expression="a > 0"))],
        ),
        (
            "ALTER TABLE t ADD PRIMARY KEY (a, b)",
            [AddConstraint(Name("T"), ConstraintDefinition(ConstraintKind.PRIMARY_KEY, columns=("A", "B")))],
        ),
        ("ALTER TABLE t DROP PRIMARY KEY", [DropConstraint(Name("T"), "", ConstraintKind.PRIMARY_KEY)]),
        ("ALTER TABLE t DROP FOREIGN KEY f", [DropConstraint(Name("T"), "F", ConstraintKind.FOREIGN_KEY)]),
        ("ALTER TABLE t DROP UNIQUE u", [DropConstraint(Name("T"), "U", ConstraintKind.UNIQUE)]),
        ("ALTER TABLE t DROP CHECK c", [DropConstraint(Name("T"), "C", ConstraintKind.CHECK)]),
        ("ALTER TABLE t DROP CONSTRAINT c", [DropConstraint(Name("T"), "C")]),
        ("ALTER TABLE t DROP COLUMN a", [DropColumn(Name("T"), "A", cascade=True)]),
        ("ALTER TABLE t DROP COLUMN a RESTRICT", [DropColumn(Name("T"), "A")]),
        ("ALTER TABLE t RENAME COLUMN a TO b", [RenameColumn(Name("T"), "A", "B")]),
        ("ALTER TABLE t ALTER COLUMN a SET DATA TYPE BIGINT", [ChangeColumn(Name("T"), "A", SqlType("bigint"))]),
        (
            "ALTER TABLE t ALTER COLUMN a SET NOT NULL ALTER COLUMN b DROP NOT NULL",
            [ChangeColumn(Name("T"), "A", nullable=False), ChangeColumn(Name("T"), "B", nullable=True)],
        ),
        (
            "ALTER TABLE t ALTER COLUMN a SET DEFAULT 5",
            [ChangeColumn(Name("T"), "A", default=Default(DefaultKind.CONSTANT, "5"))],
        ),
        ("ALTER TABLE t ALTER COLUMN a DROP DEFAULT", [ChangeColumn(Name("T"), "A", default=Default())]),
        ("ALTER TABLE t ALTER COLUMN a DROP IDENTITY", [ChangeColumn(Name("T"), "A", identity=False)]),
        (
            "ALTER TABLE t ALTER COLUMN a SET GENERATED ALWAYS AS IDENTITY (START WITH 5)",
            [ChangeColumn(Name("T"), "A", identity=True)],
        ),
        ("ALTER TABLE t ALTER COLUMN a SET GENERATED BY DEFAULT", [ChangeColumn(Name("T"), "A", identity=True)]),
        ("ALTER TABLE t ALTER COLUMN a RESTART WITH 100", [ChangeTable(Name("T"), "column")]),
        ("ALTER TABLE t ALTER COLUMN a RESTART", [ChangeTable(Name("T"), "column")]),
        ("ALTER TABLE t ALTER COLUMN a SET INLINE LENGTH 200", [ChangeTable(Name("T"), "column")]),
        (
            "ALTER TABLE t ALTER COLUMN a SET DATA TYPE VARCHAR(40) SET NOT NULL",
            [ChangeColumn(Name("T"), "A", SqlType("varchar", ("40",))), ChangeColumn(Name("T"), "A", nullable=False)],
        ),
        ("ALTER TABLE t ALTER FOREIGN KEY f NOT ENFORCED", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t ALTER CHECK c ENFORCED", [ChangeTable(Name("T"), "constraint")]),
        ("ALTER TABLE t PCTFREE 10", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t LOCKSIZE ROW", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t APPEND ON", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t COMPRESS YES ADAPTIVE", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t VOLATILE CARDINALITY", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t NOT VOLATILE", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t DATA CAPTURE CHANGES", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t ACTIVATE ROW ACCESS CONTROL", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t ACTIVATE NOT LOGGED INITIALLY", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t ACTIVATE VALUE COMPRESSION", [ChangeTable(Name("T"), "storage")]),
        ("ALTER TABLE t LOG INDEX BUILD ON", [ChangeTable(Name("T"), "storage")]),
        ("RENAME TABLE s.a TO b", [RenameTable(Name("A", "S"), Name("B", "S"))]),
        ("RENAME a TO b", [RenameTable(Name("A"), Name("B"))]),
        ("RENAME INDEX s.i TO j", [RenameIndex(Name("I", "S"), "J")]),
        ("RENAME SEQUENCE s TO r", [AlterObject(ObjectKind.SEQUENCE, Name("S"))]),
        ("CALL ADMIN_CMD('REORG TABLE s.t')", [RewriteTable(Name("T", "S"), "reorg")]),
        ("CALL SYSPROC.ADMIN_CMD('REORG TABLE t INPLACE ALLOW WRITE ACCESS')", [Harmless("reorg")]),
        ("CALL ADMIN_CMD('REORG INDEXES ALL FOR TABLE t')", [Harmless("reorg")]),
        ("CALL ADMIN_CMD('RUNSTATS ON TABLE s.t')", [Harmless("runstats")]),
        ("CALL ADMIN_REVALIDATE_DB_OBJECTS('table', 's', 't')", [Harmless("revalidate")]),
        ("REORG TABLE t", [RewriteTable(Name("T"), "reorg")]),
        ("REORG INDEX i FOR TABLE t", [Harmless("reorg")]),
        (
            "CREATE TABLE s.t (id BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY (START WITH 1), a VARCHAR(20) FOR "
            "BIT DATA NOT NULL WITH DEFAULT 'x', b TIMESTAMP NOT NULL DEFAULT CURRENT TIMESTAMP, c INT GENERATED "
            "ALWAYS AS (id * 2), PRIMARY KEY (id), CONSTRAINT u UNIQUE (a) ENFORCED) IN x INDEX IN y ORGANIZE BY "
            "ROW COMPRESS YES",
            [
                CreateTable(
                    Name("T", "S"),
                    (
                        ColumnDefinition("ID", SqlType("bigint"), nullable=False, identity=True),
                        ColumnDefinition(
                            "A",
                            SqlType("varchar for bit data", ("20",)),
                            nullable=False,
                            default=Default(DefaultKind.CONSTANT, "'x'"),
                        ),
                        ColumnDefinition(
                            "B",
                            SqlType("timestamp"),
                            nullable=False,
                            default=Default(DefaultKind.CONSTANT, "CURRENT TIMESTAMP"),
                        ),
                        ColumnDefinition(
                            "C", SqlType("integer"), default=Default(DefaultKind.UNKNOWN, "id * 2"), generated=True
                        ),
                    ),
                    (
                        ConstraintDefinition(ConstraintKind.PRIMARY_KEY, columns=("ID",)),
                        ConstraintDefinition(ConstraintKind.UNIQUE, "U", ("A",)),
                    ),
                )
            ],
        ),
        ("CREATE TABLE t LIKE u INCLUDING DEFAULTS", [CreateTable(Name("T"), (), like=Name("U"), like_defaults=True)]),
        (
            "CREATE UNIQUE INDEX s.i ON s.t (a ASC, b DESC) INCLUDE (c) ALLOW REVERSE SCANS PCTFREE 10 CLUSTER "
            "COLLECT SAMPLED DETAILED STATISTICS COMPRESS YES",
            [
                CreateIndex(
                    Name("T", "S"),
                    IndexDefinition("I", ("A", "B"), unique=True, included=("C",), modifiers=("", "desc")),
                )
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED TRUSTED ENABLE QUERY OPTIMIZATION",
            [
                AddConstraint(
                    Name("T"), ConstraintDefinition(ConstraintKind.CHECK, "C", expression="a > 0", validated=False)
                )
            ],
        ),
        (
            "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES u (id) ON DELETE RESTRICT ON UPDATE NO ACTION",
            [
                AddConstraint(
                    Name("T"), ConstraintDefinition(ConstraintKind.FOREIGN_KEY, "F", ("A",), Name("U"), ("ID",))
                )
            ],
        ),
        ("DROP INDEX s.i", [DropIndex(Name("I", "S"))]),
        ("DROP TABLE t", [DropTable(Name("T"))]),
        ("TRUNCATE TABLE t IMMEDIATE", [Truncate(Name("T"))]),
        ("SET INTEGRITY FOR t IMMEDIATE CHECKED", [ChangeTable(Name("T"), "integrity")]),
        ("SET INTEGRITY FOR t OFF", [ChangeTable(Name("T"), "integrity")]),
        ("SET SCHEMA s", [Setting("schema", "s")]),
        ("SET CURRENT LOCK TIMEOUT 30", [Setting("lock", "timeout 30")]),
        ("LOCK TABLE t IN EXCLUSIVE MODE", [LockTable(Name("T"), "exclusive")]),
        ("CREATE SEQUENCE s AS BIGINT START WITH 1", [CreateObject(ObjectKind.SEQUENCE, Name("S"))]),
        ("CREATE ALIAS a FOR t", [CreateObject(ObjectKind.OTHER, Name("A"))]),
        ("CREATE VIEW v AS SELECT 1 AS a FROM t", [CreateObject(ObjectKind.VIEW, Name("V"))]),
        ("COMMIT WORK", [Transaction("commit")]),
        ("RUNSTATS ON TABLE t", [Harmless("runstats")]),
        ("COMMENT ON TABLE t IS 'x'", [Harmless("comment")]),
        ("GRANT SELECT ON TABLE t TO USER u", [Grant("GRANT SELECT ON TABLE t TO USER u")]),
    ],
}


@pytest.mark.parametrize(
    ("engine", "text", "expected"),
    [(engine, text, expected) for engine, cases in UNDERSTOOD.items() for text, expected in cases],
)
def test_a_statement_is_read_as_what_it_does(engine: Engine, text: str, expected: list[Operation]) -> None:
    assert list(read(text, engine)) == expected


NOT_UNDERSTOOD: list[tuple[Engine, str, str]] = [
    (Engine.MYSQL, "ALTER TABLE t DISCARD TABLESPACE", "a change of partitions or tablespaces"),
    (Engine.MYSQL, "ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", "a change of partitions or tablespaces"),
    (Engine.MYSQL, "ALTER TABLE t COALESCE PARTITION 2", "a change of partitions or tablespaces"),
    (
        Engine.MYSQL,
        "ALTER TABLE t REORGANIZE PARTITION p INTO (PARTITION q VALUES LESS THAN (9))",
        "a change of partitions or tablespaces",
    ),
    (Engine.POSTGRESQL, "ALTER TABLE t OF ty", "'OF' is not understood here, a change of a table was expected"),
    (
        Engine.POSTGRESQL,
        "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b",
        "'IN' is not understood here, a change of a table was expected",
    ),
    (Engine.ORACLE, "ALTER TABLE t ADD PARTITION p VALUES LESS THAN (5)", "a partition or a log group"),
    (Engine.ORACLE, "ALTER TABLE t ADD a", "its end is not understood here, a type was expected"),
    (
        Engine.ORACLE,
        "ALTER TABLE t MODIFY a GENERATED ALWAYS AS IDENTITY",
        "'ALWAYS' is not understood here, a change of a table was expected",
    ),
    (
        Engine.ORACLE,
        "ALTER TABLE t DROP UNUSED COLUMNS CHECKPOINT 100",
        "'CHECKPOINT' is not understood here, a change of a table was expected",
    ),
    (Engine.ORACLE, "ALTER TABLE t INMEMORY", "'INMEMORY' is not understood here, a change of a table was expected"),
    (
        Engine.ORACLE,
        "ALTER TABLE t ADD CONSTRAINT c PRIMARY KEY (a) USING INDEX (CREATE UNIQUE INDEX i ON t (a))",
        "an index that is made for a constraint",
    ),
    (Engine.ORACLE, "ALTER INDEX i UNUSABLE", "'UNUSABLE' is not understood here, a change of an index was expected"),
    (Engine.ORACLE, "ALTER SYSTEM SET x = 5", "a setting of the whole server"),
    (
        Engine.ORACLE,
        "FLASHBACK TABLE t TO BEFORE DROP",
        "'FLASHBACK' is not understood here, a statement that is known was expected",
    ),
    (Engine.SQLSERVER, "ALTER TABLE t ADD a", "its end is not understood here, a type was expected"),
    (
        Engine.SQLSERVER,
        "ALTER TABLE t ALTER COLUMN a DROP NOT FOR REPLICATION",
        "its end is not understood here, a property of a column was expected",
    ),
    (
        Engine.SQLSERVER,
        "ALTER TABLE t ALTER COLUMN a ADD MASKED WITH (FUNCTION = 'default()')",
        "'MASKED' is not understood here, a property of a column was expected",
    ),
    (Engine.SQLSERVER, "ALTER TABLE t SET (SYSTEM_VERSIONING = OFF)", "a property of a table that is not known"),
    (
        Engine.SQLSERVER,
        "ALTER TABLE t SWITCH TO u",
        "'SWITCH' is not understood here, a change of a table was expected",
    ),
    (Engine.SQLSERVER, "EXEC sp_rename 'c', 'd', 'USERDATATYPE'", "a new name for a userdatatype"),
    (Engine.SQLSERVER, "EXEC sp_rename 't'", "its end is not understood here, a new name was expected"),
    (
        Engine.SQLSERVER,
        "EXEC sp_executesql N'DELETE FROM t WHERE a = @a', N'@a int', @a = 5",
        "a statement with parameters",
    ),
    (Engine.SQLSERVER, "EXEC other 5", "what the procedure other does is not known"),
    (Engine.SQLSERVER, "ALTER INDEX i ON t PAUSE", "'PAUSE' is not understood here, a change of an index was expected"),
    (
        Engine.SQLSERVER,
        "DBCC CHECKIDENT ('t', RESEED, 5)",
        "'DBCC' is not understood here, a statement that is known was expected",
    ),
    (Engine.DB2, "ALTER TABLE t ADD PERIOD SYSTEM_TIME (a, b)", "a clause that is not known"),
    (Engine.DB2, "ALTER TABLE t ADD COLUMN a", "its end is not understood here, a type was expected"),
    (Engine.DB2, "ALTER TABLE t DROP PARTITION p", "a clause that is not known"),
    (
        Engine.DB2,
        "ALTER TABLE t ALTER COLUMN a SET COMPRESS",
        "'SET' is not understood here, a change of a column was expected",
    ),
    (Engine.DB2, "ALTER TABLE t ACTIVATE NOT LOGGED INITIALLY WITH EMPTY TABLE", "a table that is emptied"),
    (
        Engine.DB2,
        "ALTER TABLE t ORGANIZE BY ROW",
        "'ORGANIZE' is not understood here, a change of a table was expected",
    ),
    (Engine.DB2, "CALL ADMIN_CMD('DROP TABLE t')", "'DROP' is not understood here, REORG was expected"),
    (Engine.DB2, "CALL other(1)", "what the procedure OTHER does is not known"),
    (
        Engine.DB2,
        "DECLARE GLOBAL TEMPORARY TABLE t (a INT) ON COMMIT PRESERVE ROWS NOT LOGGED",
        "'DECLARE' is not understood here, a statement that is known was expected",
    ),
    (Engine.DB2, "CONNECT TO x", "'CONNECT' is not understood here, a statement that is known was expected"),
]


@pytest.mark.parametrize(("engine", "text", "reason"), NOT_UNDERSTOOD)
def test_what_is_not_read_as_a_whole_is_not_read_at_all(engine: Engine, text: str, reason: str) -> None:
    (operation,) = read(text, engine)

    assert isinstance(operation, NotUnderstood)
    assert operation.reason == reason
