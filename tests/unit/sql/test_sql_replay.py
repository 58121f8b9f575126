"""A model follows what changes do, and is unsure of what was not understood."""

import json

import pytest

from belay.sql.changes import DatabaseChange, Engine, SourcePlace, SqlStatement
from belay.sql.model import Model, ModelTable, from_json, to_json
from belay.sql.operations import Name
from belay.sql.replay import replay

EMPTY = Model(complete=True)


def after(*texts: str, engine: Engine = Engine.POSTGRESQL, baseline: Model = EMPTY) -> Model:
    place = SourcePlace("0001.sql", 1)
    statements = tuple(SqlStatement(text, SourcePlace("0001.sql", line)) for line, text in enumerate(texts, 1))
    model = baseline
    for step in replay([DatabaseChange("0001", "", place, "0" * 64, statements)], engine, baseline):
        assert step.before is model or step.before == model
        model = step.after
    return model


def table(model: Model, name: str = "t") -> ModelTable:
    return model.tables[Name(name)]


def test_constraints_and_indexes_have_the_names_that_postgresql_gives() -> None:
    found = table(
        after(
            "CREATE TABLE u (id int PRIMARY KEY)",
            "CREATE TABLE t (id serial PRIMARY KEY, a int CHECK (a > 0) UNIQUE, b int REFERENCES u, CHECK (a > b))",
            "CREATE INDEX ON t (a, lower(b::text))",
            "CREATE INDEX ON t (b)",
            "CREATE INDEX ON t (b)",
        )
    )
    assert set(found.constraints) == {"t_pkey", "t_a_check", "t_a_key", "t_b_fkey", "t_check"}
    assert set(found.indexes) == {"t_pkey", "t_a_key", "t_a_lower_idx", "t_b_idx", "t_b_idx1"}


def test_a_dropped_column_takes_its_indexes_and_constraints() -> None:
    found = table(
        after(
            "CREATE TABLE t (id int PRIMARY KEY, a int, b int, CHECK (a > b), UNIQUE (a, b))",
            "CREATE INDEX i ON t (b) WHERE a IS NOT NULL",
            "ALTER TABLE t DROP COLUMN a",
        )
    )
    assert (set(found.columns), set(found.constraints), set(found.indexes)) == ({"id", "b"}, {"t_pkey"}, {"t_pkey"})


def test_what_is_not_understood_makes_unsure_what_it_names_also_under_another_name() -> None:
    model = after(
        "CREATE TABLE t (a int)",
        "CREATE TABLE u (a int)",
        "ALTER TABLE t FROB a",
        "ALTER TABLE t RENAME TO v",
    )
    assert table(model, "v").unsure == ("0001.sql:3: 'FROB' is not understood here, a change of a table was expected",)
    assert not table(model, "u").unsure


def test_procedural_code_makes_everything_unsure() -> None:
    assert after("CREATE TABLE t (a int)", "DO $$ BEGIN END $$").unsure


def test_a_table_of_which_nothing_is_known_is_unsure() -> None:
    model = after("ALTER TABLE t ADD a int", baseline=Model())
    assert table(model).unsure == ("t was there before and is not known",)
    assert set(table(model).columns) == {"a"}


def test_a_rollback_takes_structure_back_in_postgresql_and_not_in_mysql() -> None:
    statements = ("CREATE TABLE t (a int)", "BEGIN", "DROP TABLE t", "ROLLBACK")
    assert Name("t") in after(*statements).tables
    assert Name("t") not in after(*statements, engine=Engine.MYSQL).tables


@pytest.mark.parametrize("engine", [Engine.POSTGRESQL, Engine.SQLSERVER])
def test_what_begins_in_a_transaction_is_taken_back_with_it(engine: Engine) -> None:
    statements = ("CREATE TABLE t (a int)", "BEGIN TRANSACTION", "DROP TABLE t", "BEGIN TRANSACTION", "ROLLBACK")
    assert Name("t") in after(*statements, engine=engine).tables


def test_a_temporary_table_hides_another_for_as_long_as_it_lasts() -> None:
    model = after("CREATE TABLE t (a int)", "CREATE TEMP TABLE t (b int)", "ALTER TABLE t ADD c int", "DROP TABLE t")
    assert set(table(model).columns) == {"a"}


def test_a_model_is_read_from_its_json() -> None:
    model = after("CREATE TYPE mood AS ENUM ('a')", "CREATE TABLE s.t (id int PRIMARY KEY, a int REFERENCES s.t (id))")
    assert from_json(json.loads(json.dumps(to_json(model)))) == model
