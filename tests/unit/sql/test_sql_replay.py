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


@pytest.mark.parametrize(
    "key",
    ["UNIQUE NULLS NOT DISTINCT (a, b) INCLUDE (c)", "UNIQUE (a) INCLUDE (b, c)", "PRIMARY KEY (a) INCLUDE (c)"],
)
def test_a_dropped_column_takes_the_constraints_that_only_include_it(key: str) -> None:
    found = table(after("CREATE TABLE t (a int, b int, c int)", f"ALTER TABLE t ADD {key}", "ALTER TABLE t DROP c"))
    assert (found.constraints.keys() - {"t_a_not_null"}, set(found.indexes), found.unsure) == (set(), set(), ())


def test_a_dropped_column_takes_the_indexes_that_only_include_it() -> None:
    found = after("CREATE TABLE t (a int, b int)", "CREATE INDEX i ON t (a) INCLUDE (b)", "ALTER TABLE t DROP b")
    assert table(found).indexes == {}


def identities(model: Model, name: str) -> set[str]:
    return {column.name for column in table(model, name).columns.values() if column.identity}


def test_an_identity_is_not_inherited_but_a_serial_is_and_a_partition_has_its_tables() -> None:
    changed = "ALTER TABLE t ALTER b ADD GENERATED ALWAYS AS IDENTITY"
    columns = "(a int GENERATED ALWAYS AS IDENTITY, b int NOT NULL, c serial)"
    for statements in (("CREATE TABLE u () INHERITS (t)", changed), (changed, "CREATE TABLE u () INHERITS (t)")):
        model = after(f"CREATE TABLE t {columns}", *statements)
        assert (identities(model, "t"), identities(model, "u")) == ({"a", "b", "c"}, {"c"})
    created = (f"CREATE TABLE t {columns} PARTITION BY LIST (b)", "CREATE TABLE u PARTITION OF t DEFAULT", changed)
    assert identities(after(*created), "u") == {"a", "b", "c"}
    assert identities(after(*created, "ALTER TABLE t DETACH PARTITION u"), "u") == {"c"}


def test_a_column_that_is_added_is_inherited_without_its_keys_and_identity() -> None:
    added = "ALTER TABLE t ADD b int UNIQUE GENERATED ALWAYS AS IDENTITY CHECK (b > 0) CHECK (b > 1) NO INHERIT"
    model = after("CREATE TABLE t (a int)", "CREATE TABLE u () INHERITS (t)", added)
    assert set(table(model, "t").constraints) == {"t_b_key", "t_b_check", "t_b_check1"}
    assert (set(table(model, "u").constraints), identities(model, "u")) == ({"t_b_check", "t_b_not_null"}, set())


@pytest.mark.parametrize("drop", ["ALTER a DROP NOT NULL", "DROP CONSTRAINT t_a_not_null"])
def test_what_inherits_keeps_a_not_null_of_its_own(drop: str) -> None:
    created = ("CREATE TABLE t (a int)", "CREATE TABLE u () INHERITS (t)", "CREATE TABLE v () INHERITS (t)")
    required = "ALTER TABLE u ALTER a SET NOT NULL"
    model = after(*created, required, "ALTER TABLE t ALTER a SET NOT NULL", f"ALTER TABLE t {drop}")
    assert [table(model, name).columns["a"].nullable for name in "tuv"] == [True, False, True]


def test_a_primary_key_that_is_added_makes_what_inherits_not_null() -> None:
    model = after("CREATE TABLE t (a int)", "CREATE TABLE u () INHERITS (t)", "ALTER TABLE t ADD PRIMARY KEY (a)")
    assert not table(model, "u").columns["a"].nullable
    assert table(model, "u").indexes == {}


@pytest.mark.parametrize("copy", ["(LIKE t)", "() INHERITS (t)", "(LIKE t INCLUDING ALL)"])
def test_a_not_null_that_was_not_validated_is_valid_in_a_copy_which_is_empty(copy: str) -> None:
    added = ("CREATE TABLE t (a int)", "ALTER TABLE t ADD CONSTRAINT k NOT NULL a NOT VALID", f"CREATE TABLE u {copy}")
    model = after(*added)
    assert (table(model, "t").columns["a"].nullable, table(model, "u").columns["a"].nullable) == (True, False)
    assert table(after(*added, "ALTER TABLE u DROP CONSTRAINT k"), "u").columns["a"].nullable


