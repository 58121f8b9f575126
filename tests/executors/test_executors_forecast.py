"""Forecasts and profiles of PostgreSQL on a real server."""

from dataclasses import replace
from typing import Any

import pytest
from postgres_world import World, change, document

from belay.database.executor import Ask, ChangeResult, LockTaken, OperationAnswer, RowsTouched
from belay.sql.model import from_json
from belay.sql.operations import (
    ColumnDefinition,
    ConstraintKind,
    Default,
    DefaultKind,
    Name,
    SqlType,
)
from local.postgres import Address
from packs.postgresql.catalog import is_plannable, sql_type

ORDERS = change(
    "0001-orders",
    "CREATE TABLE orders (id bigint PRIMARY KEY, status text, price integer)",
    "INSERT INTO orders SELECT n, CASE WHEN n > 1 THEN 'new' END, n FROM generate_series(1, 100) AS n",
)


@pytest.fixture
def world(empty_database: Address) -> World:
    world = World(empty_database)
    world.run(Ask.APPLY, document(ORDERS, attempt="before"), "before")
    return world


def forecast(world: World, *changes: Any, **more: Any) -> OperationAnswer:
    return world.run(Ask.FORECAST, document(ORDERS, *changes, **more), "forecast")


def only(answer: OperationAnswer) -> ChangeResult:
    unchanged, result = answer.changes
    assert unchanged.outcome == "UNCHANGED"
    return result


def test_a_change_that_fails_on_the_rows_is_found(world: World) -> None:
    required = change("0002", "ALTER TABLE orders ALTER COLUMN status SET NOT NULL")
    answer = forecast(world, required)
    assert answer.state == "FAILED"
    error = only(answer).error
    assert error is not None
    assert (error.code, error.message) == ("23502", 'column "status" of relation "orders" contains null values')


def test_what_is_written_anew_and_which_locks_are_held_is_seen(world: World) -> None:
    result = only(forecast(world, change("0002", "ALTER TABLE orders ALTER COLUMN price TYPE bigint")))
    assert result.rewritten == ("public.orders",)
    assert LockTaken("public.orders", "AccessExclusiveLock") in (result.locks or ())
    assert result.seconds is not None


def test_a_default_that_is_stored_once_writes_nothing_anew(world: World) -> None:
    result = only(forecast(world, change("0002", "ALTER TABLE orders ADD COLUMN note text NOT NULL DEFAULT ''")))
    assert (result.outcome, result.rewritten, result.rows) == ("APPLIED", (), ())


def test_rows_are_counted_for_the_change_alone(world: World) -> None:
    update = change("0002", "UPDATE orders SET price = 0 WHERE id <= 7", "DELETE FROM orders WHERE id = 9")
    insert = change("0003", "INSERT INTO orders VALUES (101, 'new', 1), (102, 'new', 1)")
    _, first, second = forecast(world, update, insert).changes
    assert first.rows == (RowsTouched("public.orders", updated=7, deleted=1),)
    assert second.rows == (RowsTouched("public.orders", inserted=2),)


def test_an_undo_is_rehearsed_and_the_change_is_there_in_the_end(world: World) -> None:
    added = change(
        "0002",
        "ALTER TABLE orders ADD COLUMN note text",
        "CREATE INDEX orders_note ON orders (note)",
        undo=("ALTER TABLE orders DROP COLUMN note",),
    )
    undo = only(forecast(world, added)).undo
    assert undo is not None
    assert (undo.restored, undo.error) == (True, None)
    assert world.sql("SELECT to_regclass('orders_note')::text") == [("orders_note",)]
    assert world.record() == [("0001-orders", "APPLIED"), ("0002", "APPLIED")]


def test_an_undo_that_gives_something_else_back_is_told(world: World) -> None:
    dropped = change(
        "0002", "ALTER TABLE orders DROP COLUMN status", undo=("ALTER TABLE orders ADD COLUMN status varchar",)
    )
    undo = only(forecast(world, dropped)).undo
    assert undo is not None
    assert (undo.restored, undo.error) == (False, None)


def test_an_undo_that_fails_is_told_and_the_forecast_goes_on(world: World) -> None:
    bad = change("0002", "ALTER TABLE orders ADD COLUMN note text", undo=("ALTER TABLE orders DROP COLUMN nothing",))
    after = change("0003", "ALTER TABLE orders ADD COLUMN more text")
    answer = forecast(world, bad, after)
    _, first, second = answer.changes
    assert (answer.state, first.outcome, second.outcome) == ("SUCCEEDED", "APPLIED", "APPLIED")
    assert first.undo is not None
    assert first.undo.error is not None
    assert first.undo.error.code == "42703"


def test_a_change_that_cannot_be_applied_after_its_undo_ends_the_forecast(world: World) -> None:
    once = change("0002", "CREATE TABLE made ()", "CREATE TABLE left_behind ()", undo=("DROP TABLE made",))
    answer = forecast(world, once)
    assert (answer.state, only(answer).outcome) == ("FAILED", "FAILED")
    assert 'relation "left_behind" already exists' in answer.reason


def test_an_index_is_built_concurrently_and_its_undo_rehearsed(world: World) -> None:
    index = change(
        "0002",
        "CREATE INDEX CONCURRENTLY orders_status ON orders (status)",
        undo=("DROP INDEX CONCURRENTLY orders_status",),
        transactional=False,
    )
    result = only(forecast(world, index))
    assert (result.outcome, result.locks) == ("APPLIED", None)
    assert result.undo is not None
    assert result.undo.restored


