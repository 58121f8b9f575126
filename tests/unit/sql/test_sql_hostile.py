"""No file makes its readers and checks run forever, exhaust the memory, or fail in an undocumented way.

The texts are long enough that quadratic or exponential work does not finish.
"""

from datetime import date

import pytest
from untraced import untraced

from belay.errors import UnreadableChanges
from belay.policy.database_gate import check_database_changes
from belay.policy.settings import PolicySettings
from belay.policy.verdict import Report
from belay.sql import replay
from belay.sql.changes import Engine
from belay.sql.reading import read_files

MANY = 200_000
DEPTH = 20_000
"""More than the recursion limit that a library sets for its whole process."""


def judged(text: str, engine: Engine = Engine.POSTGRESQL, path: str = "0001-hostile.sql") -> Report:
    return check_database_changes(read_files({path: text.encode()}, engine), engine, PolicySettings(), date(2026, 1, 1))


def slugs(report: Report) -> set[str]:
    return {each.policy for each in report.findings}


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        (Engine.MYSQL, "/*!*/" * MANY + "ALTER TABLE t FROB"),
        (Engine.ORACLE, "BEGIN NULL\n" + "--;\n" * MANY + "END;\n/"),
        (Engine.POSTGRESQL, f"ALTER DOMAIN d SET DEFAULT '{'ADD ' * MANY}'"),
        (Engine.ORACLE, f"ALTER INDEX i REBUILD ONLINE; ALTER INDEX j NOLOGGING /* {'ALTER INDEX ' * MANY}*/"),
        (Engine.POSTGRESQL, f"CREATE TABLE t (a int, CHECK (a > $${'[' * MANY}$$::int)); ALTER TABLE t DROP a"),
        (Engine.POSTGRESQL, "ALTER TABLE t " + ", ".join(["ENABLE ROW LEVEL SECURITY"] * (MANY // 10))),
        (Engine.SQLSERVER, "ALTER SCHEMA s TRANSFER t\n" * (MANY // 20)),
        (Engine.POSTGRESQL, "DELETE FROM t WHERE a = 0" + " OR a = 1" * (MANY // 20)),
        (Engine.POSTGRESQL, f"WITH {', '.join(f'c{n} AS (DELETE FROM c{n})' for n in range(MANY // 20))} SELECT 1"),
        (Engine.POSTGRESQL, f"INSERT INTO t VALUES ('{'a' * MANY * 5}{chr(39) * 2 * MANY}')"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else None,
)
@untraced
def test_every_part_of_a_text_is_read_a_few_times(engine: Engine, text: str) -> None:
    assert judged(text, engine).paths


@pytest.mark.parametrize("identity", [" " * MANY, " " * MANY + "a", '"' * MANY, "a" * MANY])
def test_a_change_set_without_an_identity_is_refused(identity: str) -> None:
    with pytest.raises(UnreadableChanges, match="expected --changeset author:id"):
        judged(f"--liquibase formatted sql\n--changeset {identity}\nSELECT 1;\n")


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        (Engine.POSTGRESQL, "EXPLAIN ANALYZE " * DEPTH + "SELECT 1"),
        (Engine.SQLSERVER, "IF 1 = 1 " * DEPTH + "SELECT 1"),
        (Engine.SQLSERVER, "BEGIN " * DEPTH + "SELECT 1 " + "END " * DEPTH),
    ],
)
def test_what_is_too_deep_is_not_understood(engine: Engine, text: str) -> None:
    assert "not-understood" in slugs(judged(text, engine))


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        (Engine.ORACLE, "DELETE"),
        (Engine.SQLSERVER, "DELETE"),
        (Engine.POSTGRESQL, "CREATE MATERIALIZED VIEW m AS"),
        (Engine.DB2, "DELETE FROM t WHERE a = NEXT VALUE"),
    ],
)
def test_what_ends_too_early_is_not_understood(engine: Engine, text: str) -> None:
    assert "not-understood" in slugs(judged(text, engine))


def test_what_modifies_sql_does_not_let_it_grow_without_end() -> None:
    doubling = '<replace replace="a" with="aa"/>' * 60
    change = f"<sql>SELECT 'a'</sql><modifySql>{doubling}</modifySql>"
    text = f'<databaseChangeLog><changeSet id="1" author="ada">{change}</changeSet></databaseChangeLog>'
    with pytest.raises(UnreadableChanges, match="characters that modifySql makes"):
        judged(text, path="changelog.xml")


def test_a_long_condition_is_still_seen_to_be_always_true() -> None:
    many = " OR ".join(f"a = {number}" for number in range(200))
    assert "delete-without-where" in slugs(judged(f"DELETE FROM t WHERE {many} OR b > 1 OR b <= 1"))
    assert "delete-without-where" not in slugs(judged(f"DELETE FROM t WHERE {many} OR b > 1 OR c <= 1"))


def test_a_table_of_too_many_parts_is_not_understood() -> None:
    assert "not-understood" in slugs(judged(f"CREATE TABLE t (a int{', CHECK (a > 0)' * 10_000})"))


@untraced
def test_names_that_are_taken_are_passed_over_quickly() -> None:
    assert "not-understood" not in slugs(judged("CREATE TABLE t (a int);" + "CREATE INDEX ON t (a);" * 500))
    assert judged(f"CREATE TABLE t (a int); CREATE INDEX ON t ({', '.join(['(a + 1)'] * 3_000)})").paths


def test_after_what_takes_too_long_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_EFFORT", 100)
    text = "CREATE TABLE t (a int NOT NULL);" + "ALTER TABLE t ADD b int;" * 5 + "ALTER TABLE t ALTER a SET NOT NULL;"
    report = judged(text + "DROP TABLE t;")
    (found,) = (each for each in report.findings if each.policy == "not-understood")
    assert "more changes of more tables than are followed" in found.message