def test_only_a_table_itself_is_changed_where_it_says_so() -> None:
    model = after(
        "CREATE TABLE t (a int NOT NULL, b int DEFAULT 1, c int, CONSTRAINT k CHECK (a > 0))",
        "CREATE TABLE u () INHERITS (t)",
        "ALTER TABLE ONLY t ALTER a DROP NOT NULL, ALTER b DROP DEFAULT, DROP c, DROP CONSTRAINT k",
    )
    parent, child = table(model, "t"), table(model, "u")
    assert (set(parent.columns), set(parent.constraints)) == ({"a", "b"}, set())
    assert (set(child.columns), child.constraints["k"].expression) == ({"a", "b", "c"}, "a > 0")
    assert parent.columns["a"].nullable
    assert (child.columns["a"].nullable, child.columns["b"].default.text) == (False, "1")
    parts = ("CREATE TABLE t (a int) PARTITION BY LIST (a)", "CREATE TABLE u PARTITION OF t DEFAULT")
    assert table(after(*parts, "CREATE INDEX i ON ONLY t (a)"), "u").indexes == {}


@pytest.mark.parametrize(
    ("key", "reference", "drop"),
    [
        ("UNIQUE (a, b)", "(b, a) REFERENCES t (b, a)", "ALTER TABLE t DROP a CASCADE"),
        ("UNIQUE (a, b)", "(a, b) REFERENCES t (b, a)", "ALTER TABLE t DROP CONSTRAINT t_a_b_key CASCADE"),
        ("PRIMARY KEY (a)", "(b) REFERENCES t", "ALTER TABLE t DROP a CASCADE"),
        ("CHECK (a > 0)", "(b) REFERENCES t (c)", "DROP INDEX i CASCADE"),
        ("CHECK (a > 0)", "(b) REFERENCES t (c)", "ALTER TABLE t DROP b CASCADE"),
    ],
)
def test_a_cascade_takes_the_foreign_keys_whose_index_goes(key: str, reference: str, drop: str) -> None:
    created = (f"CREATE TABLE t (a int, b int, c int, {key})", "CREATE UNIQUE INDEX i ON t (c) INCLUDE (b)")
    referring = f"CREATE TABLE u (a int, b int, CONSTRAINT k FOREIGN KEY {reference})"
    assert set(table(after(*created, referring), "u").constraints) == {"k"}
    assert set(table(after(*created, referring, drop), "u").constraints) == set()


def test_a_cascade_leaves_the_foreign_keys_to_other_keys() -> None:
    created = ("CREATE TABLE t (a int PRIMARY KEY, b int UNIQUE)", "CREATE TABLE u (b int CONSTRAINT k REFERENCES t)")
    found = table(after(*created, "ALTER TABLE t DROP CONSTRAINT t_b_key CASCADE"), "u")
    assert (set(found.constraints), found.unsure) == ({"k"}, ())
    found = table(after(*created, "CREATE UNIQUE INDEX i ON t (a)", "DROP INDEX i CASCADE"), "u")
    assert (set(found.constraints), len(found.unsure)) == ({"k"}, 1)


def test_what_is_inherited_twice_or_besides_an_own_column_is_unsure() -> None:
    created = ("CREATE TABLE t (a int)", "CREATE TABLE s (a int)")
    assert table(after(*created, "CREATE TABLE u (a int) INHERITS (t)"), "u").unsure
    assert table(after(*created, "CREATE TABLE u () INHERITS (t, s)"), "u").unsure
    assert table(after(*created, "ALTER TABLE s INHERIT t"), "s").unsure


def test_tables_that_inherit_from_themselves_come_to_an_end() -> None:
    circle = ("CREATE TABLE t (a int) INHERITS (t)", "CREATE TABLE u () INHERITS (t)", "ALTER TABLE t ADD b int")
    assert set(table(after(*circle), "u").columns) == {"a", "b"}
    forks = [f"CREATE TABLE t{n} () INHERITS (t{n - 1}, t{n - 1})" for n in range(1, 40)]
    assert set(table(after("CREATE TABLE t0 (a int)", *forks, "ALTER TABLE t0 ADD b int"), "t39").columns) == {"a", "b"}