def test_the_queries_that_break_are_found(world: World) -> None:
    queries = (
        "SELECT id FROM orders WHERE status = $1",
        "SELECT price FROM orders WHERE id = $1",
        "SELECT now() - interval $1",
        "SELECT 1; DROP TABLE orders",
    )
    answer = forecast(world, change("0002", "ALTER TABLE orders DROP COLUMN price"), queries=queries)
    kept, broken, never, several = answer.queries
    assert kept.cost_before is not None
    assert kept.cost_after is not None
    assert kept.error == ""
    assert (broken.cost_after, broken.error) == (None, 'column "price" does not exist')
    assert (never.cost_before, never.cost_after, never.error) == (None, None, "")
    assert (several.cost_before, several.error) == (None, "")
    assert world.sql("SELECT count(*) FROM orders") == [(100,)]


def test_tables_are_read_before_anything_is_timed(world: World) -> None:
    answer = world.run(Ask.FORECAST, document(ORDERS, change("0002", "UPDATE orders SET price = 1")), "t", warm=True)
    assert answer.state == "SUCCEEDED"
    ((scans,),) = world.sql("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'orders'")
    assert scans >= 2


def test_a_profile_says_what_was_applied_and_what_the_structure_is(world: World) -> None:
    world.sql("CREATE TYPE mood AS ENUM ('sad', 'it''s ok')")
    world.sql('CREATE SCHEMA "Other"')
    world.sql(
        'CREATE TABLE "Other".lines (id integer GENERATED ALWAYS AS IDENTITY, order_id bigint REFERENCES orders,'
        " sum numeric(10, 2) DEFAULT 0, at timestamptz(3) DEFAULT clock_timestamp(), tags varchar(20)[], feeling mood,"
        " n int CHECK (n > 0) NOT NULL, twice int GENERATED ALWAYS AS (n * 2) STORED, UNIQUE (order_id, n))"
    )
    world.sql('CREATE INDEX lines_at ON "Other".lines (at DESC, lower(tags[1])) INCLUDE (n) WHERE n > 3')
    profile = world.run(Ask.PROFILE, None, "profile").profile
    assert profile is not None
    assert profile.version.startswith("PostgreSQL 18")
    (recorded,) = profile.recorded
    assert (recorded.id, recorded.application, recorded.outcome) == ("0001-orders", "orders", "APPLIED")
    assert profile.model is not None
    model = from_json(profile.model)
    assert model.enums == {Name("mood", "public"): ("sad", "it's ok")}
    assert set(model.tables) == {Name("orders", "public"), Name("lines", "Other")}
    lines = model.tables[Name("lines", "Other")]
    assert {name: str(column.type) for name, column in lines.columns.items()} == {
        "id": "integer",
        "order_id": "bigint",
        "sum": "numeric(10, 2)",
        "at": "timestamptz(3)",
        "tags": "varchar[](20)",
        "feeling": "mood",
        "n": "integer",
        "twice": "integer",
    }
    assert lines.columns["id"] == ColumnDefinition("id", SqlType("integer"), nullable=False, identity=True)
    assert lines.columns["sum"].default == Default(DefaultKind.CONSTANT, "0")
    assert lines.columns["at"].default == Default(DefaultKind.VOLATILE, "clock_timestamp()")
    assert lines.columns["twice"].generated
    assert {each.kind for each in lines.constraints.values()} == {
        ConstraintKind.UNIQUE,
        ConstraintKind.FOREIGN_KEY,
        ConstraintKind.CHECK,
    }
    index = lines.indexes["lines_at"]
    assert (index.columns, index.included, index.where) == (("at", "lower(tags[1]::text)"), ("n",), "(n > 3)")


def test_a_profile_has_queries_without_literals_and_sizes(world: World) -> None:
    world.sql("CREATE EXTENSION pg_stat_statements")
    world.sql("SELECT status FROM orders WHERE price > 42")
    world.sql("ANALYZE orders")
    profile = world.run(Ask.PROFILE, None, "profile").profile
    assert profile is not None
    queries = {each.query for each in profile.queries}
    assert "SELECT status FROM orders WHERE price > $1" in queries
    assert not any("belay_" in query or "'" in query for query in queries)
    ((table, rows),) = ((each.table, each.rows) for each in profile.sizes)
    assert (table, rows) == ("public.orders", 100)


def test_a_profile_of_an_empty_database_is_complete(empty_database: Address) -> None:
    profile = World(empty_database).run(Ask.PROFILE, None, "profile").profile
    assert profile is not None
    assert profile.model is not None
    assert (from_json(profile.model).complete, profile.recorded, profile.queries) == (True, (), ())


@pytest.mark.parametrize(
    ("query", "plannable"),
    [
        ("SELECT * FROM orders WHERE id = $1", True),
        ("  with x as (select $1) select * from x", True),
        ("CREATE USER eve PASSWORD $1", False),
        ("SELECT 'a literal'", False),
        ("SELECT * FROM pg_class", False),
    ],
)
def test_only_an_applications_queries_are_shown(query: str, plannable: bool) -> None:
    assert is_plannable(query) is plannable


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("character varying(20)", SqlType("varchar", ("20",))),
        ("timestamp(3) without time zone", SqlType("timestamp", ("3",))),
        ("time with time zone", SqlType("timetz")),
        ("double precision", SqlType("double precision")),
        ("bit varying(3)[]", SqlType("varbit[]", ("3",))),
        ('"Odd Name"', SqlType('"Odd Name"')),
    ],
)
def test_types_are_spelled_as_in_the_model(text: str, kind: SqlType) -> None:
    assert sql_type(text) == kind


def test_a_forecast_of_an_edited_change_fails_before_anything_is_run(world: World) -> None:
    answer = world.run(Ask.FORECAST, document(replace(ORDERS, digest="0" * 64), attempt="later"), "t")
    assert (answer.state, answer.changes[0].outcome) == ("FAILED", "PENDING")