def test_defaults_are_copied_where_they_are_asked_for() -> None:
    source = "CREATE TABLE t (a int DEFAULT 1, b serial, c int GENERATED ALWAYS AS IDENTITY)"
    found = table(after(source, "CREATE TABLE u (LIKE t INCLUDING DEFAULTS)"), "u")
    assert [(each.default.text, each.identity) for each in found.columns.values()] == [
        ("1", False),
        ("nextval", True),
        ("", False),
    ]
    assert all(not each.default.text for each in table(after(source, "CREATE TABLE u (LIKE t)"), "u").columns.values())


@pytest.mark.parametrize("change", ["DROP DEFAULT", "SET DEFAULT 2 * 3"])
def test_a_serial_without_its_default_gives_no_numbers(change: str) -> None:
    assert identities(after("CREATE TABLE t (a serial)", f"ALTER TABLE t ALTER a {change}"), "t") == set()


def test_an_identity_is_dropped_before_another_is_added_whatever_comes_first() -> None:
    actions = "ALTER a ADD GENERATED ALWAYS AS IDENTITY, ALTER a DROP IDENTITY IF EXISTS"
    assert identities(after("CREATE TABLE t (a int NOT NULL)", f"ALTER TABLE t {actions}"), "t") == {"a"}


def test_equal_keys_and_exclusions_of_one_definition_are_one() -> None:
    excluded = "CREATE TABLE t (a int, EXCLUDE USING gist (a WITH =), CONSTRAINT k EXCLUDE USING gist (a WITH =))"
    assert set(table(after(excluded)).constraints) == {"k"}
    differing = "CREATE TABLE t (a int UNIQUE NULLS NOT DISTINCT, UNIQUE (a), EXCLUDE (a WITH =), EXCLUDE (a WITH <>))"
    assert set(table(after(differing)).constraints) == {"t_a_key", "t_a_key1", "t_a_excl", "t_a_excl1"}


def test_a_checks_name_is_taken_when_keys_are_named() -> None:
    found = table(after("CREATE TABLE t (a int UNIQUE, CONSTRAINT t_a_key CHECK (a > 0))"))
    assert {name: kept.kind.value for name, kept in found.constraints.items()} == {
        "t_a_key": "check",
        "t_a_key1": "unique",
    }


def test_a_not_null_has_the_name_that_it_got_first() -> None:
    created = "CREATE TABLE t (a int NOT NULL, b int CONSTRAINT k NOT NULL)"
    for statement, name, nullable in (
        ("ALTER TABLE t RENAME a TO c", "t_a_not_null", ["c"]),
        ("ALTER TABLE t RENAME a TO c", "t_c_not_null", []),
        ("ALTER TABLE t RENAME CONSTRAINT t_a_not_null TO l", "l", ["a"]),
        ("SELECT 1", "t_b_not_null", []),
        ("SELECT 1", "k", ["b"]),
    ):
        found = table(after(created, statement, f"ALTER TABLE t DROP CONSTRAINT IF EXISTS {name}"))
        assert [column.name for column in found.columns.values() if column.nullable] == nullable
    found = table(after(created, "ALTER TABLE t RENAME TO u", "ALTER TABLE u DROP CONSTRAINT t_a_not_null"), "u")
    assert found.columns["a"].nullable
    found = table(after(created, "ALTER TABLE t ALTER b DROP NOT NULL"))
    assert set(found.constraints) == set()


def test_a_temporary_tables_names_are_in_a_schema_of_their_own() -> None:
    model = after(
        "CREATE TABLE t (a int)",
        "CREATE TEMP TABLE u (a int)",
        "CREATE INDEX i ON u (a)",
        "CREATE INDEX IF NOT EXISTS i ON t (a)",
        "DROP INDEX i",
    )
    assert set(table(model).indexes) == {"i"}


def test_a_table_that_gets_a_temporary_tables_name_is_hidden_by_it() -> None:
    model = after("CREATE TABLE t (a int)", "CREATE TEMP TABLE u (b int)", "ALTER TABLE t RENAME TO u", "DROP TABLE u")
    assert set(table(model, "u").columns) == {"a"}


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
    assert table(model).unsure == ("t existed before and is not known",)
    assert set(table(model).columns) == {"a"}


def test_a_table_that_does_not_exist_takes_no_names() -> None:
    added = "ALTER TABLE IF EXISTS u DROP b, ADD CONSTRAINT t_pkey CHECK (a > 0)"
    model = after("CREATE TABLE t (a int)", added, "ALTER TABLE t ADD PRIMARY KEY (a)")
    assert set(table(model).indexes) == {"t_pkey"}
    assert table(model, "u").unsure


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
